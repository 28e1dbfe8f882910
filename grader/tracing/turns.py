"""Who can go on, who gets nowhere, and when time alone would help."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sized

from grader.tracing.clock import MANY_LOOKS, NANO, Clock
from grader.tracing.common import glimpse, was_shown
from grader.tracing.fairness import Fairness
from grader.tracing.limits import Limits
from grader.tracing.procfs import cpu_time
from grader.tracing.schedule import Chooser
from grader.tracing.spinning import Seen
from grader.tracing.tracee import MANY_CALLS, Hold, State, Stir, Thread, Traced

# How much of the processor a thread may use between two calls before it is looked
# at, in nanoseconds.
SLICE = 20_000_000

# So often time passes at most though somebody could go on, whom the schedule holds: one
# that only tells every second that it still waits, say, would do so for ever.
MOST_WAITS = 200

# How often one that only asks and asks may do so while others wait for time to pass.
TURNS = 20

# What is left of so many calls without effect when something has happened: there is a
# turn or more before the thread counts as one that only asks.
_STILL_ASKS = MANY_CALLS - TURNS

# A thread that got nowhere for so long may be at rest, though busily: this many calls
# without effect, sleeps of no length, or looks at the clock.
_FRUITLESS = 2000
_NAPS = 6000
_LOOKS = 20_000

# It is, if an earlier run has shown that it goes on so, or if its calls are recorded:
# those are too many then. Otherwise after so many of one kind; to who looks at the
# clock as often an hour has passed.
_PATIENCE = 40_000

# So is one that only wakes up to sleep again: after so many sleeps, or after a fifth
# of them that took so long, in virtual nanoseconds.
_SLEEPS = 3000
_LONG_IDLE = 600 * NANO

# Of one that is to be seen for long so many sleeps are no rest yet: a day of those that
# take ten seconds, and a second or two of real time.
_SLEEPS_SEEN = 10_000

# A sleep that is shorter than the kernel's slack, prctl(2), has next to no length, in
# nanoseconds.
_SLACK = 50_000

# Looked up at every step, and slowly where they are members of an enumeration.
_HELD, _READY = State.HELD, State.READY


def is_nap(hold: Hold) -> bool:
    """Whether what a thread waits for is the end of a sleep of next to no length."""
    return hold.deadline is not None and hold.deadline - hold.began < _SLACK


class Turns:
    """The order in which the threads of a run take their steps.

    `looping` are those that are proven to come back to where they are, see `loops`;
    `running` took the last step, and `stretch` is another number for each row of steps
    that one thread takes.
    """

    def __init__(
        self,
        choose: Chooser,
        threads: Mapping[int, Thread],
        live: Mapping[int, Traced],
        clock: Clock,
        limits: Limits,
        seen: Seen,
        events: Sized,
    ) -> None:
        """`threads`, `live` and `events` are the tracer's own, and change meanwhile.

        `seen` is where the program was seen getting nowhere before.
        """
        self._choose = choose
        self._threads = threads
        self._live = live
        self._clock = clock
        self._seen = seen
        self._events = events
        self._fairness = Fairness(events, limits.events)
        self.spins = max(1, round(limits.busy_seconds * NANO / SLICE))
        self._sleeps, self._long_idle = _SLEEPS, _LONG_IDLE
        self._moves, self._is_counted = 0, False  # steps of those that get somewhere
        self._waits = 0  # for the sake of those that the schedule holds
        self.looping: set[Thread] = set()
        self.running: Thread | None = None
        self.stretch = 0

    def pick(self, can_wait: bool) -> Thread | None:
        """Whose step is next; None where nobody's is, or time is to pass first."""
        ready: list[Thread] = []
        busy: list[Thread] = []
        for thread in self._threads.values():
            if not self.is_able(thread):
                continue
            if thread.tid != thread.owner.pid and self._yields_signal(thread):
                continue
            if (thread.spinning or thread.gives_way) and not thread.alerted:
                busy.append(thread)
            else:
                ready.append(thread)
        if not ready:
            ready = [t for t in busy if not t.spinning] or self._shown(busy)
        if not ready:
            if can_wait:
                # Time passes while they spin, but each gets a turn in between.
                busy = [
                    t for t in busy if t.steps < TURNS and not (t.spins and t.steps)
                ]
            else:
                busy = [t for t in busy if not self._at_rest(t)]
            ready = busy
        if not ready:
            return None
        among = self._fairness.among(ready)
        may_wait = can_wait and self._waits < MOST_WAITS and not self._fairness.reigns
        chosen = self._choose(among, may_wait)
        if not isinstance(chosen, Thread):
            self._waits += 1
            return None
        self._fairness.ran(chosen)
        return chosen

    def begin(self, thread: Thread) -> None:
        """A thread takes its step now."""
        if thread is not self.running:
            self._leave(thread)
            self.running = thread
            self.stretch += 1
            thread.glimpse = None
        self._is_counted = False
        thread.steps += 1
        looping = self.looping
        if looping:
            if thread.alerted:
                looping.discard(thread)
            if thread not in looping:
                looping.clear()  # it may change what the others look at
        thread.stirred = thread.alerted = False

    def _leave(self, following: Thread) -> None:
        """Another thread is about to run than the last one."""
        last = self.running
        self._count_moves()
        if last is None or last.state is not _READY or not last.spinning:
            return
        last.glimpse = glimpse(last, self._moves)
        if following.spinning:
            return
        # What others write that get nowhere themselves is not what is waited for.
        others = [t for t in self._threads.values() if t.spinning and t is not last]
        self._shown(others)
        for thread in others:
            if thread.glimpse is not None:
                thread.glimpse = glimpse(thread, self._moves)

    def _count_moves(self) -> None:
        """See whether who ran last got somewhere, once after each step.

        One that spins once more because of another that does so, does not.
        """
        last = self.running
        if last is not None and not self._is_counted:
            self._is_counted = True
            self._moves += last.state is not _READY or not last.spinning

    def _shown(self, busy: list[Thread]) -> list[Thread]:
        """Who of those that get nowhere may do so now, because others wrote to memory.

        They spin as if they had not before, however often that happens.
        """
        self._count_moves()
        shown = [thread for thread in busy if was_shown(thread, self._moves)]
        for thread in shown:
            thread.begins_anew()
            thread.spun, thread.gives_way = False, True
        return shown

    def stir(self, what: int, pipe: int | None = None) -> None:
        """Something happened, `Stir`, that held threads may have waited for."""
        to_all = what & Stir.SIGNAL
        for owner in self._live.values():
            owner.alarms = 0
        most_spins = self.spins - 1
        for thread in self._threads.values():
            if thread is not self.running:
                # What it looks for again and again may have come.
                thread.idle = 0
                thread.vain = None
                if thread.spins > most_spins:
                    thread.spins = most_spins
                if thread.fruitless > _STILL_ASKS:
                    thread.fruitless = _STILL_ASKS
                    thread.asked = min(thread.asked, _STILL_ASKS)
                if thread.naps > _STILL_ASKS:
                    thread.naps = _STILL_ASKS
            if to_all:
                thread.alert()
                continue
            hold = thread.hold
            if (
                hold is not None
                and hold.wakes & what
                and (pipe is None or hold.pipe is None or hold.pipe == pipe)
            ):
                thread.stirred = True

    def slept(self, thread: Thread, hold: Hold) -> None:
        """A thread has waited for time, and that has come.

        It is idle, unless it computes for longer in between than it sleeps.
        """
        now, used = self._clock.now, cpu_time(thread.pid)
        if thread.idle == 0:
            thread.idle_since, thread.idle_cpu = now, used
        thread.idle += 1
        if is_nap(hold):
            thread.naps += 1
        else:
            # Who sleeps between its calls is not busy, whatever comes of them.
            thread.fruitless = thread.asked = 0
        most = self.most_spins(thread) * SLICE
        slept = now - thread.idle_since
        # Of several threads, it may be another one that computes.
        alone = len(thread.owner.threads) == 1
        thread.toils = alone and used - thread.idle_cpu > max(most, slept)

    def is_able(self, thread: Thread) -> bool:
        """Whether a thread can run, or be let go to see whether it can."""
        state = thread.state
        if state is _HELD:
            return thread.stirred
        if state is not _READY:
            return False
        child = thread.vfork_child
        return child is None or child.pid not in self._live

    def _yields_signal(self, thread: Thread) -> bool:
        """Whether a thread's leader goes first, because its process was sent a signal.

        The kernel gives it to the leader, unless that blocks it; but not while the
        leader is stopped: signal(7), and `complete_signal` in its signal.c.
        """
        leader = thread.owner.threads.get(thread.pid)
        return leader is not None and leader.alerted and self.is_able(leader)

    def _at_rest(self, thread: Thread) -> bool:
        if thread in self.looping:
            return True
        if (
            thread.spins >= self.most_spins(thread)
            or thread.toils
            or self._asks_in_vain(thread)
        ):
            thread.owner.was_busy = True
            return True
        return False

    def _asks_in_vain(self, thread: Thread) -> bool:
        """Whether it has made so many calls that came to nothing that nothing will."""
        # Who was busy before, and has only handled a signal since, is so again soon.
        less = 10 if thread.owner.was_busy else 1
        counts = thread.fruitless - thread.asked, thread.naps, thread.looks
        enough = (
            max(_FRUITLESS // less, MANY_CALLS),
            max(_NAPS // less, MANY_CALLS),
            max(_LOOKS // less, MANY_LOOKS),
        )
        if all(map(operator.lt, counts, enough)):
            return False
        # Who sleeps, if for no time, lets time pass for others.
        if thread.owner.was_busy or thread.state is _HELD:
            return True
        vain = self._seen.in_vain(thread, counts)
        if vain.until is not None:
            self._clock.pass_to(max(vain.until, self._clock.now))
            return True
        if vain.events != len(self._events):
            return True
        if max(counts) < _PATIENCE:
            return False
        self._seen.note_in_vain(vain)
        return True

    def most_spins(self, thread: Thread) -> int:
        """After how many slices without a call it counts as busy waiting."""
        return 1 if thread.owner.was_busy else self.spins

    def next_deadline(self, most: int) -> int | None:
        """The next moment at which time lets somebody go on; None where none does.

        Nobody waits for one after the moment `most`. A program that only wakes up to
        sleep again, and has done so for long, is idle: its time leads nowhere.
        """
        moments = [
            owner.alarm
            for owner in self._live.values()
            if owner.alarm and owner.alarms < self._sleeps // 5
        ]
        for thread in self._threads.values():
            hold = thread.hold
            if hold is None or hold.deadline is None or thread.state is not _HELD:
                continue
            if not (
                thread in self.looping
                or self._is_idle(thread)
                or (thread.busy_beside_sleeps and self._at_rest(thread))
            ):
                moments.append(hold.deadline)
        if not moments:
            return None
        # Whose moment has passed can run, or is kept from it by the schedule; more
        # time changes nothing for it.
        now = self._clock.now
        deadline = min((m for m in moments if m > now), default=None)
        return None if deadline is None or deadline > most else deadline

    def wait_longer(self, seconds: float) -> None:
        """See for so long what becomes of those that only wake up to sleep again."""
        self._sleeps, self._long_idle = _SLEEPS_SEEN, round(seconds * NANO)
        for owner in self._live.values():
            owner.was_idle, owner.alarms = False, 0
        for thread in self._threads.values():
            thread.idle = 0

    def _is_idle(self, thread: Thread) -> bool:
        """Whether it does nothing but wake up to sleep again, and has for long."""
        # Who was idle before, and has only handled a signal since, is so again soon.
        often = self._sleeps // 10 if thread.owner.was_idle else self._sleeps
        idle = thread.idle >= often or (
            thread.idle >= often // 5
            and self._clock.now - thread.idle_since >= self._long_idle
        )
        if idle:
            thread.owner.was_idle = True
        return idle
