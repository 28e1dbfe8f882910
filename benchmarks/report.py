"""What the report on a class of 300 costs: to build, to send, to open."""

from __future__ import annotations

import json
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.rows import Row
from benchmarks.timing import ROOT, SOLUTIONS, median, run
from grader.catalog import find_exercises
from grader.course.class_list import ClassList, Student, save_class
from grader.course.results import Result, Results

STUDENTS = 300
PROGRAMS = 12

# In milliseconds since the page began to load.
_READY = "performance.getEntriesByName('forklab-ready')[0].startTime"

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def results_of_a_class(folder: Path) -> None:
    """Results of 300 students: a few of the kit's answers graded, and multiplied.

    Each copy has other pids, as each run has.
    """
    graded = _graded(folder.with_name("graded"), folder.with_name("handed-in"))
    chosen = random.Random(1)
    results = Results(folder)
    results.make()
    people = [f"student-{number}" for number in range(1, STUDENTS + 1)]
    for student in people:
        for exercise in find_exercises():
            one = chosen.choice(graded[exercise])
            results.save(_copy(one, student, chosen.randrange(1_000, 90_000)))
    enrolled = [Student(student, student.title(), enrolled=True) for student in people]
    known = ClassList().with_exercises(find_exercises().values())
    save_class(folder, known.with_students(enrolled))


def _graded(out: Path, handed_in: Path) -> dict[str, list[Result]]:
    chosen = random.Random(2)
    for exercise in find_exercises():
        answers = sorted((SOLUTIONS / exercise).glob("*/*.py"))
        for number, answer in enumerate(chosen.sample(answers, PROGRAMS)):
            place = handed_in / str(number) / f"{exercise}.py"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(answer.read_bytes())
    subprocess.run(
        [*_grade("course"), str(handed_in), "--out", str(out)],
        check=True,
        capture_output=True,
        cwd=ROOT,
    )
    graded: dict[str, list[Result]] = {}
    for result in Results(out).verdicts():
        graded.setdefault(result.verdict.exercise, []).append(result)
    return graded


def _grade(*words: str) -> list[str]:
    return [sys.executable, "-m", "grader", *words]


def _copy(result: Result, student: str, pid: int) -> Result:
    data = json.dumps({**result.as_json(), "shape": ""})
    # Neither a time's digits nor a year.
    pids = re.compile(r"(?<!\.)\b\d{4,}\b(?!-)")
    moved = pids.sub(lambda found: str(int(found[0]) % 1000 + pid), data)
    copy = Result.from_json(json.loads(moved))
    return replace(copy, student=student, file=f"{student}/{result.file}")


def report_rows() -> Iterator[Row]:
    """Building the report, its size, and how soon it can be used in a browser.

    Without chromium and its driver the last is left out.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results_of_a_class(folder / "results")
        page = folder / "report.html"
        build = _grade("report", str(folder / "results"), "-o", str(page))
        yield Row(
            "building the report on 300 x 4, in s", median(lambda: run(build), 3), 5
        )
        yield Row("the report on 300 x 4, in MB", page.stat().st_size / 1e6, 15)
        chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
        if chromium and driver:
            seconds = _until_usable(page, chromium, driver)
            yield Row("opening it in a browser until it can be used, in s", seconds, 1)


def _until_usable(page: Path, chromium: str, driver: str) -> float:
    """The median time from opening a page to the end of what its script prepares."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for option in (*_OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(option)
        browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
        try:
            times: list[float] = []
            for _ in range(5):
                browser.get("about:blank")
                browser.get(page.as_uri())
                times.append(browser.execute_script(f"return {_READY}"))
        finally:
            browser.quit()
    return statistics.median(times) / 1000
