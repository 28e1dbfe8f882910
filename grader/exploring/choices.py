"""A schedule as the choices that it makes: written down, followed, noted.

Left to itself, a program under a `Pilot` runs without preemption: whoever runs goes on
until it waits or ends, then the process that was made first of those that can run
and had the fewest turns. A choice is where it goes another way. The code of a schedule
has its choices alone: ``x12b-40a`` gives the turn to the second process at step 12, and
back to the first at step 40, ``x12+`` lets time pass at step 12: whoever could run then
is held until neither others nor time can do anything more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from string import ascii_lowercase
from typing import NamedTuple

from grader.tracing.frozen import hand_on_fast
from grader.tracing.schedule import Able, Schedule

_CODE = re.compile(r"x(?:\d+(?:[a-z]+\d*|\+)(?:-\d+(?:[a-z]+\d*|\+))*)?")
_CHOICE = re.compile(r"(\d+)(?:([a-z]+)(\d*)|\+)")
_LONGEST_CODE = 4096


class Turn(NamedTuple):
    """Whose turn it is, by what is the same in each run.

    `process` counts the program's processes from 0, `thread` those of one process.
    """

    process: int
    thread: int = 0


# Nobody's turn: time passes.
TIME = Turn(-1)

# The turns that differ from what would be, by the number of the step.
Choices = Mapping[int, Turn]


def encode(choices: Choices) -> str:
    """The code of a schedule."""
    return "x" + "-".join(
        f"{step}{_word(turn)}" for step, turn in sorted(choices.items())
    )


def _word(turn: Turn) -> str:
    if turn == TIME:
        return "+"
    return f"{_letters(turn.process)}{turn.thread or ''}"


def decode(code: str) -> dict[int, Turn]:
    """The choices of a schedule. Raises ``ValueError`` where it is no code."""
    fits = len(code) <= _LONGEST_CODE and _CODE.fullmatch(code)
    choices = [
        (int(step), Turn(_number(letters), int(thread or 0)) if letters else TIME)
        for step, letters, thread in _CHOICE.findall(code if fits else "")
    ]
    if not fits or any(one[0] >= two[0] for one, two in pairwise(choices)):
        raise ValueError(
            f"{code[:80]!r} is not the code of a schedule, such as x12b-40a"
        )
    return dict(choices)


def _letters(number: int) -> str:
    """0 is a, 25 is z, 26 is aa."""
    letters = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        letters = ascii_lowercase[digit] + letters
    return letters


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ascii_lowercase.index(letter) + 1
    return number - 1


@dataclass(frozen=True, slots=True)
class Decision:
    """A step before which more than one thread could run, or time could pass.

    `preempts`: whether whoever ran before could have gone on, so that every turn but
    its own is a preemption. To let time pass while somebody can run always is one.
    """

    step: int
    options: tuple[Turn, ...]
    taken: Turn
    usual: Turn
    preempts: bool

    def costs(self, turn: Turn) -> bool:
        """Whether a turn is a preemption here."""
        return self.preempts or turn == TIME


hand_on_fast(Decision)


class Pilot:
    """Follows choices in one run, and notes where it could have gone another way."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.decisions: list[Decision] = []
        self._strayed: int | None = None
        self._steps = 0
        self._followed = -1
        self._last = -1
        self._had: dict[int, int] = {}
        self._ranks: dict[int, dict[int, int]] = {}
        self._held: set[int] = set()

    @property
    def name(self) -> str:
        """What tells it from those that choose otherwise."""
        return encode(self.choices)

    @property
    def strayed(self) -> int | None:
        """After the run: the first step with a choice that was not made.

        It could not be, or the run was over before it: the program is another one.
        """
        if self._strayed is not None:
            return self._strayed
        return min(
            (step for step in self.choices if step > self._followed), default=None
        )

    @property
    def schedule(self) -> Schedule:
        """For one run."""
        return Schedule(
            encode(self.choices),
            "a search chose whose turn it is",
            lambda: self._choose,
            fine=True,
        )

    def turn_of(self, thread: Able) -> Turn:
        """What a thread is called in every run."""
        ranks = self._ranks.setdefault(thread.number, {})
        return Turn(thread.number, ranks.setdefault(thread.tid, len(ranks)))

    def prefer(self, able: Sequence[Able], usual: Able) -> Able:
        """Whose turn it is to be where no choice says so: for others to override."""
        return usual

    def _choose(self, able: Sequence[Able], can_wait: bool) -> Able | None:
        going = [thread for thread in able if thread.tid not in self._held]
        if not going and can_wait:
            return None
        if not going:
            self._held.clear()
            going = list(able)
        turns = [self.turn_of(thread) for thread in going]
        usual, preempts = self._usual(going)
        chosen = self.prefer(going, usual)
        # Who spins is not held: it may look at the time, and never come to an end.
        if can_wait and not any(thread.spinning for thread in going):
            turns.append(TIME)
        taken, default = self._taken(turns, self.turn_of(chosen)), self.turn_of(usual)
        decided = bool(self.decisions) and self.decisions[-1].step == self._steps
        if len(turns) > 1 and not decided:
            self.decisions.append(
                Decision(self._steps, tuple(turns), taken, default, preempts)
            )
        if taken == TIME:
            self._held.update(thread.tid for thread in going)
            return None
        chosen = going[turns.index(taken)]
        self._steps += 1
        self._last = chosen.tid
        self._had[chosen.tid] = self._steps
        return chosen

    def _taken(self, turns: Sequence[Turn], otherwise: Turn) -> Turn:
        """Whose turn the choices say that it is, where they say so."""
        wanted = self.choices.get(self._steps)
        if wanted is None or self._followed == self._steps:
            return otherwise
        self._followed = self._steps
        if wanted in turns:
            return wanted
        if self._strayed is None:
            self._strayed = self._steps
        return otherwise

    def _usual(self, able: Sequence[Able]) -> tuple[Able, bool]:
        """Who goes on by itself, and whether another one would preempt it."""
        for thread in able:
            if thread.tid == self._last and not thread.spinning and not thread.woken:
                return thread, True
        return min(able, key=self._order), False

    def _order(self, thread: Able) -> tuple[bool, int, int, int]:
        # Who spins has its turn after the others; among those, whose was longest ago.
        had = self._had.get(thread.tid, 0) if thread.spinning or thread.woken else 0
        return thread.spinning, had, thread.number, self.turn_of(thread).thread

    def made(self) -> dict[int, Turn]:
        """The choices that this run has made, however it came to them."""
        return {d.step: d.taken for d in self.decisions if d.taken != d.usual}
