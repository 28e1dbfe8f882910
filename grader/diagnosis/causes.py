"""What all families of diagnoses together say of a run."""

from __future__ import annotations

from grader.diagnosis import limits, pipes, processes, waiting
from grader.tracing.recording import Recording, SignalSent
from grader.verdict import Finding


def causes(run: Recording, *, expected_signals: tuple[int, ...] = ()) -> list[Finding]:
    """What made the run go wrong as a whole, the most telling first.

    Where one of these is found, much else that is wrong follows from it. How processes
    beside those that were asked for end makes nothing go wrong.
    """
    refused = limits.refusals(run)  # what follows may well follow from these
    ended = limits.exceeded(run)
    if ended:
        return [*refused, *ended]
    dead = processes.deaths(run, expected_signals=expected_signals)
    # What was sent a signal from outside may well be meant to wait for the next.
    on_its_own = not any(event.pid == 0 for event in run.of(SignalSent))
    endless = waiting.never_ends(run) if on_its_own else []
    return [*refused, *dead, *waiting.deadlock(run), *endless]


def general(run: Recording) -> list[Finding]:
    """What can be said of any program, without knowing what it was to do."""
    found = causes(run)
    zombies = processes.zombies(run)
    missed = any(waiting.missed(run, p.pid) for p in waiting.still_there(run))
    if not run.exceeded and waiting.awaits_signals(run) and not (zombies and missed):
        # A server, say: whoever sends the signal is not part of it.
        found = [finding for finding in found if finding.id != "never-ends"]
    if not run.exceeded:
        found += [
            *zombies,
            *processes.orphans(run),
            *waiting.busy_wait(run),
            *pipes.leaks(run),
        ]
    return found
