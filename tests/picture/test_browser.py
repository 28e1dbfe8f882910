"""The page in a real browser: a step shows its line, and nothing else acts."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.picture.layout import lay_out
from grader.picture.page import page
from tests.classreport.test_browser import CHROMIUM, DRIVER, Browser, browser
from tests.picture.runs import at_lines, two

__all__ = ["browser"]

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="chromium and its driver are not installed"
)

SOURCE = ["import os", "r, w = os.pipe()", "if os.fork() == 0:", "    os.close(r)"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A page whose steps have lines."""
    html = page(lay_out(at_lines(two(), {1: 2, 2: 3, 3: 4})), "two.py", SOURCE)
    made = tmp_path / "picture.html"
    made.write_text(html)
    return made


def test_a_step_shows_its_line(browser: Browser, file: Path) -> None:
    """Where it has the focus, and no longer than that."""
    browser.open(file)
    assert browser.find(".hint").is_displayed()
    assert not browser.find("#line-3").is_displayed()
    browser.run("document.querySelector('[data-line=\"3\"]').focus()")
    assert browser.find("#line-3").is_displayed()
    assert "if os.fork() == 0:" in browser.find("#line-3 b").text
    assert not browser.find("#line-2").is_displayed()
    assert not browser.find(".hint").is_displayed()
    assert browser.logs() == []


def test_it_asks_for_nothing(browser: Browser, file: Path) -> None:
    """One file, that needs no other."""
    browser.open(file)
    asked = [url for url in browser.requests() if url != "about:blank"]
    assert asked == [file.as_uri()]
    assert browser.logs() == []


@pytest.mark.parametrize("scheme, dark", [("light", False), ("dark", True)])
def test_both_schemes(browser: Browser, file: Path, scheme: str, dark: bool) -> None:
    """Dark words on light paper, or light words on dark paper."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.command("Emulation.setEmulatedMedia", features=[feature])
    try:
        browser.open(file)
        paper, ink = (
            browser.run(
                "return getComputedStyle(document.querySelector(arguments[0])).fill",
                selector,
            )
            for selector in (".picture .paper", ".picture .steps text")
        )
        assert (_brightness(paper) < _brightness(ink)) is dark
    finally:
        browser.command("Emulation.setEmulatedMedia", features=[])


def _brightness(colour: str) -> int:
    return sum(int(part) for part in colour.strip("rgb()").split(","))
