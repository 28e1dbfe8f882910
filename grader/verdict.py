"""The outcome of grading, as data: Verdict, CheckResult, Finding, and their JSON.

The JSON is schema 1, documented key by key in docs/verdict.md. Keys are added,
never renamed or removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

SCHEMA = 1

Kind = TypeVar("Kind")


class CheckOutcome(StrEnum):
    """How one check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not-run"
    GRADER_ERROR = "grader-error"


class Outcome(StrEnum):
    """How the whole submission did."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"
    GRADER_ERROR = "grader-error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found wrong.

    `id` is a diagnosis, `message` what happened in this run, `why` why that is
    wrong, `read` man pages, `line` a line of the submission, `schedule` the name
    of the run's timing, `timeline` the run's whole story, one line an entry, `steps`
    how it came about, a sentence an entry, `picture` what to draw of it, which
    `grader.picture.data` reads, `order` what its timing is in words, `command` how the
    program was started there, as one would type it. `cure` is what to do, where what
    the diagnosis says of that does not fit all that it is found for.
    """

    id: str
    message: str
    why: str = ""
    read: tuple[str, ...] = ()
    line: int | None = None
    schedule: str = ""
    timeline: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    picture: str = ""
    order: str = ""
    command: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's outcome; `error` says what the grader itself could not do.

    `hidden`: it is one of those that students do not have. `timeline` is what the
    processes did under the one schedule that it was to look at, where it holds.
    """

    id: str
    title: str
    points: int
    earned: int
    outcome: CheckOutcome
    findings: tuple[Finding, ...] = ()
    error: str = ""
    hidden: bool = False
    timeline: tuple[str, ...] = ()

    @property
    def trouble(self) -> str:
        """Why the grader could not do its work here, where it could not."""
        return self.error or "the grader could not do its work"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one submission got for one exercise."""

    exercise: str
    submission: str
    checks: tuple[CheckResult, ...]
    findings: tuple[Finding, ...] = field(default=())
    error: str = ""

    @property
    def score(self) -> int:
        return sum(check.earned for check in self.checks)

    @property
    def max_score(self) -> int:
        return sum(check.points for check in self.checks)

    @property
    def all_findings(self) -> list[Finding]:
        """Those of the submission as a whole, and those of its checks."""
        return [*self.findings, *(f for check in self.checks for f in check.findings)]

    @property
    def trouble(self) -> str:
        """The first that the grader itself could not do; empty where it says none."""
        errors = [self.error, *(check.error for check in self.checks)]
        return next((error for error in errors if error.strip()), "")

    @property
    def outcome(self) -> Outcome:
        if self.error or any(
            check.outcome is CheckOutcome.GRADER_ERROR for check in self.checks
        ):
            return Outcome.GRADER_ERROR
        if self.checks and all(
            check.outcome is CheckOutcome.PASSED for check in self.checks
        ):
            return Outcome.FULL
        return Outcome.PARTIAL if self.score else Outcome.NONE

    def as_json(self) -> dict[str, Any]:
        """This verdict as schema 1: only what JSON has types for."""
        return {
            "schema": SCHEMA,
            "exercise": self.exercise,
            "submission": self.submission,
            "score": self.score,
            "max_score": self.max_score,
            "outcome": self.outcome.value,
            "error": self.error,
            "findings": [finding_json(finding) for finding in self.findings],
            "checks": [check_json(check) for check in self.checks],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Verdict:
        """Read what `as_json` wrote.

        Raises ``ValueError`` where `data` is not a verdict of schema 1.
        """
        if data.get("schema") != SCHEMA:
            raise ValueError(
                f"not a verdict of schema {SCHEMA}: {data.get('schema')!r}"
            )
        try:
            return cls(
                exercise=_a(str, data["exercise"]),
                submission=_a(str, data["submission"]),
                checks=tuple(check_from_json(check) for check in data["checks"]),
                findings=tuple(_finding_from_json(f) for f in data.get("findings", ())),
                error=_a(str, data.get("error", "")),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a verdict of schema {SCHEMA}: {error}") from error


def finding_json(finding: Finding) -> dict[str, Any]:
    """One entry of ``findings``."""
    data = asdict(finding)
    data["read"] = list(finding.read)
    data["timeline"] = list(finding.timeline)
    data["steps"] = list(finding.steps)
    if not finding.cure:
        del data["cure"]
    return data


def _finding_from_json(data: Mapping[str, Any]) -> Finding:
    lists = ("read", "timeline", "steps")
    for key in ("id", "message"):
        _a(str, data[key])
    return Finding(**{**data, **{key: tuple(data.get(key, ())) for key in lists}})


def check_json(check: CheckResult) -> dict[str, Any]:
    """One entry of a verdict's ``checks``."""
    return {
        "id": check.id,
        "title": check.title,
        "points": check.points,
        "earned": check.earned,
        "outcome": check.outcome.value,
        "error": check.error,
        "hidden": check.hidden,
        "findings": [finding_json(finding) for finding in check.findings],
        **({"timeline": list(check.timeline)} if check.timeline else {}),
    }


def check_from_json(data: Mapping[str, Any]) -> CheckResult:
    """Read one entry of a verdict's ``checks``.

    Raises ``ValueError``, ``KeyError`` or ``TypeError`` where it is none.
    """
    return CheckResult(
        id=_a(str, data["id"]),
        title=_a(str, data["title"]),
        points=_a(int, data["points"]),
        earned=_a(int, data["earned"]),
        outcome=CheckOutcome(data["outcome"]),
        findings=tuple(_finding_from_json(finding) for finding in data["findings"]),
        error=_a(str, data.get("error", "")),
        hidden=_a(bool, data.get("hidden", False)),
        timeline=tuple(_a(str, line) for line in data.get("timeline", ())),
    )


def _a(kind: type[Kind], value: object) -> Kind:
    """The value, which is of that kind. Raises ``ValueError`` where it is not."""
    if type(value) is not kind:
        raise ValueError(f"{value!r} is no {kind.__name__}")
    return value
