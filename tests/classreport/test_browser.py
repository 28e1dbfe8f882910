"""The report in a real browser: it sorts, filters, prints, and lets nobody else act."""

from __future__ import annotations

import base64
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from grader.classreport.page import class_page, feedback_pages
from grader.classreport.reading import read_course
from grader.course.class_list import Unreadable
from tests.classreport.classes import ATTACK, make

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
AXE = os.environ.get("AXE")

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="chromium and its driver are not installed"
)

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)


class Browser:
    """A browser with one page, and what it complained of or asked for."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver

    def open(self, file: Path, place: str = "") -> None:
        self.logs()
        self.requests()
        self._driver.get("about:blank")
        # Nobody sits in front of it, and to such a page newer ones give no focus.
        self.command("Emulation.setFocusEmulationEnabled", enabled=True)
        self._driver.get(f"{file.as_uri()}{place}")

    def run(self, script: str, *arguments: object) -> Any:
        return self._driver.execute_script(script, *arguments)

    def command(self, name: str, **arguments: object) -> Any:
        return self._driver.execute_cdp_cmd(name, arguments)

    def find(self, selector: str) -> WebElement:
        return self._driver.find_element(By.CSS_SELECTOR, selector)

    def press(self, *keys: str) -> None:
        for key in keys:
            self._driver.switch_to.active_element.send_keys(key)

    def logs(self) -> list[str]:
        """All that the browser complained of since it was asked last."""
        return [entry["message"] for entry in self._driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def requests(self) -> list[str]:
        """All addresses that were asked for."""
        entries = self._driver.get_log("performance")  # type: ignore[no-untyped-call]
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def names(self) -> list[str]:
        """The students that the matrix shows, in order."""
        found: list[str] = self.run(
            "return [...document.querySelectorAll('#matrix tbody tr')]"
            ".filter(row => !row.hidden).map(row => row.querySelector('a').textContent)"
        )
        return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser that has never been used before."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for option in (*OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(option)
        logs = {"browser": "ALL", "performance": "ALL"}
        options.set_capability("goog:loggingPrefs", logs)
        service = webdriver.ChromeService(DRIVER)
        driver = webdriver.Chrome(options=options, service=service)
        try:
            yield Browser(driver)
        finally:
            driver.quit()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small class's report."""
    folder = tmp_path_factory.mktemp("report")
    course = read_course(make(folder / "results"))
    page = folder / "report.html"
    page.write_text(class_page(course, date(2026, 10, 1)))
    feedback = feedback_pages(course, date(2026, 10, 1))[ATTACK]
    (folder / "feedback.html").write_text(feedback)
    return page


def test_sorting(browser: Browser, report: Path) -> None:
    """By the pointer: numbers first downwards, words first upwards; said in ARIA."""
    browser.open(report)
    header = "#matrix thead th:nth-child(3)"
    browser.find(f"{header} button").click()
    assert browser.find(header).get_attribute("aria-sort") == "descending"
    assert browser.names()[0] == "Grace Hopper"
    assert browser.names()[-1] == "Nobody"
    browser.find(f"{header} button").click()
    assert browser.find(header).get_attribute("aria-sort") == "ascending"
    assert browser.names()[0] == "Nobody"
    browser.find("#matrix thead th button").click()
    assert browser.names()[1:] == [
        "Ada Lovelace",
        "Alan Turing",
        "Grace Hopper",
        "Nobody",
    ]
    assert browser.run("return document.querySelectorAll('[aria-sort]').length") == 1
    assert browser.logs() == []


def test_filtering(browser: Browser, report: Path) -> None:
    """By name, section and what is open; how many are left is said."""
    browser.open(report)
    browser.find("#filter-name").send_keys("LOVE")
    assert browser.names() == ["Ada Lovelace"]
    assert browser.find("#filter-count").text == "1 of 5 students"
    browser.find("#filter-name").clear()
    for state, names in {
        "stuck": ["Ada Lovelace", "Alan Turing"],
        "missing": ["Nobody"],
        "done": ["Grace Hopper"],
    }.items():
        browser.find(f"#filter-state option[value={state}]").click()
        assert [name for name in browser.names() if name != ATTACK] == names
    browser.find("#filter-state option").click()
    browser.find("#filter-section option:nth-child(2)").click()
    assert browser.names() == ["Ada Lovelace", "Nobody"]
    assert browser.logs() == []


