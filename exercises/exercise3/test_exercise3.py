"""Checks of exercise 3: handle Ctrl + C, and go on."""

from signal import SIGINT, SIGTERM

from grader.checking import Submission, assert_that, found, points
from grader.diagnosis import limits, output, processes
from grader.diagnosis.finding import name
from grader.tracing.recording import (
    Recording,
    SignalSent,
    ThreadStarted,
    Wrote,
    signal_name,
)
from grader.verdict import Finding

LINE = "Ctrl + C"

# Who runs until SIGTERM is still there when nobody has sent it for so long, in seconds.
A_DAY = 86_400

# So many calls after an interrupt are each interrupted in a run of its own: more than a
# handler makes and the main program behind it, and few enough for one that never rests.
CALLS = 12


def _count(run: Recording) -> int:
    """How often the line was printed before SIGTERM came."""
    sent = (e.index for e in run.of(SignalSent) if e.signal == SIGTERM)
    return output.lines(run.root, next(sent, None)).count(LINE)


def _ended_before(run: Recording, when: str) -> list[Finding]:
    """The program was to go on until SIGTERM, and ended."""
    ended = run.root.ended
    if ended is None or _was_sent(run, SIGTERM, ended.index):
        return []
    trace = processes.traceback_of(run.root)
    if trace:
        how = f"of {trace[0]}"
    elif run.root.killed_by:
        how = f"of {signal_name(run.root.killed_by)}"
    else:
        how = f"with exit code {run.root.exit_code}"
    return [found("ended-early", f"{name(run, run.root)} ended {how} {when}", run)]


def _was_sent(run: Recording, number: int, before: int) -> bool:
    """Whether the first process was sent a signal before an event."""
    return any(
        event.signal == number and event.index < before
        for event in run.of(SignalSent)
        if event.target == run.root.pid
    )


def _never_printed(run: Recording) -> list[Finding]:
    """The line is absent, or there in another form."""
    if LINE.encode() * 2 in run.root.output:
        message = f"{name(run, run.root)} printed {LINE!r} without an end of the line"
        return [found("output-wrong", message, run)]
    return output.absent(run, LINE, run.root)


def _lines(run: Recording, interrupts: int) -> list[Finding]:
    """Not as many lines as interrupts."""
    count = _count(run)
    if count < interrupts:
        if count == 0:
            return _never_printed(run)
        return [
            found(
                "output-missing",
                f"{interrupts} interrupts came one after the other, and {LINE!r} was "
                f"printed {count} times",
                run,
            )
        ]
    if count > interrupts:
        return [
            found(
                "output-duplicated",
                f"{interrupts} interrupts came, and {LINE!r} was printed {count} times",
                run,
            )
        ]
    return []


@points(1)
def test_handler_is_installed(program: Submission) -> None:
    """A handler for SIGINT is installed."""
    run = program.until_terminated()
    assert_that(run).handles(SIGINT)


@points(3)
def test_each_interrupt_prints_a_line(program: Submission) -> None:
    """Each Ctrl+C prints one line, and the program goes on."""
    for interrupts in (1, 5):
        run = program.until_terminated(signals=[SIGINT] * interrupts)
        assert_that(run).holds(_ended_before(run, "before SIGTERM"))
        assert_that(run).holds(_lines(run, interrupts))


@points(1)
def test_burst_is_survived(program: Submission) -> None:
    """A burst of interrupts is survived, and prints at least one line."""
    with program.start() as started:
        started.until_rest()
        for _ in range(8):
            started.send(SIGINT)
        started.until_rest()
        run = started.stop()
    assert_that(run).holds(_ended_before(run, "in a burst of interrupts"))
    assert_that(run).holds([] if LINE.encode() in run.root.output else _silent(run))


def _silent(run: Recording) -> list[Finding]:
    message = f"8 interrupts came at once, and {LINE!r} was never printed"
    return [found("output-missing", message, run)]


@points(1)
def test_sigterm_ends_it(program: Submission) -> None:
    """SIGTERM ends the program."""
    run = program.until_terminated(signals=[SIGINT])
    assert_that(run).holds(_ended_before(run, "before SIGTERM"))
    assert_that(run).is_(
        run.root.ended is not None,
        "signal-ignored",
        f"{name(run, run.root)} went on after SIGTERM",
    )
    assert_that(run).is_(
        run.root.killed_by == SIGTERM,
        "wrong-exit-code",
        f"{name(run, run.root)} handles SIGTERM itself and ended with exit code "
        f"{run.root.exit_code}; by the default action the signal ends it",
    )
    later = program.until_terminated(later=A_DAY)
    when = f"after {later.duration:.0f} s in which no SIGTERM came"
    assert_that(later).holds(_ended_before(later, when))


