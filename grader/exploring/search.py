"""The search for an interleaving that fails.

Small programs are searched systematically: first the run without preemption, then all
with one, with two, and so on, each only where it could make a difference. Larger ones
are searched at random, by priorities that change a few times (PCT: Burckhardt, Kothari,
Musuvathi and Nagarakatte, 2010), which finds a fault that needs d such changes with a
probability that is known and does not depend on luck with the machine.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from grader.exploring.choices import Choices, Decision, Pilot, Turn, encode
from grader.exploring.footprint import Mode, Touch, affects, footprints
from grader.tracing.recording import Recording
from grader.tracing.schedule import Able, Schedule

# How often one run may be preempted, where all are searched.
PREEMPTIONS = 2

# So often priorities change in a run of the random search.
_CHANGES = 3


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a search."""

    choices: Choices
    recording: Recording


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has come to.

    `failure` is the first run that failed, None where none did in `runs` runs. Where
    `complete`, these were all with at most `preemptions`, but for the orders of steps
    that cannot affect each other.
    """

    runs: int
    preemptions: int | None
    complete: bool
    failure: Ran | None


Run = Callable[[Schedule], Recording]
Fails = Callable[[Recording], bool]


def fly(run: Run, pilot: Pilot) -> Ran:
    """Make one run, which is known by the choices that it really made."""
    recording = run(pilot.schedule)
    made = pilot.made()
    recording.schedule = encode(made)
    return Ran(made, recording)


class Search:
    """Makes runs of one program, at most `runs`, until one fails.

    Interleavings with at most so many `preemptions` are searched systematically (None:
    none are). `output`: whether the order in which processes print matters. `progress`
    is called after each run with how many there were.
    """

    def __init__(
        self,
        run: Run,
        fails: Fails,
        *,
        runs: int,
        preemptions: int | None = PREEMPTIONS,
        seed: int = 0,
        output: bool = False,
        progress: Callable[[int], None] = lambda runs: None,
    ) -> None:
        self._run = run
        self._fails = fails
        self._most = runs
        self._preemptions = preemptions
        self._seed = seed
        self._output = output
        self._progress = progress
        self._runs = 0
        self._length = 1
        self._complete = False

    def search(self) -> Found:
        """Half of the runs go to all interleavings, the rest to random ones.

        Where half is enough for all of them, no random one is made.
        """
        for ran in self._all():
            if self._fails(ran.recording):
                return Found(self._runs, self._preemptions, False, ran)
        return Found(self._runs, self._preemptions, self._complete, None)

    def _all(self) -> Iterator[Ran]:
        if self._preemptions is not None:
            yield from self._systematic(self._preemptions)
        if not self._complete:
            yield from self._random()

    def _make(self, pilot: Pilot) -> Ran:
        ran = fly(self._run, pilot)
        self._runs += 1
        self._length = max(self._length, len(ran.recording.steps))
        self._progress(self._runs)
        return ran

    def _systematic(self, preemptions: int) -> Iterator[Ran]:
        """All runs by their preemptions, as long as half of the runs are left."""
        levels: list[deque[dict[int, Turn]]] = [deque() for _ in range(preemptions + 2)]
        levels[0].append({})
        for level, waiting in enumerate(levels[:-1]):
            while waiting:
                if self._runs >= (self._most + 1) // 2:
                    return
                choices = waiting.popleft()
                pilot = Pilot(choices)
                ran = self._make(pilot)
                yield ran
                first = max(choices, default=-1) + 1
                for decision, turn in self._others(ran.recording, pilot, first):
                    cost = level + decision.preempts
                    levels[cost].append({**choices, decision.step: turn})
        self._complete = True

    def _others(
        self, recording: Recording, pilot: Pilot, first: int
    ) -> Iterator[tuple[Decision, Turn]]:
        """Where else a run could have gone, from step `first` on."""
        touched = footprints(recording, output=self._output)
        numbers = {process.pid: n for n, process in enumerate(recording.processes)}
        rivals = _rivals([numbers[step.pid] for step in recording.steps], touched)
        for decision in pilot.decisions:
            step = decision.step
            if step < first or step >= len(touched) or not rivals[step]:
                continue
            others = [t for t in decision.options if t != decision.taken]
            # A rival that cannot run now is brought to it by another one.
            for turn in [t for t in others if t.process in rivals[step]] or others:
                yield decision, turn

    def _random(self) -> Iterator[Ran]:
        while self._runs < self._most:
            seed = f"{self._seed}.{self._runs}"
            yield self._make(_Priorities(seed, self._length))


def _rivals(processes: Sequence[int], touched: Sequence[set[Touch]]) -> list[set[int]]:
    """For each step, to whose later ones it matters that this one is before them."""
    later: dict[Touch, set[int]] = defaultdict(set)
    found = []
    for process, touches in zip(reversed(processes), reversed(touched), strict=True):
        rivals = {
            other
            for thing, mode in touches
            for how in Mode
            if affects(mode, how)
            for other in later.get((thing, how), ())
        }
        found.append(rivals - {process})
        for touch in touches:
            later[touch].add(process)
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
