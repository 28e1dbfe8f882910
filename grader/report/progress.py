"""What is being checked, shown while it is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from grader.report.text import visible
from grader.session import ChecksStarting, CheckStarted

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

    from grader.course.grading import Began, Done
    from grader.verdict import CheckResult


class LiveProgress:
    """What is being checked, on standard error, where that is a terminal.

    Redrawn when something happens and not by a thread: the session forks. What draws
    it is loaded while the checks load what they need.
    """

    def __init__(self) -> None:
        self._bar: Progress | None = None

    def __enter__(self) -> LiveProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, event: ChecksStarting | CheckStarted | CheckResult) -> None:
        if isinstance(event, ChecksStarting):
            import grader.report.terminal  # noqa: F401  # the report will need it
        if not isinstance(event, CheckStarted) or not sys.stderr.isatty():
            return
        if self._bar is None:
            self._bar = _bar()
            self._bar.start()
        (task,) = self._bar.task_ids
        self._bar.update(task, description=event.title)
        self._bar.refresh()


class CourseProgress:
    """How far the grading of a course is, and when it will be over.

    On standard error, where that is a terminal; redrawn when something happens.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._running: list[str] = []
        self._bar: Progress | None = None

    def __enter__(self) -> CourseProgress:
        if self._total and sys.stderr.isatty():
            self._bar = _course_bar(self._total)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, event: Began | Done) -> None:
        from grader.course.grading import Began

        attempt = event.task.attempt
        what = visible(f"{attempt.student} {attempt.exercise}")
        if isinstance(event, Began):
            self._running.append(what)
        elif what in self._running:
            self._running.remove(what)
        if self._bar is None:
            return
        (task,) = self._bar.task_ids
        self._bar.update(
            task,
            description=", ".join(self._running),
            advance=0 if isinstance(event, Began) else 1,
        )
        self._bar.refresh()


class SearchProgress:
    """How many runs a search has made, on standard error, where that is a terminal."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._bar: Progress | None = None

    def __enter__(self) -> SearchProgress:
        if sys.stderr.isatty():
            self._bar = _course_bar(self._total)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, runs: int) -> None:
        if self._bar is not None:
            (task,) = self._bar.task_ids
            self._bar.update(task, description="runs", completed=runs)
            self._bar.refresh()


def _bar() -> Progress:
    from rich.progress import SpinnerColumn

    # The usual one is of Braille characters.
    has_them = sys.stderr.encoding.lower().startswith("utf")
    bar = _progress(SpinnerColumn("dots" if has_them else "line"))
    bar.add_task("starting")
    return bar


def _course_bar(total: int) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

    bar = _progress(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar.add_task("", total=total)
    return bar


def _progress(*columns: ProgressColumn) -> Progress:
    """Columns, and behind them what is being done; gone at the end."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn
    from rich.table import Column

    console = Console(stderr=True)
    # What is left of the line, and no more: the other columns stay whole.
    rest = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    return Progress(
        *columns,
        TextColumn("{task.description}", markup=False, table_column=rest),
        console=console,
        expand=True,
        transient=True,
        auto_refresh=False,
        disable=not console.is_terminal,
    )
