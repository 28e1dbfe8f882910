"""How ``grade trace`` runs a program: once, or in search of a schedule."""

from __future__ import annotations

import argparse
import math
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

from grader.errors import UsageError

if TYPE_CHECKING:
    from grader.exploring.choices import Choices, Pilot
    from grader.exploring.search import Fly, Found
    from grader.tracing.launch import Zygote
    from grader.tracing.recording import Recording
    from grader.tracing.schedule import Schedule

# So many runs are made at most to shorten a schedule that fails.
_SHRINKING = 200


def schedule_of(name: str) -> tuple[Schedule, Pilot | None]:
    """A schedule by its name or its code."""
    from grader.exploring.choices import Pilot, decode
    from grader.tracing.schedule import SCHEDULES

    if name in SCHEDULES:
        return SCHEDULES[name], None
    try:
        pilot = Pilot(decode(name))
    except ValueError:
        raise UsageError(
            f"there is no schedule {name!r}; there are {', '.join(SCHEDULES)}, and "
            "the codes that `grade` tells, such as x12b-40a"
        ) from None
    return pilot.schedule, pilot


def run_once(
    arguments: argparse.Namespace,
    schedule: Schedule,
    *,
    directory: Path | None,
    zygote: Zygote | None = None,
    lines: bool = True,
) -> Recording:
    """Run the program to its end; None: in an empty folder, as a search does.

    `lines` as for `grader.tracing.trace`: in a search they would take too long.
    """
    from grader.tracing.program import trace

    with trace(
        [arguments.program, *arguments.arguments],
        schedule=schedule,
        directory=directory,
        stdout="pipe" if arguments.redirected else "terminal",
        zygote=zygote,
        lines=lines,
    ) as program:
        if program.reads_input():
            program.close_input()
        return program.finish()


def explored(arguments: argparse.Namespace) -> tuple[Found, Recording]:
    """What a search has come to, and the run to be told: its shortest failing one."""
    from grader.diagnosis.causes import general
    from grader.exploring.choices import Pilot
    from grader.exploring.search import Search, flown
    from grader.exploring.shrink import shrink
    from grader.report.progress import SearchProgress
    from grader.tracing.program import zygote_for

    over = math.inf
    if arguments.seconds is not None:
        over = time.monotonic() + arguments.seconds

    def fails(recording: Recording) -> bool:
        return bool(general(recording))

    with (
        zygote_for(arguments.program) as zygote,
        SearchProgress(arguments.explore) as progress,
    ):

        def flying(*, lines: bool) -> Fly:
            return flown(
                lambda schedule: run_once(
                    arguments, schedule, directory=None, zygote=zygote, lines=lines
                )
            )

        def told(choices: Choices) -> Recording:
            """A run of the search once more, with the lines of the program."""
            return flying(lines=True)(Pilot(choices)).recording

        fly = flying(lines=False)
        search = Search(
            fly,
            fails,
            runs=arguments.explore,
            progress=progress,
            enough=lambda: time.monotonic() > over,
        )
        found = search.search()
        if found.failure is None:
            return found, told({})
        smallest = shrink(fly, fails, found.failure, runs=_SHRINKING)
        again = told(smallest.choices)
        # A program that does something else each time is told as it was found.
        return found, again if fails(again) else smallest.recording


def outcome(arguments: argparse.Namespace, found: Found, recording: Recording) -> str:
    """What a search has come to, in a sentence, and how to see again what it found."""
    from grader.report.text import counted

    if found.failure is not None:
        words = [arguments.program, *arguments.arguments]
        if arguments.redirected:
            words.insert(0, "--redirected")
        again = shlex.join(["grade", "trace", "--schedule", recording.schedule, *words])
        return f"Found in {counted(found.runs, 'run')}. To see it again: {again}"
    nothing = "Nothing is wrong that can be known without its exercise in"
    but = (
        ", but for the orders of steps that cannot affect each other, and of what is "
        "done to the contents of files and to shared memory"
    )
    if found.complete:
        told = f"{_all_of(found.runs)} {_with(found.preemptions)}{but}"
    elif found.preemptions is None:
        told = f"{counted(found.runs, 'run')}; there are more interleavings than these"
    else:
        told = (
            f"{counted(found.runs, 'run')}: all interleavings "
            f"{_with(found.preemptions)}{but}, and some of those with more"
        )
    return f"{nothing} {told}. The story is that of the first."


def _all_of(interleavings: int) -> str:
    if interleavings == 1:
        return "the only interleaving"
    return f"all {interleavings} interleavings"


def _with(preemptions: int | None) -> str:
    from grader.report.text import counted

    if not preemptions:
        return "without preemption"
    return f"with at most {counted(preemptions, 'preemption')}"
