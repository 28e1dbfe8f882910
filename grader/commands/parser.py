"""The parser of ``grade``: its errors are one sentence, and its help has examples."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from grader.usage import WRONG_USAGE, named_path

# What a name stands for that is a command, but not always the same one.
ANY_EXERCISE = "exerciseN"

_PASSES_ON = (argparse.REMAINDER, argparse.PARSER)

# Words that set options before those of the command line do, of a command that was
# called with these words.
Settings = Callable[["Parser", Sequence[str]], list[str]]


class Parser(argparse.ArgumentParser):
    """The parser of ``grade``, and of each of its commands.

    What it parses has an attribute ``parser``: that of the command that was called.
    """

    settings: Settings | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options.setdefault("allow_abbrev", False)
        options.setdefault("formatter_class", _Formatter)
        super().__init__(*arguments, **options)
        self.set_defaults(parser=self)
        self.register("type", Path, named_path)  # no path is an empty word
        self._words: Sequence[str] = ()
        self.said: Sequence[object] = ()  # what `settings` took its words from

    @property
    def name(self) -> str:
        """The words that call it after ``grade``; of an exercise, ``exerciseN``."""
        name = self.prog.partition(" ")[2]
        return ANY_EXERCISE if name.startswith("exercise") else name

    @property
    def actions(self) -> Sequence[argparse.Action]:
        """All its arguments and options."""
        return self._actions

    def names(self) -> list[str]:
        """The commands that may follow it."""
        return [name for action in self._below() for name in action.choices]

    def commands(self) -> Iterator[Parser]:
        """The parsers below this one that have none below them, or itself."""
        if not self._below():
            yield self
        for action in self._below():
            for parser in dict.fromkeys(action.choices.values()):
                yield from parser.commands()

    def _below(self) -> list[argparse._SubParsersAction[Parser]]:
        return [a for a in self._actions if isinstance(a, argparse._SubParsersAction)]

    def exclusive(self, action: argparse.Action) -> Sequence[argparse.Action]:
        """The options of which it is one, and only one may be given."""
        for group in self._mutually_exclusive_groups:
            if action in group._group_actions:
                return group._group_actions
        return [action]

    # parsing

    def parse_known_args(  # type: ignore[override]  # its overloads say no more
        self,
        args: Sequence[str] | None = None,
        namespace: argparse.Namespace | None = None,
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does, with the words of `settings` before those given."""
        self._words = list(sys.argv[1:] if args is None else args)
        words = list(self._words)
        if self.settings is not None:
            words = self.settings(self, words) + words
        return super().parse_known_args(words, namespace)

    def given(self, words: Sequence[str]) -> argparse.Namespace:
        """What these words set by themselves: options that they lack are not there."""
        options = [action for action in self._actions if action.option_strings]
        groups = self._mutually_exclusive_groups
        defaults, self._defaults = self._defaults, {}
        before = [(action.default, action.required) for action in options]
        needed = [group.required for group in groups]
        try:
            for action in options:
                action.default, action.required = argparse.SUPPRESS, False
            for group in groups:
                group.required = False
            return super().parse_known_args(list(words), None)[0]
        finally:
            self._defaults = defaults
            for action, (default, required) in zip(options, before, strict=True):
                action.default, action.required = default, required
            for group, required in zip(groups, needed, strict=True):
                group.required = required

    # errors

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End, but not before all that was printed has arrived."""
        sys.stdout.flush()
        super().exit(status, message)

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print; argparse would also be content with an output that is full."""
        with suppress(*([] if file is sys.stdout else [OSError])):
            (file or sys.stderr).write(message)

    def error(self, message: str) -> NoReturn:
        """One sentence, and the exit status of wrong usage."""
        sentence = self._unknown_option() or self._said_of(message)
        if "; " not in sentence and "--help" not in sentence:
            sentence += f"; `{self.prog} --help` has examples"
        from grader.report.text import one_line

        self.exit(WRONG_USAGE, f"grade: {one_line(sentence)}\n")

    def too_many(self, words: Sequence[str]) -> NoReturn:
        """Say that there is no place for these words."""
        self.error(f"{words[0]!r} is one word too many")

    def _unknown_option(self) -> str | None:
        """What is wrong with the first word that looks like an option and is none."""
        known = self._option_string_actions
        passes_on = any(action.nargs in _PASSES_ON for action in self._actions)
        for word in self._words:
            if word == "--" or (passes_on and not word.startswith("-")):
                return None
            name = word.partition("=")[0]
            if name in known or not re.match(r"-[^-\d.]|--.", word):
                continue
            if not word.startswith("--") and word[:2] in known:
                continue
            # What they all begin with makes no two of them alike.
            bare = {option.lstrip("-"): option for option in known}
            close = difflib.get_close_matches(name.lstrip("-"), bare, n=1)
            meant = f"; did you mean {bare[close[0]]}?" if close else ":"
            return f"there is no option {name}{meant} `{self.prog} --help` lists them"
        return None

    def _said_of(self, message: str) -> str:
        """What argparse says, said as the rest of ``grade`` speaks."""
        missing = message.removeprefix("the following arguments are required: ")
        if missing != message:
            # To argparse also the rest of the words is required, which may be none.
            rest = [a.metavar for a in self._actions if a.nargs == argparse.REMAINDER]
            needed = [name for name in missing.split(", ") if name not in rest]
            names = " and ".join(filter(None, [", ".join(needed[:-1]), needed[-1]]))
            return f"`{self.prog}` needs {names}"
        about = re.fullmatch(r"argument (.+?): (.+)", message, re.DOTALL)
        if about is None:
            return message
        name, what = about.groups()
        if re.match(r"expected (one|at least one|\d+) argument", what):
            return f"{name} needs a value: {self._metavar(name)}"
        if what.startswith("ignored explicit argument"):
            return f"{name} takes no value"
        if what.startswith("not allowed with argument "):
            other = what.removeprefix("not allowed with argument ")
            return f"{name} and {other} do not go together"
        choice = re.fullmatch(r"invalid choice: (.+) \(choose from (.+)\)", what)
        if choice is not None:
            known = choice[2].replace("'", "")  # quoted before Python 3.12
            return f"{name}: there is no {choice[1]}; there are {known}"
        return f"{name}: {what}"

    def _metavar(self, name: str) -> str:
        for action in self._actions:
            if name == "/".join(action.option_strings):
                return str(action.metavar or action.dest.upper())
        return name

    # help

    def format_help(self) -> str:
        """The help, with its examples."""
        from grader.commands.manual import Manual

        if self.usage is None:
            self.usage = self._usage()
        manual = Manual.of(self.name)
        if manual is not None:
            self.epilog = manual.shown(_width())
        return super().format_help()

    def _usage(self) -> str:
        words = [self.prog]
        options = [a for a in self._actions if a.option_strings and a.dest != "help"]
        if not all(action.required for action in options):
            words.append("[OPTIONS]")
        for action in self._actions:
            value = str(action.metavar or action.dest.upper())
            if action.option_strings and action.required:
                words.append(f"{action.option_strings[-1]} {value}")
        words += [_place(a) for a in self._actions if not a.option_strings]
        room = _width() - len("usage: ")
        indent = " " * (len("usage: ") + 4)
        return f"\n{indent}".join(
            textwrap.wrap(" ".join(words), room - 4, break_on_hyphens=False)
        )


