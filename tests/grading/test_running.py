"""How checks are run: what is shared, what is not believed, what is nobody's fault."""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from grader import session, shelf
from grader.catalog import Exercise, read_exercise
from grader.cores import cores_for
from grader.course.bench import Bench
from grader.course.handed_in import Attempt
from grader.sameness import described
from grader.session import grade
from grader.tracing.limits import Limits
from grader.tracing.schedule import Chooser, Schedule, seeded, take_turns
from grader.verdict import CheckOutcome, Outcome, Verdict
from tests.grading.exercises import made_exercise

WORDS = """\
from grader.checking import assert_that, points
from grader.tracing.schedule import Schedule, seeded, take_turns


"""


def _exercise(folder: Path, checks: str, before: str = WORDS) -> Exercise:
    return made_exercise(folder, before + textwrap.dedent(checks))


def _graded(exercise: Exercise, program: str) -> Verdict:
    source = textwrap.dedent(program).encode()
    return grade(exercise, Path("submission.py"), source=source)


def _all_passed(verdict: Verdict) -> bool:
    assert verdict.trouble == ""
    return verdict.outcome is Outcome.FULL


# What a program would do that got at the recordings: it puts others in their place.
ATTACK = """
def attack():
    payload = b"cos\\nsystem\\n(S'touch MARK'\\ntR."
    attacked = False
    for number in os.listdir("/proc/self/fd"):
        path = f"/proc/self/fd/{number}"
        try:
            if not os.readlink(path).startswith("/memfd:recordings"):
                continue
        except OSError:
            continue
        file = os.open(path, os.O_RDWR)
        head = os.pread(file, HEAD, 0)
        os.ftruncate(file, 0)
        os.pwrite(file, len(payload).to_bytes(8, "little") + head[8:] + payload, 0)
        attacked = True
    return attacked


"""


def test_a_recording_that_was_put_there_by_a_submission(tmp_path: Path) -> None:
    """It is not unpickled: what it would do is not done, and the run is made again."""
    mark = tmp_path / "mark"
    attack = ATTACK.replace("HEAD", str(shelf._HEAD)).replace("MARK", str(mark))
    exercise = _exercise(
        tmp_path,
        """
        @points(1)
        def test_runs(program):
            '''What is recorded is what the program did.'''
            first = program.run("plain")
            assert attack()
            again = program.run("plain")
            assert again.root.exit_code == first.root.exit_code
            assert again.root.pid != first.root.pid
        """,
        "import os\n" + WORDS + attack,
    )
    assert _all_passed(_graded(exercise, "import os\n"))
    assert not mark.exists()


CONNECTS = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname())
"""


@pytest.mark.parametrize(("said", "code"), [("", 1), ("loopback = true\n", 0)])
def test_the_network_is_for_exercises_that_say_so(
    tmp_path: Path, said: str, code: int
) -> None:
    """Without a word in exercise.toml a program cannot even speak to itself by TCP."""
    exercise = _exercise(
        tmp_path,
        f"""
        @points(1)
        def test_connects(program):
            '''It connects to itself.'''
            assert program.run().root.exit_code == {code}
        """,
    )
    settings = exercise.folder / "exercise.toml"
    settings.write_text(said + settings.read_text())
    assert _all_passed(_graded(read_exercise(exercise.folder), CONNECTS))


def test_a_run_is_made_once_unless_it_is_to_be_fresh(tmp_path: Path) -> None:
    """And whatever may be another run is made."""
    exercise = _exercise(
        tmp_path,
        """
        def own(first):
            def start():
                pick = min if first else max
                return lambda able, can_wait: pick(able, key=lambda a: a.number)
            return Schedule("own", "an order of its own", start)


        class Start:
            def __call__(self):
                return lambda able, can_wait: able[0]


        @points(1)
        def test_runs(program):
            '''The same process or another one.'''
            pid = program.run().root.pid
            assert program.run().root.pid == pid
            assert program.run(schedule=take_turns).root.pid == pid
            assert program.run(fresh=True).root.pid != pid
            assert program.run().root.pid == pid
            assert [r.root.pid for r in program.under(take_turns, fresh=True)] != [pid]
            one = program.run(schedule=own(True)).root.pid
            assert program.run(schedule=own(False)).root.pid != one
            assert program.run(schedule=own(True)).root.pid == one
            seed = program.run(schedule=seeded(1)).root.pid
            assert program.run(schedule=seeded(2)).root.pid != seed
            unknown = Schedule("unknown", "", Start())
            assert program.run(schedule=unknown) is not program.run(schedule=unknown)
            ended = program.until_terminated().root.pid
            assert program.until_terminated().root.pid == ended
            assert program.until_terminated(fresh=True).root.pid != ended
        """,
    )
    assert _all_passed(_graded(exercise, "import os\nos.fork() and os.wait()\n"))


def test_a_long_recording_is_shared_too(tmp_path: Path) -> None:
    """It is passed on from one check to the next, whatever its length."""
    checks = "".join(
        f"""
        @points(1)
        def test_run_{number}(program):
            '''Both checks look at the same run.'''
            run = program.run()
            assert len(run.events) > 3000
            raise ValueError(f"it was {{run.root.pid}}")
        """
        for number in (1, 2)
    )
    exercise = _exercise(tmp_path, checks)
    program = "import time\nfor _ in range(1600): time.sleep(0.1)\n"
    with Bench(None) as bench:
        attempt = Attempt("ada", "exercise0", "ada.py", program.encode())
        first, second = bench.grade(attempt, exercise).checks
    assert "it was" in first.error
    said = first.error.rpartition(": ")[2]
    assert said == second.error.rpartition(": ")[2]
    assert said.startswith("it was ")


def test_checks_that_pytest_would_not_just_call(tmp_path: Path) -> None:
    """What takes more of pytest has it; none has passed that was not run."""
    exercise = _exercise(
        tmp_path,
        """
        import pytest

        @pytest.fixture
        def number():
            return 1

        @points(1)
        def test_plain(program):
            '''It is called.'''

        @points(1)
        def test_with_a_fixture(program, number):
            '''It has what it asks for.'''
            assert number == 1

        @points(1)
        @pytest.mark.skip
        def test_skipped(program):
            '''It is not run.'''
        """,
    )
    verdict = _graded(exercise, "print()\n")
    outcomes = {check.id: check.outcome for check in verdict.checks}
    assert outcomes == {
        "plain": CheckOutcome.PASSED,
        "with-a-fixture": CheckOutcome.PASSED,
        "skipped": CheckOutcome.GRADER_ERROR,
    }


NEVER_WAITS = """
import os, time
if os.fork() == 0:
    os._exit(0)
