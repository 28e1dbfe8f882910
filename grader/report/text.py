"""Text that came from a submission, made safe and readable for where it goes."""

from __future__ import annotations

import re
import unicodedata

# Line ends and tabs are layout. Everything else that does not print by itself could
# move a cursor, colour a line, hide a word or turn its direction.
_LAYOUT = "\n\t"


def visible(text: str) -> str:
    """`text` with every control and format character written out, as Python would."""
    return "".join(
        character
        if character in _LAYOUT or not _acts(character)
        else character.encode("unicode_escape").decode()
        for character in text
    )


def one_line(text: str) -> str:
    """`visible` text whose layout is written out too."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def _acts(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """`visible` text, without what XML 1.0 cannot hold at all."""
    return _NOT_XML.sub("\ufffd", visible(text))
