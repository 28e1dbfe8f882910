"""Who runs next: the timings that a program can be run under.

Only one thread of a program runs at a time, from one call that matters to the end
of the next; a schedule chooses which. It sees only what the program did, never
real time, so the same schedule gives the same order of events on every machine.
Whom it holds back for too long gets a turn all the same, see `fairness`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class Able(Protocol):
    """A thread that can run, as a schedule sees it.

    `number` counts the program's processes in the order of their making, from 0;
    `depth` is 0 for the first, 1 for its children; `woken` says that it waited and
    that what it waited for may have come; `spinning` that it runs without getting
    anywhere.
    """

    @property
    def tid(self) -> int: ...
    @property
    def number(self) -> int: ...
    @property
    def depth(self) -> int: ...
    @property
    def woken(self) -> bool: ...
    @property
    def spinning(self) -> bool: ...


# Chooses one of the able threads, or None to let time pass first. Time can only
# pass where the second argument is true; otherwise one of them must be chosen. It is
# not for ever, see `turns.MOST_WAITS`.
Chooser = Callable[[Sequence[Able], bool], Able | None]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A timing, by name. `start` gives a fresh chooser for each run.

    `says` is what the order is, as a clause: students read it, and no names.

    A write to a standard stream is one atomic step, unless it is `fine`: then the first
    process may be interrupted inside it, by what the others do. Others may also run
    where a program calls a file by its name, and between what it has found out and
    ``signal.pause``, which waits for the next signal.
    """

    name: str
    says: str
    start: Callable[[], Chooser]
    fine: bool = False


def _generation(thread: Able) -> tuple[int, int, int]:
    """The smallest is the first process's, then that of its children, and so on."""
    return thread.depth, thread.number, thread.tid


def _take_turns() -> Chooser:
    turn: dict[int, int] = {}

    def choose(able: Sequence[Able], can_wait: bool) -> Able:
        chosen = min(able, key=lambda a: (turn.get(a.tid, 0), a.number, a.tid))
        turn[chosen.tid] = max(turn.values(), default=0) + 1
        return chosen

    return choose


def _parent_first() -> Chooser:
    return lambda able, can_wait: min(able, key=_generation)


def _child_first() -> Chooser:
    return lambda able, can_wait: max(able, key=_generation)


def _children_held() -> Chooser:
    def choose(able: Sequence[Able], can_wait: bool) -> Able | None:
        chosen = min(able, key=_generation)
        return None if chosen.depth > 0 and can_wait else chosen

    return choose


def _parent_held(waits: int = 0) -> Chooser:
    """The parent runs until it waits, and then only when nobody else can go on.

    It may wait, and go on as soon as it can, `waits` times before. One that waits by
    asking again and again does not wait each time that it has got an answer; it is held
    all the same.
    """
    held, left, let_on = False, waits, False

    def choose(able: Sequence[Able], can_wait: bool) -> Able | None:
        nonlocal held, left, let_on
        going = [a for a in able if a.depth == 0 and not a.woken and not a.spinning]
        woken = [a for a in able if a.depth == 0 and a.woken]
        if let_on and going:
            left -= 1  # who waits on was woken for nothing
        let_on = bool(left and woken and not going)
        if let_on:
            return min(woken, key=lambda a: a.tid)
        held = not left and (held or not going)

        def rank(thread: Able) -> tuple[bool, int, int, int]:
            waits = thread.depth == 0 and held
            return waits, thread.depth, thread.number, thread.tid

        chosen = min(able, key=rank)
        if chosen.depth > 0 or not held:
            return chosen
        if can_wait:
            return None
        held = False
        return chosen

    return choose


def _all_held() -> Chooser:
    """The children are held as in `_children_held`, and then the parent for them."""
    children_held = True

    def choose(able: Sequence[Able], can_wait: bool) -> Able | None:
        nonlocal children_held
        first = min(able, key=_generation)
        if children_held and first.depth == 0:
            return first
        children = [a for a in able if a.depth > 0]
        if can_wait and (children_held or not children):
            return None
        children_held = not children
        return min(children, key=_generation, default=first)

    return choose


def _in_pairs(calls: int) -> Callable[[], Chooser]:
    """Those that are not the first process run one by one, each until it waits or ends.

    The second of a pair does so once the first process has had `calls` steps since
    the first of them, the next pair when the first process can do nothing more.
    """

    def start() -> Chooser:
        running, second, left = 0, False, calls

        def choose(able: Sequence[Able], can_wait: bool) -> Able:
            nonlocal running, second, left
            parent = next((a for a in able if a.depth == 0), None)
            others = sorted((a for a in able if a.depth), key=lambda a: a.number)
            for other in others:
                if other.tid == running:
                    return other
            if running:
                running, second, left = 0, not second, calls
            if parent and not (others and second and left == 0):
                left -= 1
                return parent
            running = others[0].tid
            return others[0]

        return choose

    return start


def _at_random(seed: int) -> Callable[[], Chooser]:
    def start() -> Chooser:
        generator = random.Random(seed)
        return lambda able, can_wait: able[generator.randrange(len(able))]

    return start


take_turns = Schedule("take_turns", "they take turns, call by call", _take_turns)
parent_first = Schedule(
    "parent_first", "the parent runs whenever it can", _parent_first
)
child_first = Schedule(
    "child_first", "the newest process runs whenever it can", _child_first
)
hold_children = Schedule(
    "hold_children",
    "the children do not run until their parent and time can do nothing more",
    _children_held,
)
hold_parent_until_children_end = Schedule(
    "hold_parent_until_children_end",
    "the parent, once it waits, does not run until all its children have ended",
    _parent_held,
)
hold_children_then_parent = Schedule(
    "hold_children_then_parent",
    "the children do not run until their parent and time can do nothing more, and then "
    "the parent does not until all of them have ended",
    _all_held,
)


def hold_parent_after(waits: int) -> Schedule:
    """As above, once the parent has waited and gone on so often before."""
    times = "once" if waits == 1 else f"{waits} times"
    return Schedule(
        f"hold_parent_after({waits})",
        f"the parent, once it has waited {times} and waits again, does not run until "
        "all its children have ended",
        lambda: _parent_held(waits),
    )


def pairs(calls: int) -> Schedule:
    """Children run in pairs, the second `calls` calls of the parent after the first."""
    return Schedule(
        f"pairs({calls})",
        f"children run in pairs, the second {calls} call{'' if calls == 1 else 's'} of "
        "the parent after the first",
        _in_pairs(calls),
    )


def seeded(seed: int) -> Schedule:
    """A random order that is the same each time."""
    return Schedule(f"seeded({seed})", "chance says whose turn it is", _at_random(seed))


SCHEDULES: dict[str, Schedule] = {
    schedule.name: schedule
    for schedule in (
        take_turns,
        parent_first,
        child_first,
        hold_children,
        hold_parent_until_children_end,
        hold_children_then_parent,
    )
}
