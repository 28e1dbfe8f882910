"""What can go wrong with the grader itself, or with how it was called.

    GraderError         the grader could not do its work: exit status 3
      CatalogError      an exercise's folder breaks a rule
    UsageError          it was called in a way that it cannot serve: exit status 2

What is wrong with a submission is never an error: it is a finding.
"""

from __future__ import annotations


class GraderError(Exception):
    """The grader could not do its work."""


class CatalogError(GraderError):
    """An exercise's folder breaks a rule; the message names file and cure."""


class UsageError(Exception):
    """The grader was called in a way that it cannot serve."""
