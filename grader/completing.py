"""What may come next on a command line: the answer to a shell that asks.

The shell runs ``grade`` itself, with the words so far in its environment, each time
that somebody presses the Tab key: so nothing is loaded that the answer does not need.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

from grader.cli import parser
from grader.commands.parser import Parser
from grader.errors import GraderError, UsageError
from grader.usage import is_path

# What argcomplete calls for the value of an argument: names, and what they are.
Completer = Callable[..., Mapping[str, str]]


def answer() -> NoReturn:
    """Tell the shell what may come next, and end the process."""
    from argcomplete.finders import CompletionFinder

    from grader.catalog import is_name, names

    # Another course may have exercises of other names.
    before = os.environ["COMP_LINE"].split()[:-1][1:2]
    top = parser("", dict.fromkeys([*names(), *filter(is_name, before)]))
    for command in top.commands():
        for action in command.actions:
            if action.choices is None and action.nargs != 0:
                action.completer = _completer(action, top)  # type: ignore[attr-defined]
    CompletionFinder()(top, always_complete_options=False)
    raise AssertionError("argcomplete ends the process")


def _completer(action: argparse.Action, top: Parser) -> Completer:
    """What completes the value of an argument: by its name, else by its kind."""
    if action.dest == "command":
        return lambda **_: dict.fromkeys(top.names(), "")
    if action.dest in _BY_NAME:
        return _BY_NAME[action.dest]
    if "NAME=" in str(action.metavar):
        return _exercises_and_equals
    if is_path(action.type) or not action.option_strings:
        return _files
    return lambda **_: {}


def _of_its_course(complete: Completer) -> Completer:
    """The same of the course that the words so far name, if they name one."""

    def completed(parsed_args: argparse.Namespace, **about: Any) -> Mapping[str, str]:
        from grader.catalog import using

        folder = getattr(parsed_args, "course", None)
        try:
            with using(folder) if isinstance(folder, Path) else nullcontext():
                return complete(parsed_args=parsed_args, **about)
        except (GraderError, UsageError):
            return {}  # the command itself says what is wrong

    return completed


@_of_its_course
def _exercises(**_: Any) -> Mapping[str, str]:
    from grader.catalog import names

    return dict.fromkeys(names(), "")


def _exercises_and_equals(**about: Any) -> Mapping[str, str]:
    return {f"{name}=": what for name, what in _exercises(**about).items()}


@_of_its_course
def _checks(parser: Parser, **_: Any) -> Mapping[str, str]:
    from grader.catalog import find

    exercise = find(parser.get_default("exercise"))
    return {check.id: check.title for check in exercise.checks}


@_of_its_course
def _diagnoses(**_: Any) -> Mapping[str, str]:
    from grader.diagnosis.texts import all_ids, text

    return {identity: text(identity).title for identity in all_ids()}


def _schedules(**_: Any) -> Mapping[str, str]:
    from grader.tracing.schedule import SCHEDULES

    return {name: schedule.says for name, schedule in SCHEDULES.items()}


def _files(prefix: str, **_: Any) -> Mapping[str, str]:
    """Files and folders; those with a dot where one was typed."""
    folder, name = os.path.split(prefix)
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            return {
                os.path.join(folder, entry.name) + "/" * entry.is_dir(): ""
                for entry in sorted(entries, key=lambda entry: entry.name)
                if entry.name.startswith(name)
                and (name or not entry.name.startswith("."))
            }
    except OSError:
        return {}


_BY_NAME: Mapping[str, Completer] = {
    "exercise": _exercises,
    "check": _checks,
    "diagnosis": _diagnoses,
    "schedule": _schedules,
}
