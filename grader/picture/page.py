"""A picture -> HTML: one file that needs no other and runs no script.

A step's line of the program is shown by style alone, one rule for each line: the page's
policy lets nothing else than that style, known by its digest, do anything.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from grader.picture.model import Picture, Step
from grader.picture.svg import STYLE, drawing
from grader.report.text import one_line

_TEMPLATES = Path(__file__).parent / "templates"
_AROUND = 2  # lines before and after a step's own
_LONGEST = 200  # characters of a line of the program


@dataclass(frozen=True, slots=True)
class Passage:
    """A line of the program among those around it, each with its number."""

    line: int
    around: tuple[tuple[int, str], ...]


def page(picture: Picture, title: str, source: Sequence[str] = ()) -> str:
    """The picture as a page; `source` is the program, line by line."""
    passages = _passages(picture, source)
    rules = "".join(
        f':root:has([data-line="{p.line}"]:is(:hover,:focus)) '
        f"#line-{p.line}{{display:block}}\n"
        for p in passages
    )
    if passages:
        rules += ":root:has([data-line]:is(:hover,:focus)) .hint{display:none}\n"
    style = Markup(_style() + STYLE + rules)
    return (
        _environment()
        .get_template("page.html")
        .render(
            title=title,
            style=style,
            policy=_policy(style),
            drawing=Markup(drawing(picture, title, focusable=True)),
            passages=passages,
            rows=picture.rows,
        )
    )


def _passages(picture: Picture, source: Sequence[str]) -> list[Passage]:
    used = {row.line for row in picture.rows if isinstance(row, Step)}
    known = sorted(n for n in used if n is not None and 1 <= n <= len(source))
    return [
        Passage(
            line,
            tuple(
                (number, source[number - 1].rstrip().expandtabs()[:_LONGEST])
                for number in range(
                    max(line - _AROUND, 1), min(line + _AROUND, len(source)) + 1
                )
            ),
        )
        for line in known
    ]


@cache
def _style() -> str:
    return (_TEMPLATES / "page.css").read_text(encoding="utf-8")


def _policy(style: str) -> Markup:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return Markup(
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: object) -> object:
    """What the template writes of a value: text without characters that act."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return one_line(value)
