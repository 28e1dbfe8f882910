"""What a worker of a cluster is told: one attempt, and which exercise it is for.

An exercise's files are sent once to each place that grades, and known by their digest
from then on: most orders hold little more than the program that was handed in.
"""

from __future__ import annotations

from dataclasses import dataclass

from grader.course.parcel import Parcel


@dataclass(frozen=True, slots=True)
class Order:
    """An attempt to grade.

    `digest` stands for the exercise's files, which are there, as `parcel`, where they
    may not be known. `file` is how the submission is called in its verdict.
    """

    exercise: str
    digest: str
    file: str
    source: bytes
    parcel: Parcel | None = None