time.sleep(1)
"""
COLLECTS = """
@points(1)
def test_collects(program):
    '''The child is collected.'''
    program.run("before")
    assert_that(program.run("this")).leaves_no_zombie()
"""


def test_a_check_that_fails_tells_the_lines(tmp_path: Path) -> None:
    """Of the run that it failed in, which is made again for them."""
    verdict = _graded(_exercise(tmp_path, COLLECTS), NEVER_WAITS)
    (finding,) = verdict.all_findings
    assert finding.id == "zombie-left"
    assert any("line 3: forks" in told for told in finding.timeline)
    assert "(line 3: `if os.fork() == 0:`)" in finding.steps[0]
    assert "line 4" in finding.steps[1]


def test_a_run_that_is_judged_tells_the_lines_too(tmp_path: Path) -> None:
    """Whoever is beside the children, it is the same run that is made again."""
    checks = """
        from grader.checking import judged

        @points(1)
        def test_collects(program):
            '''The child is collected, whatever becomes of its parent.'''
            run = program.run("this")
            assert_that(judged(run, beside=[run.root])).leaves_no_zombie()
    """
    verdict = _graded(_exercise(tmp_path, checks), NEVER_WAITS)
    (finding,) = verdict.all_findings
    assert finding.id == "zombie-left"
    assert any("line 3: forks" in told for told in finding.timeline)


# What is made again may go otherwise: it counts how often it was run.
FICKLE = """
import os, sys, time
with open(MARK, "a") as runs:
    runs.write("x")
if os.fork() == 0:
    os._exit(0)
if os.path.getsize(MARK) == 1:
    time.sleep(1)
else:
    os.wait()
