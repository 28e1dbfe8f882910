"""Whole submissions, graded."""