def test_the_keyboard_is_enough(browser: Browser, report: Path) -> None:
    """Past the contents, to a student and back to where one was."""
    browser.open(report)
    browser.find("body").send_keys(Keys.TAB)
    assert browser.run("return document.activeElement.className") == "skip"
    assert browser.run(
        "return getComputedStyle(document.activeElement).outlineStyle"
    ) not in ("none", "")
    browser.press(Keys.ENTER)
    assert browser.run("return document.activeElement.id") == "main"
    browser.run("document.querySelector('#matrix thead button').focus()")
    browser.press(Keys.SPACE)
    sorted_by = "document.querySelector('#matrix thead th').ariaSort"
    _until(browser, f"return {sorted_by} === 'ascending'")
    browser.run(
        "[...document.querySelectorAll('#matrix a')]"
        ".find(a => a.textContent === 'Ada Lovelace').focus()"
    )
    browser.press(Keys.ENTER)
    _until(browser, "return document.documentElement.classList.contains('reading')")
    assert browser.run("return document.activeElement.classList.contains('student')")
    browser.find(".student.open .pager a").send_keys(Keys.ENTER)
    _until(browser, "return !document.documentElement.classList.contains('reading')")
    assert browser.run("return document.activeElement.textContent") == "Ada Lovelace"


def _until(browser: Browser, condition: str) -> None:
    """Wait for what the browser does when it has time to."""
    browser.run("return new Promise(done => setTimeout(done))")
    assert browser.run(condition)


def test_a_students_page(browser: Browser, report: Path) -> None:
    """It is alone, tells everything, and explains it where it stands."""
    browser.open(report)
    place = browser.run(
        "return [...document.querySelectorAll('#matrix a')]"
        ".find(a => a.textContent === 'Ada Lovelace').hash"
    )
    browser.open(report, place)
    page = browser.find(".student.open")
    assert page.is_displayed()
    assert not browser.find("#main").is_displayed()
    assert "the child 72 was never collected" in page.text
    assert "forks 72" in page.text
    browser.find(".student.open .check summary").click()
    assert "Wait for every child that you fork" in page.text
    assert browser.run("return document.title").startswith("Ada Lovelace")
    assert browser.logs() == []


def test_pictures(browser: Browser, report: Path) -> None:
    """Each failing run has one, in words too, and no two have an id in common."""
    browser.open(report)
    for number in range(1, 6):
        browser.run("location.hash = arguments[0]", f"#s-{number}")
        _until(
            browser, f"return document.querySelector('#s-{number} noscript') === null"
        )
    assert browser.run("return document.querySelectorAll('.picture').length") == 3
    ids = browser.run("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    missing = browser.run(
        "return [...document.querySelectorAll('.picture')].flatMap(p =>"
        " p.getAttribute('aria-labelledby').split(' ')"
        " .filter(id => !p.contains(document.getElementById(id))))"
    )
    assert missing == []
    drawn = browser.run(
        "return [...document.querySelectorAll('.student .picture')]"
        ".map(p => [p.querySelector('.zombie').getAttribute('fill').slice(5, -1),"
        " p.querySelector('pattern').id, p.textContent])"
    )
    assert all(used == there for used, there, _ in drawn)
    assert all(
        "72 is a zombie" in words or "72 was never" in words for _, _, words in drawn
    )
    assert browser.logs() == []


def test_a_picture_is_seen(browser: Browser, report: Path) -> None:
    """In feedback it needs no script; the words are behind it; print has it whole."""
    feedback = report.with_name("feedback.html")
    browser.open(feedback)
    assert browser.find(".picture").is_displayed()
    assert not browser.find(".told pre").is_displayed()
    width, room = browser.run(
        "const p = document.querySelector('.picture');"
        "return [p.getBoundingClientRect().width, p.parentElement.clientWidth]"
    )
    assert width > 300
    browser.command("Emulation.setEmulatedMedia", media="print")
    try:
        with _wide(browser, 400):
            browser.open(feedback)
            assert not browser.find(".told").is_displayed()
            width, room = browser.run(
                "const p = document.querySelector('.picture');"
                "return [p.getBoundingClientRect().width, p.parentElement.clientWidth]"
            )
            assert width <= room
    finally:
        browser.command("Emulation.setEmulatedMedia", media="")


def test_nothing_of_a_submission_acts(browser: Browser, report: Path) -> None:
    """No script runs, nothing is asked for, on every page that there is."""
    browser.open(report)
    count = browser.run("return document.querySelectorAll('.student').length")
    assert count == 5
    for number in range(1, count + 1):
        browser.run("location.hash = arguments[0]", f"#s-{number}")
        _until(
            browser, f"return document.querySelector('#s-{number} noscript') === null"
        )
        assert browser.run("return window.attacked") is None
    assert ATTACK in browser.run("return document.body.textContent")
    assert (
        browser.run("return document.querySelectorAll('img, svg[onload]').length") == 0
    )
    assert (
        browser.run("return document.querySelectorAll('svg script, svg svg').length")
        == 0
    )
    asked = [url for url in browser.requests() if url != "about:blank"]
    assert all(url.startswith(report.as_uri()) for url in asked)
    assert len(asked) == 1
    assert browser.logs() == []
    browser.open(report.with_name("feedback.html"))
    assert browser.run("return window.attacked") is None
    assert browser.logs() == []


