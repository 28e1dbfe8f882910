"""What a course sets once: ``forklab.toml``, whose values stand for options.

A table is a command, a key an option of it, without the dashes. The values become
words in front of those of the command line, so that they mean the same and are wrong
for the same reasons; an option that is given there is left out here.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from grader.commands.parser import ANY_EXERCISE, Parser
from grader.configfile import FILE_NAME, chosen
from grader.errors import UsageError, with_cure
from grader.usage import is_path, named_path

# The tables that are no command: of every one, and of those that grade one person.
EVERY, GRADING = "every-command", "grade"

# A line that sets a key, or a key below it.
_SETS = r"\s*[\"']?{}[\"']?\s*[=.]"

_NOT_SET = ("help", "version", "config", "no-config")

Tables = Mapping[str, Sequence[Parser]]


def add_options(commands: Sequence[Parser]) -> None:
    """Give each command that has options those that name their config file."""
    for command in filter(settable, commands):
        which = command.add_mutually_exclusive_group()
        which.add_argument(
            "--config",
            metavar="FILE",
            type=named_path,
            help=f"take options from FILE, such as a course's {FILE_NAME}",
        )
        which.add_argument(
            "--no-config", action="store_true", help="take options from no file"
        )


def use(commands: Sequence[Parser]) -> None:
    """Have each of these commands take options from its config file."""
    known = tables(commands)
    for command in filter(settable, commands):
        command.settings = partial(_words, known)


def settable(command: Parser) -> dict[str, argparse.Action]:
    """The options of a command that a config file may set, by their keys."""
    options = (action for action in command.actions if action.option_strings)
    by_key = {action.option_strings[-1].lstrip("-"): action for action in options}
    return {key: action for key, action in by_key.items() if key not in _NOT_SET}


def tables(commands: Sequence[Parser]) -> Tables:
    """The tables that there may be, and the commands for which each is meant.

    What a later one says of a command counts.
    """
    able = [command for command in commands if settable(command)]
    one_persons = [command for command in able if command.name in (ANY_EXERCISE, "all")]
    named = {c.name.replace(" ", "."): [c] for c in able if c.name != ANY_EXERCISE}
    return {EVERY: able, GRADING: one_persons, **named}


def keys(commands: Sequence[Parser]) -> list[str]:
    """The keys that a table meant for these commands may have."""
    return list(dict.fromkeys(key for command in commands for key in settable(command)))


def _words(known: Tables, command: Parser, words: Sequence[str]) -> list[str]:
    """What the config file of a command adds to these words of it."""
    given = command.given(words)
    path = chosen(given)
    if path is None:
        return []
    words_of_file: list[str] = []
    said: dict[str, Value] = {}
    for key, value in ConfigFile.read(path, known).of(command).items():
        action = settable(command)[key]
        rivals = command.exclusive(action)
        if any(hasattr(given, rival.dest) for rival in rivals):
            continue
        for rival in rivals:
            if rival.dest in said:
                other = said[rival.dest].place
                raise UsageError(f"{value.place} does not go together with {other}")
        said[action.dest] = value
        words_of_file += value.words(action)
    command.said = [*said.values()]
    return words_of_file


def with_place(sentence: str, command: Parser) -> str:
    """What is wrong with the use of a command, and where the value stands it is about.

    What is wrong with a value may show late: whether there is an exercise of that name,
    only its course can tell.
    """
    about = sentence.partition("; ")[0]
    for value in command.said:
        if isinstance(value, Value) and any(_is_in(about, n) for n in value.names()):
            return f"{value.place}: {sentence}"
    return sentence


def _is_in(sentence: str, name: str) -> bool:
    """Whether a sentence has a name in it, and not as a part of another one."""
    pattern = rf"(?<![\w./-]){re.escape(name)}(?![\w/-]|\.\w)"
    return bool(name) and re.search(pattern, sentence) is not None


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a config file; `place` is where it stands, `folder` where that is."""

    value: object
    place: str
    folder: Path

    def names(self) -> Iterator[str]:
        """What may stand for it in a sentence that says what is wrong with it."""
        several = isinstance(self.value, list | dict)
        for one in self.value if several else [self.value]:  # type: ignore[attr-defined]
            yield from (str(one), str(one).partition("=")[0])
            yield str(self.folder / os.path.expanduser(str(one)))

    def words(self, action: argparse.Action) -> list[str]:
        """The words of a command line that say the same.

        Raises `UsageError`, with what may stand there, where there are none.
        """
        option = action.option_strings[-1]
        if action.nargs == 0:
            if not isinstance(self.value, bool):
                raise UsageError(f"{self.place} is true or false")
            words = [option] if self.value else []
        else:
            words = [f"{option}={text}" for text in self._texts(action)]
        one = argparse.ArgumentParser(add_help=False, exit_on_error=False)
        alone = copy(action)
        alone.required = False
        one._add_action(alone)  # there is no other way to ask what an option takes
        try:
            one.parse_args(words)
        except argparse.ArgumentError as error:
            raise UsageError(f"{self.place}: {error.message}") from None
        return words

    def _texts(self, action: argparse.Action) -> Iterator[str]:
        metavar = str(action.metavar or action.dest.upper())
        repeats = isinstance(action, argparse._AppendAction)
        value = self.value
        if isinstance(value, dict):
            if not (repeats and "NAME=" in metavar):
                raise UsageError(f"{self.place} is no table: it is {metavar}")
            for name, one in value.items():
                yield f"{name}={self._text(one, action)}"
        elif isinstance(value, list):
            if not repeats:
                raise UsageError(f"{self.place} is one value, no list: {metavar}")
            for one in value:
                yield self._text(one, action)
        else:
            yield self._text(value, action)

    def _text(self, value: object, action: argparse.Action) -> str:
        if isinstance(value, bool | list | dict):
            metavar = action.metavar or action.dest.upper()
            raise UsageError(f"{self.place} is a text or a number: {metavar}")
        if "\0" in str(value):
            raise UsageError(f"{self.place} has a NUL character in it; remove it")
        if not is_path(action.type):
            return str(value)
        if not isinstance(value, str) or not value:
            raise UsageError(f"{self.place} is the name of a file or a folder, quoted")
        return str(self.folder / os.path.expanduser(value))


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A config file whose tables and keys are known ones."""

    known: Tables
    values: Mapping[str, Mapping[str, Value]]

    def of(self, command: Parser) -> dict[str, Value]:
        """What it says of a command's options."""
        found: dict[str, Value] = {}
        for table, commands in self.known.items():
            if command in commands:
                options = settable(command)
                mine = self.values.get(table, {}).items()
                found |= {key: value for key, value in mine if key in options}
        return found

    @classmethod
    def read(cls, path: Path, known: Tables) -> ConfigFile:
        """Read a config file.

        Raises `UsageError` where it cannot be read, or has what means nothing.
        """
        text = _text_of(path)
        values: dict[str, dict[str, Value]] = {}
        for table, content in _tables_of(path, text, known):
            values[table] = {}
            for key, value in content.items():
                place = f"{_place(path, text, table, key)}: {key} in [{table}]"
                _check_key(place, key, keys(known[table]))
                values[table][key] = Value(value, place, path.parent)
        return cls(known, values)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder; name a config file in it") from None
    except OSError as error:
        raise UsageError(
            f"the config file {path} cannot be read: {with_cure(error)}; see --config"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text; save it as that") from error


def _tables_of(
    path: Path, text: str, known: Tables
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The tables of a file, those of commands of two words by both."""
    import tomllib
    from decimal import Decimal

    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{path} is not valid TOML: {error}; mend it, or say --no-config"
        ) from error
    except RecursionError:
        raise UsageError(
            f"{path} nests its values too deeply; what it may have nests no deeper "
            "than a list or a table"
        ) from None
    waiting = list(data.items())
    while waiting:
        table, content = waiting.pop(0)
        if not isinstance(content, dict):
            raise UsageError(
                f"{_place(path, text, '', table)}: {table} stands in no table; put it "
                f"below the command that it is for, or [{EVERY}]"
            )
        if table in known:
            yield table, content
        elif any(name.startswith(f"{table}.") for name in known):
            waiting += [(f"{table}.{name}", below) for name, below in content.items()]
        else:
            raise UsageError(
                f"{_place(path, text, table, None)}: there is no table [{table}]"
                + _instead(table, known)
            )


def _check_key(place: str, key: str, known: Sequence[str]) -> None:
    if key not in known:
        raise UsageError(f"{place} is no option{_instead(key, known)}")


def _instead(name: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else "; there are " + ", ".join(known)


def _place(path: Path, text: str, table: str, key: str | None) -> str:
    """The file, and the line of a key or of a table where one line alone may be it."""
    within, found = "", []
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[([^\[\]]+)\]", line):
            within = re.sub(r"[\s\"']", "", head[1])
            if key is None and within == table:
                found.append(number)
        elif within == table and key is not None:
            found += [number] if re.match(_SETS.format(re.escape(key)), line) else []
    return f"{path}, line {found[0]}" if len(found) == 1 else str(path)
