"""The commands of README.md, for the tests and for CI.

``python tests/readme.py N`` prints the N-th line that installs.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def blocks(language: str, page: Path = README) -> list[str]:
    """The fenced blocks of one language, in order."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every line of every shell block."""
    return [line for block in blocks("sh") for line in block.splitlines() if line]


def installing() -> list[str]:
    """The lines that make a virtual environment of their own."""
    return [line for line in commands() if "-m venv" in line]


if __name__ == "__main__":
    print(installing()[int(sys.argv[1])])
