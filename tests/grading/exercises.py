"""Exercises that are made for a test."""

from __future__ import annotations

from pathlib import Path

from grader.catalog import Exercise, read_exercise

_SETTINGS = """\
title = "An exercise"
summary = ""
arguments = ""
teaches = []
hints = []
"""


def made_exercise(folder: Path, checks: str) -> Exercise:
    """One of which nothing matters but its checks, the text of a module."""
    place = folder / "exercise0"
    place.mkdir()
    for part in ("README.md", "stub.py"):
        (place / part).touch()
    (place / "exercise.toml").write_text(_SETTINGS)
    (place / "test_exercise0.py").write_text(checks)
    return read_exercise(place)
