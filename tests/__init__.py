"""The tests of forklab, by room."""