@points(2)
def test_rests_between_signals(program: Submission) -> None:
    """Between signals the program rests, and does not use the processor."""
    run = program.until_terminated(signals=[SIGINT])
    assert_that(run).holds(_ended_before(run, "before SIGTERM")).rests()


@points(1)
def test_interrupts_within_interrupts(program: Submission) -> None:
    """An interrupt inside the handler, or inside a write, does no harm."""
    quiet = program.until_terminated(signals=[SIGINT, SIGINT])
    assert_that(quiet).holds(limits.exceeded(quiet))
    assert_that(quiet).holds(_ended_before(quiet, "before SIGTERM"))
    assert_that(quiet).holds([] if _count(quiet) else _never_printed(quiet))
    assert_that(quiet).holds(_complained(quiet))
    for only_writes in (True, False):
        run = _interrupted(program, 4, only_writes=only_writes)
        assert_that(run).holds_alone(_broken(run, only_writes=only_writes))
        assert_that(run).holds(limits.exceeded(run))
        if _rested(quiet) and not _rested(run):
            return  # it would be as busy wherever it is interrupted
    if not _lines(quiet, 2):  # else it prints too few anyway, as other checks say
        run = _interrupted(program, 1, only_writes=True)
        assert_that(run).holds_alone(_lost(run))
    for after in range(1, CALLS):
        run = _interrupted(program, 1, after=after)
        assert_that(run).holds_alone(_broken(run)).holds(limits.exceeded(run))
        if not _came_again(run) or not _rested(run):
            return  # it made no such call, or one would be like the other


def _interrupted(
    program: Submission, times: int, *, after: int = 0, only_writes: bool = False
) -> Recording:
    """A run in which more interrupts come, at calls that follow the first one."""
    with program.start() as started:
        started.until_rest()
        started.interrupt_calls(SIGINT, times, after=after, only_writes=only_writes)
        started.send(SIGINT)
        started.until_rest()
        return started.stop()


def _came_again(run: Recording) -> bool:
    return sum(event.signal == SIGINT for event in run.of(SignalSent)) > 1


def _rested(run: Recording) -> bool:
    return not any(rest.busy for rest in run.rests)


def _broken(run: Recording, *, only_writes: bool = False) -> list[Finding]:
    """A second interrupt ended the program, or left no line of it whole."""
    trace = processes.traceback_of(run.root)
    if run.root.ended is None and _count(run) and not trace:
        return []
    where = "a write" if only_writes else "one of its calls"
    if trace and run.root.ended:
        how = f"and it died of {trace[0]}"
    elif trace:
        how = "and it printed a traceback"
    elif run.root.ended is None and LINE.encode() in run.root.output:
        how = f"and no line that it printed is {LINE!r} and nothing else"
    elif run.root.killed_by:
        how = f"and it was killed by {signal_name(run.root.killed_by)}"
    else:
        how = "and it did not go on"
    return [
        found(
            "handler-reenters",
            f"a second SIGINT came while {name(run, run.root)} was inside {where}, "
            f"{how}",
            run,
            trace[1] if trace else None,
        )
    ]


def _lost(run: Recording) -> list[Finding]:
    """A second interrupt came inside the write of the line, and got none of its own.

    The program knows of the first one by then, so nobody makes one of the two; and
    the interpreter calls the handler as soon as the write is over, unless it is another
    thread's: then the main one may be about to wait, and not be woken any more.
    """
    interrupts = [event.index for event in run.of(SignalSent) if event.signal == SIGINT]
    if len(interrupts) < 2 or run.root.of(ThreadStarted):
        return []
    printed = [event for event in run.root.of(Wrote) if LINE.encode() in event.data]
    next_one = next((e for e in run.root.of(Wrote) if e.index > interrupts[1]), None)
    if len(printed) > 1 or next_one not in printed:
        return []
    return [
        found(
            "handler-reenters",
            f"a second SIGINT came while {name(run, run.root)} was inside the write of "
            f"{LINE!r}, and no line was printed for it",
            run,
            next_one.line if next_one else None,
        )
    ]


def _complained(run: Recording) -> list[Finding]:
    if b"Traceback" not in run.errors:
        return []
    message = f"{name(run, run.root)} printed a traceback"
    return [found("uncaught-exception", message, run)]


@points(1)
def test_no_traceback(program: Submission) -> None:
    """From its start to SIGTERM the program raises no exception."""
    run = program.until_terminated(signals=[SIGINT, SIGINT])
    assert_that(run).holds(_complained(run))
    assert_that(run).holds(_ended_before(run, "before SIGTERM")).ends_well()
