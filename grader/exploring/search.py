"""The search for an interleaving that fails.

Small programs are searched systematically: all runs without preemption, with one, with
two, and so on, each only where it could make a difference, and those first in which
processes meet as they did in no run before (`meetings`). Larger ones are searched at
random, by priorities that change a few times (PCT: Burckhardt, Kothari, Musuvathi and
Nagarakatte, 2010), which finds a fault that needs d such changes with a probability
that is known and does not depend on luck with the machine.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush, heapreplace
from typing import NamedTuple

from grader.exploring.choices import TIME, Choices, Decision, Pilot, Turn, encode
from grader.exploring.footprint import Mode, Thing, Touch, affects, footprints
from grader.exploring.meetings import Meeting, Meetings, is_in_handler
from grader.tracing.recording import Recording
from grader.tracing.schedule import Able, Schedule

# How often one run may be preempted, where all are searched.
PREEMPTIONS = 2

# So often priorities change in a run of the random search.
_CHANGES = 3


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a search: the choices that it made, where it had others.

    `strayed` is the step at which it could not go as it was told.
    """

    choices: Choices
    recording: Recording
    decisions: Sequence[Decision] = ()
    strayed: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has come to.

    `failure` is the first run that failed, None where none did in `runs` runs. Those
    with at most `preemptions` are all among them, but for the orders of steps that
    cannot affect each other; None: not all without any. `complete`: there are no more
    with as many as were to be searched.
    """

    runs: int
    preemptions: int | None
    complete: bool
    failure: Ran | None


Run = Callable[[Schedule], Recording]
Fly = Callable[[Pilot], Ran]
Fails = Callable[[Recording], bool]


def flown(run: Run) -> Fly:
    """Makes runs, each of which is known by the choices that it really made."""

    def fly(pilot: Pilot) -> Ran:
        recording = run(pilot.schedule)
        made = pilot.made()
        recording.schedule = encode(made)
        return Ran(made, recording, pilot.decisions, pilot.strayed)

    return fly


class Search:
    """Makes runs of one program, at most `runs`, until one fails.

    Interleavings with at most so many `preemptions` are searched systematically (None:
    none are), in at most so many runs as `systematic` says: without it, in half of
    them. `repeat`: also those in which processes meet as in some run before; without
    that the search is over when there are no others. `output`: whether the order in
    which processes print matters. `progress` is called after each run with how many
    there were; `enough` is asked before each but the first whether the search is to
    end.
    """

    def __init__(
        self,
        fly: Fly,
        fails: Fails,
        *,
        runs: int,
        systematic: int | None = None,
        preemptions: int | None = PREEMPTIONS,
        repeat: bool = True,
        seed: int = 0,
        output: bool = False,
        progress: Callable[[int], None] = lambda runs: None,
        enough: Callable[[], bool] = lambda: False,
    ) -> None:
        self._fly = fly
        self._fails = fails
        self._most = runs
        self._most_systematic = (runs + 1) // 2 if systematic is None else systematic
        self._preemptions = preemptions
        self._repeat = repeat
        self._seed = seed
        self._output = output
        self._progress = progress
        self._enough = enough
        self._runs = 0
        self._length = 1
        self._all_with: int | None = None

    def search(self) -> Found:
        """Interleavings in order, then random ones.

        Where those in order come to an end, no random one is made.
        """
        failure = next((r for r in self._all() if self._fails(r.recording)), None)
        complete = self._complete and failure is None
        return Found(self._runs, self._all_with, complete, failure)

    @property
    def _complete(self) -> bool:
        return self._all_with is not None and self._all_with == self._preemptions

    def _all(self) -> Iterator[Ran]:
        if self._preemptions is not None:
            yield from self._systematic(self._preemptions)
        if not self._complete:
            yield from self._random()

    def _is_over(self, most: int) -> bool:
        return self._runs >= most or (self._runs > 0 and self._enough())

    def _make(self, pilot: Pilot) -> Ran:
        ran = self._fly(pilot)
        self._runs += 1
        self._length = max(self._length, len(ran.recording.steps))
        self._progress(self._runs)
        return ran

    def _systematic(self, preemptions: int) -> Iterator[Ran]:
        """All runs by their preemptions, as long as such runs are left.

        Those in which processes meet as they seldom did before come first.
        """
        waiting = _Waiting()
        waiting.add({}, None, 0)
        while waiting:
            if not self._repeat and not waiting.has_new:
                self._most = self._runs
                return
            if self._is_over(self._most_systematic):
                return
            choices, level = waiting.next()
            ran = self._make(Pilot(choices))
            yield ran
            first = max(choices, default=-1) + 1
            for decision, turn, meeting in self._others(ran, first):
                cost = level + decision.costs(turn)
                if cost <= preemptions:
                    waiting.add({**choices, decision.step: turn}, meeting, cost)
            fewest = waiting.fewest_preemptions(otherwise=preemptions + 1)
            self._all_with = fewest - 1 if fewest else None

    def _others(self, ran: Ran, first: int) -> Iterator[tuple[Decision, Turn, Meeting]]:
        """Where else a run could have gone, from step `first` on."""
        recording = ran.recording
        touched = footprints(recording, output=self._output)
        numbers = {process.pid: n for n, process in enumerate(recording.processes)}
        processes = [numbers[step.pid] for step in recording.steps]
        rivals = _rivals(processes, touched)
        meetings = Meetings(recording, processes)
        for decision in ran.decisions:
            step = decision.step
            if step < first or step >= len(touched) or not rivals[step]:
                continue
            others = [t for t in decision.options if t not in (decision.taken, TIME)]
            # A rival that cannot run now is brought to it by another one.
            for turn in [t for t in others if t.process in rivals[step]] or others:
                yield decision, turn, meetings.of(decision, turn)
            # Or it sleeps, and time brings it to it.
            if TIME in decision.options and decision.taken != TIME:
                yield decision, TIME, meetings.of(decision, TIME)

    def _random(self) -> Iterator[Ran]:
        while not self._is_over(self._most):
            seed = f"{self._seed}.{self._runs}"
            yield self._make(_Priorities(seed, self._length))


class _Candidate(NamedTuple):
    """A run that may be made: in a heap, the smallest is the most promising."""

    times: int
    preemptions: int
    outside_handlers: bool
    added: int
    meeting: Meeting | None
    choices: dict[int, Turn]


class _Waiting:
    """Runs that are still to be made, the most promising first.

    That is the one whose meeting was in the fewest runs so far; of those, the one with
    the fewest preemptions, and one whose meeting is in a handler.
    """

    def __init__(self) -> None:
        self._heap: list[_Candidate] = []
        self._made: Counter[Meeting | None] = Counter()
        self._with: Counter[int] = Counter()
        self._added = 0

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, choices: dict[int, Turn], meeting: Meeting | None, cost: int) -> None:
        """A run with so many preemptions; `meeting` is what its last choice makes."""
        times, outside = self._made[meeting], not is_in_handler(meeting)
        run = _Candidate(times, cost, outside, self._added, meeting, choices)
        heappush(self._heap, run)
        self._added += 1
        self._with[cost] += 1

    @property
    def has_new(self) -> bool:
        """Whether there is one whose meeting was in no run so far."""
        return self._first().times == 0

    def next(self) -> tuple[dict[int, Turn], int]:
        """The choices of the next run, and its preemptions."""
        run = self._first()
        heappop(self._heap)
        self._made[run.meeting] += 1
        self._with[run.preemptions] -= 1
        return run.choices, run.preemptions

    def _first(self) -> _Candidate:
        """The most promising one."""
        while (times := self._made[self._heap[0].meeting]) != self._heap[0].times:
            # There were more since it was added.
            heapreplace(self._heap, self._heap[0]._replace(times=times))
        return self._heap[0]

    def fewest_preemptions(self, *, otherwise: int) -> int:
        """Of all that wait."""
        return min(
            (cost for cost, count in self._with.items() if count), default=otherwise
        )


def _rivals(processes: Sequence[int], touched: Sequence[set[Touch]]) -> list[set[int]]:
    """For each step, to whose later ones it matters that this one is before them."""
    later: dict[Thing, dict[Mode, set[int]]] = defaultdict(dict)
    found = []
    for process, touches in zip(reversed(processes), reversed(touched), strict=True):
        rivals: set[int] = set()
        for thing, mode in touches:
            for how, others in later[thing].items():
                if affects(mode, how):
                    rivals |= others
        found.append(rivals - {process})
        for thing, mode in touches:
            later[thing].setdefault(mode, set()).add(process)
    found.reverse()
    return found


class _Priorities(Pilot):
    """Who has the highest priority runs; a few times that one gets the lowest."""

    def __init__(self, seed: str, length: int) -> None:
        super().__init__({})
        self._random = random.Random(seed)
        self._priorities: dict[int, float] = {}
        self._changes = {self._random.randrange(length) for _ in range(_CHANGES)}
        self._lowest = 0.0
        self._name = f"{seed} of {length}"

    @property
    def name(self) -> str:
        return self._name

    def prefer(self, able: Sequence[Able], usual: Able) -> Able:
        for thread in able:
            if thread.tid not in self._priorities:
                self._priorities[thread.tid] = self._random.random() + 1
        if self._steps in self._changes:
            self._lowest -= 1
            self._priorities[max(able, key=self._priority).tid] = self._lowest
        chosen = max(able, key=self._priority)
        # Who only asks and asks would do so for ever.
        return usual if chosen.spinning else chosen

    def _priority(self, thread: Able) -> float:
        return self._priorities[thread.tid]
