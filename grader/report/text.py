"""Text that came from a submission, made safe and readable for where it goes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# Line ends and tabs are layout. Everything else that does not print by itself could
# move a cursor, colour a line, hide a word or turn its direction.
_LAYOUT = "\n\t"


SHOWN = 10  # names in a sentence


def visible(text: str) -> str:
    """`text` with every control and format character written out, as Python would."""
    if text.isprintable():
        return text  # as nearly all is
    return "".join(
        character
        if character in _LAYOUT or not _acts(character)
        else character.encode("unicode_escape").decode()
        for character in text
    )


def one_line(text: str) -> str:
    """`visible` text whose layout is written out too."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def counted(number: int, what: str) -> str:
    """A number of things, such as ``1 student`` and ``2 students``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def some(names: Sequence[str], most: int = SHOWN) -> str:
    """Names for a sentence: all, or the first and how many more there are."""
    shown = ", ".join(names[:most])
    more = len(names) - most
    return f"{shown} and {more} more" if more > 0 else shown


def _acts(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """`visible` text, without what XML 1.0 cannot hold at all."""
    return _NOT_XML.sub("\ufffd", visible(text))