"""


@pytest.mark.usefixtures("unkept")
def test_a_run_that_goes_otherwise_the_second_time(tmp_path: Path) -> None:
    """The verdict is that of the first, and so is what is told."""
    checks = COLLECTS.replace('    program.run("before")\n', "")
    program = FICKLE.replace("MARK", repr(str(tmp_path / "mark")))
    verdict = _graded(_exercise(tmp_path, checks), program)
    (finding,) = verdict.all_findings
    assert finding.id == "zombie-left"
    assert verdict.score == 0
    assert not any("line" in told for told in finding.timeline)
    assert (tmp_path / "mark").read_text() == "xx"


@pytest.mark.usefixtures("unkept")
def test_checks_that_fail_in_the_same_run_share_its_lines(tmp_path: Path) -> None:
    """It is made again once for all of them."""
    checks = COLLECTS.replace('    program.run("before")\n', "")
    checks += checks.replace("test_collects", "test_collects_too")
    program = FICKLE.replace("MARK", repr(str(tmp_path / "mark")))
    program = program.replace("== 1", "> 0")
    verdict = _graded(_exercise(tmp_path, checks), program)
    for check in verdict.checks:
        assert any("line 5: forks" in told for told in check.findings[0].timeline)
    assert (tmp_path / "mark").read_text() == "xx"


def test_a_check_that_ends_otherwise_when_it_is_called_again(tmp_path: Path) -> None:
    """What it found the first time stands, however the second time ends."""
    checks = "".join(
        f"""
        @points(1)
        def test_ends_by_{how}(program):
            '''It is called twice.'''
            import pytest
            if program.retold is not None:
                {what}
            assert_that(program.run()).leaves_no_zombie()
        """
        for how, what in {
            "skip": "pytest.skip()",
            "fail": "pytest.fail()",
            "exit": "raise SystemExit",
        }.items()
    )
    verdict = _graded(_exercise(tmp_path, checks), NEVER_WAITS)
    for check in verdict.checks:
        assert check.outcome is CheckOutcome.FAILED
        assert [finding.id for finding in check.findings] == ["zombie-left"]


@pytest.mark.usefixtures("unkept")
def test_a_check_that_passes_runs_nothing_again(tmp_path: Path) -> None:
    """Lines are for what failed."""
    program = FICKLE.replace("MARK", repr(str(tmp_path / "mark")))
    program = program.replace("== 1", "== 0")
    checks = COLLECTS.replace('    program.run("before")\n', "")
    assert _all_passed(_graded(_exercise(tmp_path, checks), program))
    assert (tmp_path / "mark").read_text() == "x"


def _made_with(seed: object) -> Callable[[], Chooser]:
    def start() -> Chooser:
        return lambda able, can_wait: able[hash(seed) % len(able)]

    return start


def test_what_tells_schedules_apart() -> None:
    """What their choosers are made with, not their names alone."""

    def key(start: Callable[[], Chooser]) -> str:
        return repr(described(Schedule("own", "", start)))

    for other in (2, "1", 1.0, (1,), [1], {1: 1}, frozenset({1}), take_turns, len):
        assert key(_made_with(1)) != key(_made_with(other))
        assert key(_made_with(other)) == key(_made_with(other))
    lambdas = [lambda: _made_with(1)(), lambda: _made_with(2)()]
    assert key(lambdas[0]) != key(lambdas[1])
    assert repr(described(seeded(1))) != repr(described(seeded(2)))
    assert described(partial(_made_with, 1)) != described(partial(_made_with, 2))
    itself: list[object] = []
    itself.append(itself)
    for unknown in (object(), itself):
        with pytest.raises(ValueError, match=r"known|itself"):
            key(_made_with(unknown))


@pytest.mark.parametrize(
    ("before", "body"),
    [(WORDS, "while True: signal.pause()"), ("import signal\nsignal.pause()\n", "")],
    ids=["a check", "a file"],
)
def test_checks_that_hang_are_nobody_s_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, body: str
) -> None:
    """But the grader's, which says so."""
    monkeypatch.setattr(session, "_PATIENCE", 0.5)
    checks = f"""
        import signal
        from grader.checking import points

        @points(1)
        def test_hangs(program):
            '''It never ends.'''
            {body or "pass"}
        """
    verdict = _graded(_exercise(tmp_path, checks, before), "print()\n")
    assert verdict.outcome is Outcome.GRADER_ERROR
    assert "did not come to an end in 0 seconds" in verdict.error


def test_runs_that_take_all_the_time_are_the_program_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In each check that is at work, whatever had its time before."""
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    pace = session._Pace(Limits(real_seconds=60))
    pace.started("over", 0)
    now = 100.0
    for seat, check in enumerate(("slow", "other")):
        pace.started(check, seat)
        pace.ran(check, 90.0)
    now = 200.0
    waiting = ["slow", "other", "not begun"]
    assert pace.whose_fault(waiting, [0.0, 0.0]) == ""
    now = 300.0
    pace.ran("slow", 90.0)
    hangs = "the check other did not come to an end"
    assert hangs in pace.whose_fault(waiting, [0.0, 0.0])
    assert hangs in pace.whose_fault(waiting, [20.0, 0.0])
    assert pace.whose_fault(waiting, [0.0, 20.0]) == ""
    assert "loading the checks did not" in pace.whose_fault(["not begun"], [0.0, 0.0])
    now = 600.0  # no run takes 320 seconds: the check holds it
    pace.ran("slow", 300.0)
    assert hangs in pace.whose_fault(waiting, [0.0, 320.0])


def test_all_runs_of_a_check_have_one_limit_of_real_time(tmp_path: Path) -> None:
    """And each check has it anew, whatever other checks were left with."""
    exercise = _exercise(
        tmp_path,
        """
        @points(1)
        def test_first(program):
            '''The second run has what the first one left.'''
            runs = [program.run(fresh=True) for _ in range(3)]
            allowed = [run.excess.allowed for run in runs]
            assert allowed[0] == 0.3
            assert max(allowed[1:]) < 0.1


        @points(1)
        def test_second(program):
            '''A run that was cut short is nobody else's.'''
            assert program.run(1).excess.allowed == 0.3
            assert program.run(2).root.pid != program.run(2).root.pid
        """,
    )
    limits = replace(exercise.limits, real_seconds=0.3, busy_seconds=60.0)
    program = "n = 0\nwhile True:\n    n += 1\n"
    assert _all_passed(_graded(replace(exercise, limits=limits), program))


def test_a_run_that_is_still_going_is_the_program_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little of it was over when the time was."""
    exercise = _exercise(
        tmp_path,
        """
        @points(1)
        def test_ends(program):
            '''It ends.'''
            program.run()
        """,
    )
    # That it gets nowhere shows after two seconds of the processor's time.
    program = "n = 0\nwhile True:\n    n += 1\n"
    with Bench(None) as bench:
        bench.grade(Attempt("", "exercise0", "quick.py", b"print()\n"), exercise)
        monkeypatch.setattr(session, "_PATIENCE", 1.0)
        attempt = Attempt("ada", "exercise0", "ada.py", program.encode())
        verdict = bench.grade(attempt, exercise)
    assert [f.id for check in verdict.checks for f in check.findings] == ["never-ends"]


