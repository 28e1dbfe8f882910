"""What the help of a command says beside its options: a TOML file each.

``manual/COMMAND.toml`` has a table ``[examples]``, whose keys are command lines and
whose values say what they do, and may have a table ``[status]``, exit statuses and
their meaning, and a text ``about``.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "manual"


@dataclass(frozen=True, slots=True)
class Manual:
    """A command's examples, its exit statuses, and what else there is to say."""

    examples: Mapping[str, str]
    status: Mapping[str, str]
    about: str

    @classmethod
    def of(cls, command: str) -> Manual | None:
        """That of the command called by these words, or None where it has none."""
        import tomllib

        path = _FOLDER / f"{command.replace(' ', '-') or 'grade'}.toml"
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return cls(data["examples"], data.get("status", {}), data.get("about", ""))

    def shown(self, width: int) -> str:
        """As it stands below the options, in lines of at most `width` characters."""
        lines: list[str] = []
        if self.about:
            lines += [*textwrap.wrap(self.about, width), ""]
        lines.append("examples:")
        for command, what in self.examples.items():
            lines += _wrapped(command, width, "  ", " \\")
            lines += _wrapped(what, width, "      ")
        if self.status:
            lines += ["", "exit status:"]
            for status, meaning in self.status.items():
                lines += textwrap.wrap(
                    meaning,
                    width,
                    initial_indent=f"  {status:3} ",
                    subsequent_indent=" " * 6,
                )
        return "\n".join(lines)


def _wrapped(text: str, width: int, indent: str, going_on: str = "") -> list[str]:
    """Lines of a text that breaks only between words; all but the last go on."""
    # An option and its value stay together.
    lines = textwrap.wrap(
        re.sub(r"(?<= )(--?\w\S*) (?!-)", "\\1\0", text),
        width - len(going_on),
        initial_indent=indent,
        subsequent_indent=indent + "    " * bool(going_on),
        break_long_words=False,
        break_on_hyphens=False,
    )
    lines = [line.replace("\0", " ") for line in lines]
    return [line + going_on for line in lines[:-1]] + lines[-1:]
