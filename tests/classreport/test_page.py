"""The pages: one file each, whole, and safe whatever a submission says."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from grader import __version__
from grader.classreport.anonymity import anonymous
from grader.classreport.page import class_page, feedback_pages
from grader.classreport.reading import Course, read_course
from grader.course.class_list import ClassList, Student, Unreadable, save_class
from grader.course.results import Results, folder_name
from grader.picture.data import loads, texts
from grader.picture.kept import picture_of
from grader.verdict import CheckOutcome
from tests.classreport.classes import ATTACK, EXERCISES, STUDENTS, finding, make, result
from tests.conftest import Golden
from tests.picture.runs import Run

MADE = date(2026, 10, 1)
VOID = {"meta", "link", "input", "br", "img"}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The small class, read."""
    return read_course(make(tmp_path / "results"))


class Tree(HTMLParser):
    """Elements with their attributes; raises where one is not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def _without_own(page: str) -> str:
    """A page but for the style and the script, which say nothing of a class."""
    page = re.sub(r"(<(style|script)>).*?(</\2>)", r"\1\3", page, flags=re.DOTALL)
    page = re.sub(r"'sha256-[^']+'", "DIGEST", page)
    return page.replace(f"forklab {__version__}", "forklab VERSION")


def test_the_report(golden: Golden, course: Course) -> None:
    """As it was looked at."""
    golden("report.html", _without_own(class_page(course, MADE)))


def test_the_feedback(golden: Golden, course: Course) -> None:
    """What one student gets."""
    golden("feedback.html", _without_own(feedback_pages(course, MADE)["4711"]))


def test_pages_are_well_formed(course: Course) -> None:
    """What is opened is closed, ids are given once, and links lead somewhere."""
    for page in (class_page(course, MADE), *feedback_pages(course, MADE).values()):
        tree = Tree(page)
        ids = [found["id"] for _, found in tree.elements if "id" in found]
        assert len(ids) == len(set(ids))
        named = {"href", "aria-labelledby"}
        for _, attributes in tree.elements:
            for name in named & set(attributes):
                for word in (attributes[name] or "").split():
                    assert word.removeprefix("#") in ids


def test_nothing_of_a_submission_is_markup(course: Course) -> None:
    """No element that the templates do not have, no handler, no style; no colour."""
    for page in (class_page(course, MADE), *feedback_pages(course, MADE).values()):
        tree = Tree(page)
        assert sum(tag == "script" for tag, _ in tree.elements) <= 1
        assert not any(tag in ("img", "iframe", "object") for tag, _ in tree.elements)
        for _, attributes in tree.elements:
            assert not any(name.startswith("on") for name in attributes)
            assert "style" not in attributes
        for character in "\x1b\x00\u202e\x07":
            assert character not in page


def test_only_the_pages_own_may_act(course: Course) -> None:
    """The policy names the digests of the one style and the one script."""
    page = class_page(course, MADE)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; ")
    for kind in ("style", "script"):
        found = re.search(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        assert found is not None
        digest = hashlib.sha256(found[1].encode()).digest()
        allowed = f"{kind}-src 'sha256-{base64.b64encode(digest).decode()}'"
        assert allowed in policy[1]
    assert "script-src" not in feedback_pages(course, MADE)["4711"]


def test_feedback_holds_nothing_of_others(course: Course) -> None:
    """Neither names nor scores; and everybody in the class gets one."""
    pages = feedback_pages(course, MADE)
    assert pages.keys() == {student.student for student in course.students}
    for student in course.students:
        for other in course.students:
            if other is not student and other.name:
                assert other.name not in pages[student.student]
                assert f">{other.student}<" not in pages[student.student]
    assert "not handed in" in pages["4714"]
    assert "OSError: full" in pages["4713"]


def test_a_picture_of_another_version_is_told(course: Course) -> None:
    """By the story, which stands in its place."""
    key = ("4711", "exercise1")
    found = course.results[key].verdict.checks[1].findings[0]
    told = replace(found, picture='{"drawn": "otherwise"}')
    other = {key: result(*key, told)}
    page = class_page(replace(course, results=other), MADE)
    assert 'class="picture"' not in page
    assert "forks 72" in page
    assert 'class="picture"' in class_page(course, MADE)


def test_the_steps_cite_the_program(course: Course) -> None:
    """As code, whatever the program's words are."""
    key = ("4711", "exercise1")
    found = course.results[key].verdict.checks[1].findings[0]
    told = replace(found, steps=("1. the parent forks 71 (line 3: `<b>fork()`).",))
    other = {key: result(*key, told)}
    page = class_page(replace(course, results=other), MADE)
    assert "forks 71 (line 3: <code>&lt;b&gt;fork()</code>)" in page


