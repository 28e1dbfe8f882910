"""What may come next on a command line: the answer to a shell that asks.

The shell runs ``grade`` itself, with the words so far in its environment, each time
that somebody presses the Tab key: so nothing is loaded that the answer does not need.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
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

    from grader.catalog import names

    top = parser("", names())
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


def _exercises(parsed_args: argparse.Namespace, **_: Any) -> Mapping[str, str]:
    from grader.catalog import names, using

    folder = getattr(parsed_args, "course", None)
    if not isinstance(folder, Path):
        return dict.fromkeys(names(), "")
    try:
        with using(folder):
            return dict.fromkeys(names(), "")
    except UsageError:
        return {}  # the command itself says what is wrong


def _exercises_and_equals(**about: Any) -> Mapping[str, str]:
    return {f"{name}=": what for name, what in _exercises(**about).items()}


def _checks(parser: Parser, **_: Any) -> Mapping[str, str]:
    from grader.catalog import find

    try:
        exercise = find(parser.get_default("exercise"))
    except (GraderError, UsageError):
        return {}  # the command itself says what is wrong
    return {check.id: check.title for check in exercise.checks}


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
