"""Pictures at the terminal, and as the files of ``grade trace``."""

from __future__ import annotations

import argparse
import os
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from grader.picture.model import Picture
    from grader.tracing.recording import Recording
    from grader.verdict import Finding

# Steps of a picture that one looks through at a terminal.
_STEPS = 60

_LONGEST = 1 << 20  # characters of a program that are shown


def drawn(
    run: Recording, findings: list[Finding], to: Console, *, whole: bool
) -> tuple[str, ...]:
    """The picture as lines for a terminal."""
    from grader.picture.culprits import culprits
    from grader.picture.kept import COLUMNS, MOST_STEPS
    from grader.picture.layout import lay_out

    steps = MOST_STEPS if whole else _STEPS
    blamed = culprits(run, findings)
    return _lines(lay_out(run, steps=steps, columns=COLUMNS, culprits=blamed), to)


def drawn_finding(finding: Finding, to: Console) -> Sequence[str]:
    """The picture that is kept with a finding; no line where there is none."""
    from grader.picture.data import loads

    if not finding.picture:
        return ()
    return _lines(loads(finding.picture), to)


def _lines(picture: Picture, to: Console) -> tuple[str, ...]:
    from grader.picture.terminal import draw, glyphs_for

    glyphs = glyphs_for(to.encoding, os.environ.get("TERM", ""))
    return draw(picture, glyphs, to.width)


def write_pictures(
    arguments: argparse.Namespace,
    run: Recording,
    findings: list[Finding],
    source: list[str],
) -> None:
    """The files that ``--svg`` and ``--html`` name; `source` is the program's lines."""
    from grader.files import write_whole
    from grader.picture.culprits import culprits
    from grader.picture.kept import MOST_STEPS
    from grader.picture.layout import lay_out
    from grader.picture.page import page
    from grader.picture.svg import svg

    picture = lay_out(run, steps=MOST_STEPS, culprits=culprits(run, findings))
    title = Path(arguments.program).name
    if arguments.svg is not None:
        write_whole(arguments.svg, svg(picture, title))
    if arguments.html is not None:
        write_whole(arguments.html, page(picture, title, source))


def source_of(program: str) -> list[str]:
    """The lines of a Python program; none where it is no readable text."""
    if not Path(program).is_file():
        return []  # a FIFO, say: nobody may ever write to it
    try:
        # As the interpreter reads it: with the encoding that it declares.
        with tokenize.open(program) as file:
            return file.read(_LONGEST).split("\n")
    except (OSError, SyntaxError, UnicodeDecodeError):
        return []
