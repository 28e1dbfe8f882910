"""A diagnosis's text as HTML: paragraphs, lists, and code where it has backticks."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from grader.diagnosis.texts import DiagnosisText, all_ids, text
from grader.report.text import visible


def inline(words: str) -> Markup:
    """A line of text; what it quotes may be a program's."""
    parts = re.split(r"`([^`]+)`", visible(words))
    return Markup().join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


def prose(words: str) -> Markup:
    """Paragraphs; indented ones are code."""
    made = []
    for block in re.split(r"\n\n+", words.strip("\n")):
        fence = re.fullmatch(r"```\w*\n(.*?)\n?```", block, re.DOTALL)
        if fence or all(line.startswith("    ") for line in block.split("\n")):
            code = fence[1] if fence else re.sub("^    ", "", block, flags=re.MULTILINE)
            made.append(Markup("<pre>{}</pre>").format(code))
        else:
            made.append(Markup("<p>{}</p>").format(inline(block)))
    return Markup("\n").join(made)


def explained(diagnosis: str) -> DiagnosisText | None:
    """The text of a diagnosis; None for one that this version does not know."""
    return text(diagnosis) if diagnosis in all_ids() else None
