"""Rosters: whoever exported them, people are known, and mistakes are told."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.catalog import find
from grader.course.class_list import (
    ClassList,
    Student,
    Unreadable,
    read_class,
    save_class,
)
from grader.course.handed_in import Attempt
from grader.course.roster import Person, Roster, read_roster
from grader.errors import UsageError

FORMS = {
    "forklab's": ("student,name,email,section\nada,Ada Lovelace,a@x.org,B\n", "ada"),
    "only students": ("Student\nada\n", "ada"),
    "GitHub Classroom": (
        (
            '"identifier","github_username","github_id","name"\n'
            '"a@x.org","ada","815","Ada Lovelace"\n'
        ),
        "ada",
    ),
    "Canvas": (
        (
            "Student,ID,SIS User ID,SIS Login ID,Section,exercise1 (9)\n"
            "    Points Possible,,,,,10\n"
            '"Lovelace, Ada",4711,815,ada,B,\n'
            '"Student, Test",4719,,abc,B,\n'
            "Test Student,4720,,abd,B,\n"
        ),
        "4711",
    ),
    "Moodle": (
        (
            '"First name","Last name","ID number","Email address",Groups\n'
            "Ada,Lovelace,4711,a@x.org,B\n"
        ),
        "4711",
    ),
    "Moodle's worksheet": (
        (
            'Identifier,"Full name","Email address",Status,Grade\n'
            '"Participant 4711","Ada Lovelace",a@x.org,,\n'
        ),
        "4711",
    ),
    "Moodle in German": (
        (
            "Vorname;Nachname;ID-Nummer;E-Mail-Adresse;Gruppen;Rollen\n"
            "Ada;Lovelace;4711;a@x.org;B;Teilnehmer/in\n"
            "Grace;Hopper;4712;g@x.org;B;Trainer/in\n"
        ),
        "4711",
    ),
    "Moodle's worksheet in German": (
        (
            'ID,"Vollständiger Name",E-Mail-Adresse,Status,Bewertung\n'
            '"Teilnehmer/in 4711","Ada Lovelace",a@x.org,,\n'
        ),
        "4711",
    ),
    "Gradescope": (
        (
            "First Name,Last Name,SID,Email,Role\n"
            "Ada,Lovelace,4711,a@x.org,Student\n"
            "Grace,Hopper,4712,g@x.org,Instructor\n"
        ),
        "4711",
    ),
    "German columns": ("Matrikelnummer;Vorname\n4711;Ada\n", "4711"),
    "other German columns": ("Benutzername;Vorname\nada;Ada\n", "ada"),
    "a spreadsheet": ("sep=;\r\nstudent;name\r\n\r\nada;Ada Lovelace\r\n", "ada"),
    "a declaration in quotes": ('"sep=;"\nstudent;name\nada;Ada Lovelace\n', "ada"),
    "tabs": ("student\tname\nada\tAda Lovelace\n", "ada"),
}


def _read(tmp_path: Path, data: str | bytes) -> Roster:
    path = tmp_path / "roster.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_roster(path)


@pytest.mark.parametrize("form", FORMS)
def test_forms(tmp_path: Path, form: str) -> None:
    """The one student in it is found by what the platform calls her."""
    text, called = FORMS[form]
    roster = _read(tmp_path, text)
    assert len(roster.people) == 1
    matched = roster.match({called: "", "eve": ""})
    assert matched.strangers == ["eve"]
    person = matched.people[called]
    assert form == "only students" or "Ada" in person.name
    assert (
        form not in ("forklab's", "Canvas", "Moodle", "Moodle in German")
        or person.section == "B"
    )


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_encodings(tmp_path: Path, encoding: str) -> None:
    """As spreadsheets write them."""
    mark = "\ufeff" if encoding[-3:] in ("-le", "-be") else ""
    text = f"{mark}student;name\r\nada;Zoë Müller\r\n"
    (person,) = _read(tmp_path, text.encode(encoding)).people
    assert person == Person({"student": "ada"}, "Zoë Müller")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty; its first line names the columns"),
        (b"\n , \n", "is empty"),
        (b"student\n", "has no student in it"),
        (
            b"\nfirst,second\n1,2\n",
            "identifies a student, but 'first', 'second' in line 2; call the one that",
        ),
        (
            b"Student,student\na,b\n",
            "has several columns 'student' in line 1; leave one, and call the others",
        ),
        (b"student\nada\nada\n", "has 'ada' as 'student' in line 2 and in line 3"),
        (b"student,email\na,x\nb,x\n", "has 'x' as 'email' in line 2 and in line 3"),
        (
            b"student,name\n,Ada\n",
            "has nothing as 'student' in line 2; fill that in, or leave the line out",
        ),
        (b"student,name\n,Ada\nb,B\n,C\n", "in lines 2, 4; fill that in"),
        (b"student\nM\xfcller\n", "neither UTF-8 nor UTF-16 text in line 2; save it"),
        ("student\nada\n".encode("utf-16-le"), "holds NUL characters in line 1; save"),
        (b'student\n"ada\n', "is no CSV file: line 2"),
    ],
)
def test_what_is_no_roster(tmp_path: Path, data: bytes, message: str) -> None:
    """One sentence that names the file and the line."""
    with pytest.raises(UsageError, match=r"roster\.csv") as told:
        _read(tmp_path, data)
    assert message in str(told.value)
    assert len(str(told.value).splitlines()) == 1


def test_a_roster_that_is_not_there(tmp_path: Path) -> None:
    """Or that is a folder."""
    with pytest.raises(UsageError, match="cannot be read"):
        read_roster(tmp_path / "absent.csv")
    with pytest.raises(UsageError, match="cannot be read"):
        read_roster(tmp_path)


ADA = Person({"ID": "1", "Login": "ada", "Email": "a@x.org"}, "Ada Lovelace")
BOB = Person({"ID": "2", "Login": "bob", "Email": "b@x.org"}, "Alan Turing")
EVE = Person({"ID": "3", "Login": "2", "Email": "e@x.org"}, "Grace Hopper")


def test_the_column_with_most_students_counts_first() -> None:
    """Where two columns call two people the same; others are known by other columns."""
    roster = Roster([ADA, BOB, EVE])
    by_number = roster.match(dict.fromkeys(["1", "2", "3"], ""))
    assert by_number.people == {"1": ADA, "2": BOB, "3": EVE}
    by_login = roster.match(dict.fromkeys(["ada", "2", "b@x.org"], ""))
    assert by_login.people == {"ada": ADA, "2": EVE, "b@x.org": BOB}
    assert by_login.strangers == []


def test_who_handed_in_nothing_is_called_otherwise() -> None:
    """Never as somebody else who did."""
    other = Person({"ID": "3", "Login": "dan"}, "Nobody")
    matched = Roster([ADA, other]).match({"ada": "", "3": "", "dan": ""})
    assert matched.people == {"ada": ADA, "dan": other}
    assert matched.strangers == ["3"]
    first, second = Person({"ID": "7", "Login": "a"}), Person({"ID": "8", "Login": "7"})
    matched = Roster([second, first]).match({"7": "", "a": ""})
    assert matched.people == {"a": first, "7": second}
    matched = Roster([EVE, BOB]).match({"bob": "", "2": ""})
    assert matched.people == {"bob": BOB, "2": EVE}


def test_names_are_the_last_resort() -> None:
    """A full name that one student and one person have."""
    roster = Roster([ADA, BOB])
    matched = roster.match({"4711": "ada  LOVELACE", "4712": "Ada", "4713": ""})
    assert matched.people == {"4711": ADA, "2": BOB}
    assert matched.strangers == ["4712", "4713"]
    twice = roster.match({"4711": "Ada Lovelace", "4712": "Ada Lovelace"})
    assert twice.strangers == ["4711", "4712"]
    attempt = Attempt("4711", "exercise1", "f", b"", name="ada  LOVELACE")
    (named,) = matched.named([attempt])
    assert named.name == "Ada Lovelace"


def test_what_differs_in_case_is_the_same_if_nobody_else_is_called_so() -> None:
    """E-mail addresses and accounts are written in any way; so are folders of names."""
    roster = Roster([ADA, BOB])
    matched = roster.match(dict.fromkeys(["A@X.org", "alan turing", "Bob"], ""))
    assert matched.people == {"A@X.org": ADA, "Bob": BOB}
    assert matched.strangers == ["alan turing"]
    assert roster.match({"alan turing": ""}).people["alan turing"] == BOB
    twice = roster.match({"Ada": "", "ADA": "", "ada": ""})
    assert twice.people["ada"] == ADA
    assert twice.strangers == ["ADA", "Ada"]
    assert roster.match({"Ada": "", "ADA": ""}).strangers == ["ADA", "Ada"]


def test_an_account_is_nobody_s_name(tmp_path: Path) -> None:
    """GitHub Classroom knows names only where students wrote them; teachers did not."""
    text = 'identifier,github_username,name\n"Lovelace, Ada",al,""\nb,bo,Bob\n'
    roster = _read(tmp_path, text)
    assert [person.name for person in roster.people] == ["Lovelace, Ada", "Bob"]


def test_zeros_that_a_spreadsheet_took_away() -> None:
    """From the front of a number; where nobody else has that number."""
    people = [Person({"ID": "12"}), Person({"ID": "013"}), Person({"ID": "13"})]
    matched = Roster(people).match(dict.fromkeys(["0012", "0013", "13"], ""))
    assert matched.people == {"0012": people[0], "13": people[2], "013": people[1]}
    assert matched.strangers == ["0013"]
    # A number of another kind is another number.
    for one, other in (("ID", "SIS"), ("SIS", "ID")):
        roster = Roster([Person({one: "1", other: "0012"}), Person({one: "2"})])
        assert roster.match(dict.fromkeys(["1", "2", "12"], "")).strangers == ["12"]
        assert roster.match({"2": "", "12": ""}).strangers == ["12"]


def test_strangers_are_told_in_one_sentence() -> None:
    """With who may be meant by a slip of the pen; of numbers nobody is."""
    roster = Roster([ADA, Person({"student": "turing", "ID": "47113"})])
    assert roster.match({"ada": ""}).told() == ""
    assert roster.match({"adah": ""}).told() == (
        "1 student is not in the roster: adah (ada?); what they handed in is graded "
        "all the same: write them into the roster, or put right there what they are "
        "called"
    )
    told = roster.match(dict.fromkeys(["turin", "47112", "visitor"], "")).told()
    assert "3 students are not" in told
    assert ": 47112, turin (turing?), visitor; " in told


@given(
    st.lists(st.sampled_from("abcdef"), unique=True),
    st.lists(st.sampled_from("abcdefgh"), unique=True),
)
def test_everybody_is_there_once(enrolled: list[str], students: list[str]) -> None:
    """All people of the roster; and each student is one of them or a stranger."""
    roster = Roster([Person({"student": name}, name) for name in enrolled])
    matched = roster.match(dict.fromkeys(students, ""))
    assert sorted(p.name for p in matched.people.values()) == sorted(enrolled)
    assert {*matched.people} >= {*students} - {*matched.strangers}
    assert {*matched.strangers} == {*students} - {*enrolled}


def test_a_class_is_kept(tmp_path: Path) -> None:
    """And read again; what is none is told."""
    assert read_class(tmp_path) is None
    file = Unreadable("ada", "exercise1", "ada/exercise1.docx", "is not a .py file")
    due = {"": datetime(2026, 10, 1, 23, 59, tzinfo=UTC)}
    known = (
        ClassList(unreadable=(file,), due=due)
        .with_students([Student.of("ada", ADA), Student("eve", enrolled=False)])
        .with_exercises([find("exercise2"), find("exercise1")])
    )
    save_class(tmp_path, known)
    again = read_class(tmp_path)
    assert again == known
    assert [exercise.name for exercise in again.exercises] == ["exercise1", "exercise2"]
    assert again.roster == Roster([ADA])
    data = known.as_json()
    assert data["unreadable"] == [asdict(file)]
    assert data["due"] == {"": "2026-10-01T23:59:00+00:00"}
    del data["unreadable"], data["due"]
    (tmp_path / "class.json").write_text(json.dumps(data))
    assert read_class(tmp_path) == replace(known, unreadable=(), due={})
    data["unreadable"] = [{**asdict(file), "file": 3}]
    (tmp_path / "class.json").write_text(json.dumps(data))
    with pytest.raises(UsageError, match="is not what `grade course` wrote"):
        read_class(tmp_path)
    for damaged in ("", "[]", "{}", '{"schema": 2}', '{"schema": 1, "students": [3]}'):
        (tmp_path / "class.json").write_text(damaged)
        with pytest.raises(UsageError, match="is not what `grade course` wrote"):
            read_class(tmp_path)


def _course(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grader", "course", "class", "--out", "results"]
    return subprocess.run(
        [*command, *options], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_command(tmp_path: Path) -> None:
    """A stranger is graded and told; the roster stays known; a wrong one stops all."""
    for student in ("ada", "visitor"):
        program = tmp_path / "class" / student / "exercise1.py"
        program.parent.mkdir(parents=True)
        program.write_text("print(")
    roster = tmp_path / "roster.csv"
    roster.write_text("student,name\nada,Ada Lovelace\nbob,Alan Turing\nada,Ada\n")
    failed = _course(tmp_path, "--roster", "roster.csv")
    assert failed.returncode == 2
    assert not (tmp_path / "results").exists()
    roster.write_text("student,name\nada,Ada Lovelace\nbob,Alan Turing\n")
    done = _course(tmp_path, "--roster", "roster.csv", "--exercise", "exercise1")
    assert done.returncode == 0
    assert "1 student is not in the roster: visitor; " in done.stderr
    told = [line for line in done.stderr.splitlines() if "not kept to" not in line]
    assert len(told) == 1
    for _ in range(2):
        data = json.loads((tmp_path / "results" / "class.json").read_text())
        assert [(s["student"], s["name"], s["enrolled"]) for s in data["students"]] == [
            ("ada", "Ada Lovelace", True),
            ("bob", "Alan Turing", True),
            ("visitor", "", False),
        ]
        (exercise,) = data["exercises"]
        assert exercise["checks"][0].keys() == {"id", "title", "points", "hidden"}
        result = tmp_path / "results" / "verdicts" / "ada" / "exercise1.json"
        assert json.loads(result.read_text())["name"] == "Ada Lovelace"
        assert _course(tmp_path, "--exercise", "exercise1").returncode == 0