def test_what_is_wrong_with_a_file_of_checks_is_told(tmp_path: Path) -> None:
    """The file, and the last line, of every submission's grading."""
    checks = """
        NUMBERS = UNKNOWN

        @points(1)
        def test_nothing(program):
            '''It never runs.'''
        """
    exercise = _exercise(tmp_path, checks)
    attempt = Attempt("ada", "exercise0", "ada.py", b"print()\n")
    with Bench(None) as bench:
        for _ in range(2):
            verdict = bench.grade(attempt, exercise)
            assert verdict.error == (
                f"the checks could not be run: a mistake in {exercise.checks_file}, "
                "line 6: NameError: name 'UNKNOWN' is not defined"
            )


def test_what_is_told_is_of_this_submission(tmp_path: Path) -> None:
    """Not what the grader printed of others before it."""
    checks = """
        import os, signal

        @points(1)
        def test_prints(program):
            '''It prints, and one program ends who runs it.'''
            print("one of", len(program.source), "bytes")
            if len(program.source) > 20:
                os.kill(os.getppid(), signal.SIGKILL)
        """
    exercise = _exercise(tmp_path, checks)
    with Bench(None) as bench:
        for source in (b"print(1)\n", b"print(1)\n", b"print(1)  # " + b"x" * 20):
            attempt = Attempt("ada", "exercise0", "ada.py", source)
            verdict = bench.grade(attempt, exercise)
    assert verdict.error.startswith("the checks could not be run: ")
    assert f"one of {len(source)} bytes" in verdict.error
    assert "one of 9 bytes" not in verdict.error


@pytest.mark.parametrize(
    "mischief", ["os.unlink(__file__)", "os.truncate(__file__, 1)"]
)
def test_a_file_that_is_changed_while_it_runs(tmp_path: Path, mischief: str) -> None:
    """Another submission may have done it, so nobody is blamed for what follows."""
    exercise = _exercise(
        tmp_path,
        """
        @points(1)
        def test_forks(program):
            '''It forks.'''
            assert_that(program.run()).has_child()
        """,
    )
    failed = _graded(exercise, "import os\n")
    assert [check.outcome for check in failed.checks] == [CheckOutcome.FAILED]
    harmed = _graded(exercise, f"import os\n{mischief}\n")
    assert harmed.outcome is Outcome.GRADER_ERROR
    assert "its file was changed or removed" in harmed.trouble


@pytest.fixture
def _three_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {4, 2, 7})
    yield


@pytest.mark.usefixtures("_three_cores")
def test_cores() -> None:
    """Who uses all of them has one each; the kernel chooses for fewer."""
    assert cores_for(0) == []
    assert cores_for(2) == [None, None]
    assert cores_for(3) == [2, 4, 7]
    assert cores_for(5) == [2, 4, 7, 2, 4]


def test_a_larger_run_may_do_more(tmp_path: Path) -> None:
    """And print more, in the same measure; the next one no more than ever."""
    exercise = _exercise(
        tmp_path,
        """
        @points(1)
        def test_is_allowed(program):
            '''Twice as much is.'''
            for larger, ended in ((1, False), (2, True), (1, False)):
                run = program.run(1_500_000, 1, larger=larger)
                assert run.ended == ended
                run = program.run(1, 25_000, larger=larger)
                assert run.ended == ended
        """,
    )
    program = """
        import os, sys
        size, times = map(int, sys.argv[1:])
        for _ in range(times):
            os.write(1, bytes(size))
    """
    assert _all_passed(_graded(exercise, textwrap.dedent(program)))