def test_the_policy_holds(browser: Browser, report: Path) -> None:
    """Were a submission's markup to get in, it could do nothing."""
    browser.open(report)
    browser.run("document.querySelector('main').innerHTML = arguments[0]", ATTACK)
    _until(browser, "return document.querySelector('main img') !== null")
    assert browser.run("return window.attacked") is None
    assert any("Content Security Policy" in message for message in browser.logs())


def test_without_scripts(browser: Browser, report: Path) -> None:
    """Everything can be read: students' pages stand below the report."""
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(report)
        text = browser.find("#pages").text
        assert "the child 72 was never collected" in text
        assert not browser.find(".filter").is_displayed()
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)


def _contrast(one: str, other: str) -> float:
    """Of two colours as the browser writes them, by WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [float(p) / 255 for p in colour.strip("rgba()").split(",")[:3]]
        red, green, blue = (
            p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours(browser: Browser, report: Path, scheme: str) -> None:
    """Text can be read on its paper in both, and the paper is that of the scheme."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.command("Emulation.setEmulatedMedia", features=[feature])
    try:
        browser.open(report)
        paper = browser.run("return getComputedStyle(document.body).backgroundColor")
        assert (_contrast(paper, "rgb(0,0,0)") > 10) is (scheme == "light")
        colours = browser.run(
            "const all = document.querySelectorAll('main *:not(title, desc)');"
            "return [...new Set([...all]"
            ".filter(e => [...e.childNodes]"
            ".some(n => n.nodeType == 3 && n.data.trim()))"
            ".map(e => e instanceof SVGElement ? getComputedStyle(e).fill"
            " : getComputedStyle(e).color))]"
        )
        assert len(colours) > 2
        assert all(_contrast(colour, paper) >= 4.5 for colour in colours)
    finally:
        browser.command("Emulation.setEmulatedMedia", features=[])


@contextmanager
def _wide(browser: Browser, width: int) -> Iterator[None]:
    browser.command(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=800,
        deviceScaleFactor=1,
        mobile=False,
    )
    try:
        yield
    finally:
        browser.command("Emulation.clearDeviceMetricsOverride")


def test_narrow(browser: Browser, report: Path) -> None:
    """At 400 pixels only tables and stories are scrolled sideways, not the page.

    Who a row is about stays in sight, and that there is more is said.
    """
    with _wide(browser, 400):
        browser.open(report)
        assert browser.run("return document.documentElement.scrollWidth") <= 400
        moved, before, after, hint = browser.run(
            "const region = document.querySelector('#students .scroll');"
            "const name = region.querySelector('tbody th');"
            "const before = name.getBoundingClientRect().left;"
            "region.scrollLeft = 150;"
            "const caption = document.getElementById('c-students');"
            "return [region.scrollLeft, before, name.getBoundingClientRect().left,"
            " getComputedStyle(caption, '::after').content]"
        )
        assert moved == 150
        assert before == after
        assert "sideways" in hint


def test_tables_fit(browser: Browser, tmp_path: Path) -> None:
    """At 1200 pixels the numbers of all exercises are in sight, in all columns."""
    course = read_course(make(tmp_path))
    key = ("4714", "exercise1")
    unreadable = {
        key: Unreadable("4714", "exercise1", "4714/exercise1.docx", "is not a .py file")
    }
    page = tmp_path / "report.html"
    page.write_text(
        class_page(replace(course, unreadable=unreadable), date(2026, 10, 1))
    )
    with _wide(browser, 1200):
        browser.open(page)
        columns, place, table = browser.run(
            "const region = document.querySelector('#exercises .scroll');"
            "return [region.querySelectorAll('thead th').length,"
            " region.clientWidth, region.scrollWidth]"
        )
    assert columns == 12
    assert table <= place


def test_print(browser: Browser, report: Path) -> None:
    """Without what only a screen needs, and it becomes a document."""
    browser.command("Emulation.setEmulatedMedia", media="print")
    try:
        browser.open(report)
        assert not browser.find(".contents").is_displayed()
        assert not browser.find(".filter").is_displayed()
        assert browser.find("#matrix").is_displayed()
        printed = browser.command("Page.printToPDF", printBackground=False)
        assert base64.b64decode(printed["data"]).startswith(b"%PDF-")
    finally:
        browser.command("Emulation.setEmulatedMedia", media="")


@pytest.mark.skipif(not AXE, reason="AXE does not name axe-core's axe.min.js")
@pytest.mark.parametrize("place", ["", "#s-2", "feedback"])
def test_accessibility(browser: Browser, report: Path, place: str) -> None:
    """What axe knows to check."""
    page = report.with_name("feedback.html") if place == "feedback" else report
    browser.open(page, place if place.startswith("#") else "")
    browser.run(Path(AXE or "").read_text(encoding="utf-8"))
    found = browser.run("return axe.run().then(results => results.violations)")
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
