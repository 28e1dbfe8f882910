"""Tests of what a whole course needs."""
