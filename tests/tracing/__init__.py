"""Tests of the tracer: each is a program and what must be recorded of it."""
