"""Tests of what makes forklab part of other platforms."""