def test_anonymous(course: Course) -> None:
    """Nobody is named, in messages and paths neither; the numbers stay the same."""
    hidden = anonymous(course, b"secret")
    page = class_page(hidden, MADE, anonymous=True)
    for word in ("4711", "4712", "4713", "Lovelace", "Ada", "Hopper", "example.org"):
        assert not re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", page)
    assert "student-" in page
    assert page == class_page(anonymous(course, b"secret"), MADE, anonymous=True)
    assert page != class_page(anonymous(course, b"other"), MADE, anonymous=True)
    assert len(hidden.results) == len(course.results)
    (example,) = [s for s in hidden.students if s.enrolled is False]
    result = hidden.results[example.student, "exercise1"]
    assert result.verdict.checks[1].findings[0].id == "zombie-left"
    assert result.verdict.checks[1].title == "It waits"


def test_anonymous_students_of_sections(course: Course) -> None:
    """Whoever is told apart by a section is also known without it."""
    said = finding("zombie-left", "zuse: a zombie of Zuse in groupA/zuse/exercise1.py")
    students = (*STUDENTS[:1], Student("groupA/zuse"), Student("groupB/zuse"))
    results = {
        (name, "exercise1"): result(name, "exercise1", said)
        for name in ("groupA/zuse", "groupB/zuse")
    }
    course = replace(course, students=students, results=results, failed={})
    page = class_page(anonymous(course, b"secret"), MADE, anonymous=True)
    assert "a zombie of student-" in page
    assert "zuse" not in page.casefold()


def test_anonymous_words_that_only_look_like_names(course: Course) -> None:
    """A name inside another word is none."""
    called = anonymous(course, b"secret")
    told = [f.message for r in called.results.values() for f in r.verdict.all_findings]
    assert any("the child 72 was never collected" in message for message in told)
    assert "kill of 47110 was refused, adamantly" in told


@pytest.mark.parametrize("printed", ["Jürgen", "by\nJürgen", "by\tMüller, 4718"])
def test_anonymous_pictures(printed: str) -> None:
    """What a program printed is told without names there, escaped or not."""
    author = Student("4718", "Jürgen Müller", enrolled=True)
    run = Run("./4718.py")
    run.write(run.root, printed.encode())
    run.write(run.root, b"zombie runs")
    picture = picture_of(run.done(), [], whole=False)
    other = Student("4719", "Zombie Runs", enrolled=True)
    results = {
        ("4718", "exercise1"): result(
            "4718", "exercise1", replace(finding("deadlock", "x"), picture=picture)
        )
    }
    course = Course((author, other), EXERCISES, results, {})
    (hidden,) = anonymous(course, b"secret").results.values()
    shown = hidden.verdict.checks[1].findings[0].picture
    assert shown
    told = " ".join(texts(shown))
    for word in ("4718", "rgen", "ller", "Zombie", "zombie runs"):
        assert word not in told
    assert "student-" in told
    assert loads(shown).rows[0] != loads(picture).rows[0]