def _place(action: argparse.Action) -> str:
    """A positional argument as a usage line shows it."""
    name = str(action.metavar or action.dest.upper())
    match action.nargs:
        case argparse.OPTIONAL:
            return f"[{name}]"
        case argparse.ZERO_OR_MORE | argparse.REMAINDER:
            return f"[{name} ...]"
        case argparse.ONE_OR_MORE | argparse.PARSER:
            return f"{name} ..."
    return name


def _width() -> int:
    """How wide help is: as the terminal, and no wider than reads well."""
    from shutil import get_terminal_size

    return max(20, min(get_terminal_size().columns, 80) - 2)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """The same help by every version of Python; examples stay as they are."""

    def __init__(self, prog: str, **options: Any) -> None:
        options.setdefault("width", _width())
        super().__init__(prog, **options)

    def add_argument(self, action: argparse.Action) -> None:
        """Leave room for the names of commands: Python 3.11 leaves too little."""
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            indent = self._current_indent + self._indent_increment
            longest = max(map(len, action.choices)) + indent
            self._action_max_length = max(self._action_max_length, longest)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """``-o, --out FILE``: before Python 3.13 it was ``-o FILE, --out FILE``."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, action.dest.upper())
        return f"{', '.join(action.option_strings)} {value}"

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Wrap what is one line; what has lines has its own reasons."""
        if "\n" in text:
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)
