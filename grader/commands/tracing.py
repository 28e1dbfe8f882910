"""``grade trace``."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from grader.errors import UsageError
from grader.usage import FULL, NOT_FULL


def add_trace(command: argparse.ArgumentParser) -> None:
    """The arguments of ``grade trace``."""
    command.add_argument(
        "--json", metavar="FILE", type=Path, help="write the recording"
    )
    command.add_argument(
        "--schedule",
        metavar="NAME",
        default="take_turns",
        help="whose turn comes when, such as child_first; a wrong NAME lists them",
    )
    command.add_argument(
        "--redirected", action="store_true", help="standard output is a pipe"
    )
    command.add_argument("--verbose", action="store_true", help="show every event")
    command.add_argument("program", metavar="PROGRAM", help="a file, or a command")
    command.add_argument(
        "arguments", metavar="ARGS", nargs="...", help="passed on to the program"
    )


def trace_program(arguments: argparse.Namespace) -> int:
    """Run a program and tell what its processes did; the exit status."""
    from grader.diagnosis.causes import general
    from grader.report.files import check_writable, keep_apart, write_whole
    from grader.report.recording import recording_json
    from grader.report.terminal import Reporter, console
    from grader.report.timeline import full, timeline
    from grader.tracing.program import trace
    from grader.tracing.schedule import SCHEDULES

    schedule = SCHEDULES.get(arguments.schedule)
    if schedule is None:
        raise UsageError(
            f"there is no schedule {arguments.schedule!r}; there are "
            + ", ".join(SCHEDULES)
        )
    if Path(arguments.program).is_dir() and os.sep in arguments.program:
        raise UsageError(f"{arguments.program} is a folder; name a program in it")
    if arguments.json is not None:
        check_writable(arguments.json)
        keep_apart(Path(arguments.program), arguments.json)
    try:
        with trace(
            [arguments.program, *arguments.arguments],
            schedule=schedule,
            directory=Path(),
            stdout="pipe" if arguments.redirected else "terminal",
        ) as program:
            if program.reads_input():
                program.close_input()
            recording = program.finish()
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no program {arguments.program!r}; name a file, or a command "
            "that the shell would find"
        ) from error
    except PermissionError as error:
        raise UsageError(
            f"{arguments.program} cannot be run: permission denied; see `chmod`"
        ) from error
    findings = general(recording)
    reporter = Reporter(console())
    whole = arguments.verbose
    reporter.story((full if whole else timeline)(recording), whole=whole)
    reporter.gap()
    reporter.findings(findings)
    if not findings:
        reporter.line("Nothing is wrong that can be known without its exercise.")
    if arguments.json is not None:
        data = recording_json(recording, findings)
        write_whole(arguments.json, json.dumps(data, indent=2) + "\n")
    return NOT_FULL if findings else FULL
