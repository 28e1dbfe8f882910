"""The tags of a page, as a test looks at them."""

from __future__ import annotations

from html.parser import HTMLParser


class Tags(HTMLParser):
    """Those that were `seen` in what it was fed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, _: object) -> None:
        """Note it."""
        self.seen.add(tag)
