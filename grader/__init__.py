"""forklab: exercises in process programming, graded by what the kernel saw."""

__version__ = "0.1.0"
