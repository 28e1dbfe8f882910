"""Tests of the diagnoses: a program each, and what must be said of it."""