def _report(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grader", "report", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_command(tmp_path: Path) -> None:
    """It writes both, and says so; names are as those of the results' folders."""
    make(tmp_path / "results")
    written = ["-o", "report.html", "--feedback", "feedback"]
    done = _report("results", *written, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Wrote report.html: 5 students, 2 exercises." in done.stdout
    names = {path.name for path in (tmp_path / "feedback").iterdir()}
    assert f"{folder_name(ATTACK)}.html" in names
    assert len(names) == 5
    page = (tmp_path / "report.html").read_text()
    assert "Ada Lovelace" in page
    done = _report("results", "-o", "report.html", "--anonymous", folder=tmp_path)
    assert done.returncode == 0
    assert "Lovelace" not in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent", "-o", "r.html"], "absent is not a folder"),
        ([".", "-o", "r.html"], "there are no results in ."),
        (["results"], "say where the report goes: -o report.html"),
        (["results", "-o", "results"], "results is a folder; name a file in it"),
        (["results", "-o", "absent/r.html"], "the folder absent does not exist"),
        (["results", "-o", "results/r.html"], "name a place outside results"),
        (["results", "-o", "results/class.json"], "lies in the folder of results"),
        (["results", "--feedback", "results"], "name a place outside results"),
        (["results", "--feedback", "results/failed/f"], "name a place outside results"),
        (
            ["results", "--feedback", "file"],
            "file is not a folder; name another",
        ),
        (["results", "--feedback", "f", "--anonymous"], "leave out --anonymous or"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: list[str], message: str) -> None:
    """One sentence, status 2, and nothing is written."""
    make(tmp_path / "results")
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    done = _report(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


NO_PROGRAM = Unreadable(
    "4714", "exercise1", "4714/exercise1 of Nobody.docx", f"is not a .py file {ATTACK}"
)


def test_what_is_no_program_was_handed_in(course: Course) -> None:
    """It is a state of its own, in the report and in feedback."""
    key = ("4714", "exercise1")
    course = replace(course, unreadable={key: NO_PROGRAM})
    page = class_page(course, MADE)
    Tree(page)
    assert "<img" not in page
    assert "4714/exercise1 of Nobody.docx</code> is not a .py file" in page
    assert '<span class="vh">not a program</span>' in page
    assert "handed in nothing" not in page
    feedback = feedback_pages(course, MADE)["4714"]
    assert "handed in, but not a program" in feedback
    assert "Nobody.docx</code> is not a .py file" in feedback
    hidden = anonymous(course, b"secret")
    assert "Nobody" not in class_page(hidden, MADE, anonymous=True)
    ((student, exercise),) = hidden.unreadable
    assert hidden.unreadable[student, exercise].file == f"{student}/exercise1.docx"


def test_what_cannot_be_loaded_is_where_a_student_is_stuck(course: Course) -> None:
    """Not at the first check, which never ran."""
    handed_in = course.results["4713", "exercise1"]
    broken = finding("cannot-load", "SyntaxError")
    verdict = replace(handed_in.verdict, findings=(broken,))
    results = {**course.results, ("4713", "exercise1"): handed_in}
    results["4713", "exercise1"] = replace(handed_in, verdict=verdict)
    page = class_page(replace(course, results=results), MADE)
    stuck = '<span class="sub">exercise1</span> <a href="#d-cannot-load">'
    assert page.count(stuck) == 1


def test_a_damaged_verdict(tmp_path: Path) -> None:
    """It is told, its student handed in all the same, and the rest is written."""
    results = make(tmp_path / "results")
    (results / "verdicts" / "4711" / "exercise1.json").write_text("{")
    (results / "verdicts" / folder_name(ATTACK) / "exercise1.json").write_text("[]")
    course = read_course(results)
    assert ("4711", "exercise1") in course.failed
    assert (ATTACK, "exercise1") in course.failed
    assert "4711" not in [s.student for s in course.missing("exercise1")]
    written = ["-o", "report.html", "--feedback", "feedback"]
    done = _report("results", *written, folder=tmp_path)
    assert done.returncode == 3
    (told,) = done.stderr.splitlines()
    assert "no verdict can be read from" in told
    assert "verdicts/4711/exercise1.json" in told
    assert "`grade course` grades again" in told
    assert "Wrote report.html" in done.stdout
    page = (tmp_path / "feedback" / "4711.html").read_text()
    assert "its verdict cannot be read" in page
    assert "Lovelace" in (tmp_path / "report.html").read_text()


def test_one_of_each(tmp_path: Path) -> None:
    """One is not several."""
    Results(tmp_path / "results").make()
    known = ClassList(STUDENTS[:1], EXERCISES[:1])
    save_class(tmp_path / "results", known)
    written = ["-o", "report.html", "--feedback", "feedback"]
    done = _report("results", *written, folder=tmp_path)
    assert done.stdout == (
        "Wrote feedback for 1 student into feedback.\n"
        "Wrote report.html: 1 student, 1 exercise.\n"
    )


def test_feedback_keeps_hidden_checks_hidden() -> None:
    """The instructor reads what happened; a student reads which diagnosis it was."""
    secret = finding("zombie-left", "run with 17 children, 4 of them were left")
    handed_in = result("4711", "exercise1", secret)
    forks, waits = handed_in.verdict.checks
    checks = (forks, replace(waits, hidden=True))
    verdict = replace(handed_in.verdict, checks=checks)
    course = Course(
        STUDENTS[:1],
        EXERCISES[:1],
        {("4711", "exercise1"): replace(handed_in, verdict=verdict)},
        {},
    )
    assert "17 children" in class_page(course, MADE)
    feedback = feedback_pages(course, MADE)["4711"]
    assert "17 children" not in feedback
    assert "It waits (hidden)" in feedback
    assert "zombie-left" in feedback


def test_an_anonymous_report_keeps_hidden_checks_hidden(course: Course) -> None:
    """It is made to be shown around; the instructor's own has all of it."""
    shown = "parent 71      forks 72"
    one = course.results["4711", "exercise1"]
    forks, waits = one.verdict.checks
    secret = replace(one.verdict, checks=(forks, replace(waits, hidden=True)))
    course = replace(
        course, results={("4711", "exercise1"): replace(one, verdict=secret)}
    )
    assert shown in class_page(course, MADE)
    page = class_page(anonymous(course, b"secret"), MADE, anonymous=True)
    assert shown not in page
    assert "child 72" not in page
    assert "zombie-left" in page


def test_what_the_grader_could_not_do_keeps_hidden_checks_hidden() -> None:
    """What pytest says of a failure may quote the file of hidden checks."""
    handed_in = result("4711", "exercise1")
    forks, waits = handed_in.verdict.checks
    secret = "assert program.run(17).children == 4"
    broken = replace(waits, hidden=True, outcome=CheckOutcome.GRADER_ERROR)
    verdicts = [
        replace(handed_in.verdict, checks=(forks, replace(broken, error=secret))),
        replace(handed_in.verdict, checks=(forks, broken), error=secret),
    ]
    for verdict in verdicts:
        failed = {("4711", "exercise1"): replace(handed_in, verdict=verdict)}
        course = Course(STUDENTS[:1], EXERCISES[:1], {}, failed)
        assert secret in class_page(course, MADE)
        feedback = feedback_pages(course, MADE)["4711"]
        assert secret not in feedback
        assert "The grader could not do its work" in feedback
