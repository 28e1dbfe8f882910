"""Verdicts as text, against golden files."""
