"""Verdicts for a person at a terminal: what happened, why it is wrong, what to read."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from grader.catalog import Exercise, with_course
from grader.diagnosis.texts import DiagnosisText, all_ids, own_ids, text
from grader.mistake import told_in
from grader.report.again import see_again
from grader.report.hidden import for_students
from grader.report.plain import in_line
from grader.report.repeats import Told
from grader.report.text import one_line, visible
from grader.verdict import CheckOutcome, CheckResult, Finding, Outcome, Verdict

# Longer lines are hard to read, however wide the terminal is.
_WIDEST = 100
_NARROWEST = 40

_STYLE = {
    CheckOutcome.PASSED: "green",
    CheckOutcome.FAILED: "red",
    CheckOutcome.NOT_RUN: "yellow",
    CheckOutcome.GRADER_ERROR: "magenta",
}


class _Console(Console):
    """A console that does not itself end the command whose output nobody reads."""

    def on_broken_pipe(self) -> None:
        """Rich would end it with a status that is a verdict's."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def console(file: TextIO | None = None) -> Console:
    """A console as wide as the terminal, plain where it is none or NO_COLOR is set."""
    made = _Console(file=file or sys.stdout, highlight=False, markup=False, emoji=False)
    made.width = max(_NARROWEST, min(made.width, _WIDEST))
    return made


# What a traceback calls an exception of the grader's, whose words say it all.
_OURS = re.compile(r"\bgrader(\.\w+)*\.errors\.\w+: ")

# What a finding's run looks like, line by line; none where there is nothing to draw.
Draw = Callable[[Finding], Sequence[str]]


class Reporter:
    """Prints to one console."""

    def __init__(self, to: Console) -> None:
        self._console = to
        self._after_gap = True
        plain = not to.encoding.lower().startswith("utf")
        self._marks = (
            {
                CheckOutcome.PASSED: "ok",
                CheckOutcome.FAILED: "no",
                CheckOutcome.NOT_RUN: "--",
                CheckOutcome.GRADER_ERROR: "!!",
            }
            if plain
            else {
                CheckOutcome.PASSED: "✓",
                CheckOutcome.FAILED: "✗",
                CheckOutcome.NOT_RUN: "·",
                CheckOutcome.GRADER_ERROR: "!",
            }
        )

    def gap(self) -> None:
        """One empty line, and not two."""
        if not self._after_gap:
            self._console.print()
            self._after_gap = True

    def line(self, text: str, style: str = "", indent: int = 0) -> None:
        """One paragraph, wrapped."""
        self._print(Text(visible(text), style), Text(" " * indent))

    def _print(self, body: Text, before: Text) -> None:
        """`body`, wrapped, with its lines under each other behind `before`."""
        self._after_gap = False
        room = max(self._console.width - before.cell_len, 20)
        for line in body.wrap(self._console, room):
            line.rstrip()
            together = before + line
            together.rstrip()
            self._console.print(together, soft_wrap=True)
            before = Text(" " * before.cell_len)

    @property
    def _is_wide(self) -> bool:
        return self._console.width >= 60

    def _events(self, lines: Iterable[str], indent: int) -> None:
        """Lines of a timeline: what does not fit goes on below, behind its columns."""
        # Those of the time and of the process; in a narrow console the first alone.
        columns = 27 if self._is_wide else 12
        for line in map(visible, lines):
            before = Text(" " * indent + line[:columns], "dim")
            self._print(Text(line[columns:], "dim"), before)

    def _story(self, lines: Iterable[str], indent: int) -> None:
        """Lines that belong under each other: cut rather than wrapped."""
        self._after_gap = False
        for line in lines:
            text = Text(" " * indent + visible(line), "dim")
            text.truncate(self._console.width, overflow="ellipsis")
            self._console.print(text, soft_wrap=True)

    # a verdict

    def verdict(
        self,
        verdict: Verdict,
        exercise: Exercise,
        *,
        whole: bool,
        draw: Draw | None = None,
    ) -> None:
        """All of a verdict. `whole`: stories are printed without being cut.

        `draw` says what stands in the place of a story, if anything does.
        """
        mistaken = told_in(verdict.trouble)
        verdict = for_students(verdict)
        title = Text(f"{exercise.name}: {exercise.title}", "bold")
        self._print(Text(one_line(verdict.submission)), title + "   ")
        self.gap()
        for finding in verdict.findings:
            self._finding(finding, set(), 2)
            self.gap()
        told: set[str] = set()
        before = Told()
        for check in verdict.checks:
            self._check(verdict, check, told, before, whole, draw)
        self.gap()
        if verdict.outcome is Outcome.GRADER_ERROR:
            self.line(
                "A check has a mistake itself, so this is no score. Tell its author: "
                "`grade check-course` shows it."
                if mistaken
                else "The grader could not do its work, so this is no score. "
                "`grade doctor` says what this machine lacks.",
                "bold magenta",
            )
            return
        style = "green" if verdict.outcome is Outcome.FULL else "yellow"
        self.line(f"Score: {verdict.score} of {verdict.max_score}", f"bold {style}")

    def _check(
        self,
        verdict: Verdict,
        check: CheckResult,
        told: set[str],
        before: Told,
        whole: bool,
        draw: Draw | None,
    ) -> None:
        mark = self._marks[check.outcome]
        head = Text.assemble(
            "  ",
            (mark, f"bold {_STYLE[check.outcome]}"),
            (f"  {check.earned} / {check.points}  ", "dim"),
        )
        hidden = " (hidden)" if check.hidden else ""
        self._print(Text(visible(check.title) + hidden), head)
        if check.error:
            self.line(check.error.strip(), "magenta", 6)
        if verdict.findings:
            return
        if before.repeats(check) and not whole:
            for finding in check.findings:
                self.line(f"{finding.id}: as above, in another run.", indent=6)
            return
        for finding in check.findings:
            self._finding(finding, told, 6)
        for finding in (f for f in check.findings if f.timeline):
            self.steps(finding.steps, 6)
            self.line(f"What the processes did{_circumstances(finding)}:", indent=6)
            if drawn := draw and draw(finding):
                self._story(drawn, 0)
            else:
                self._told_story(finding.timeline, whole=whole)
            again = see_again(verdict, check, finding, file=True)
            if again:
                self.line(f"To see it again: {with_course(again)}", indent=6)
        if check.timeline:
            self.line("It holds. What the processes did:", indent=6)
            self._told_story(check.timeline, whole=whole)
        if check.findings or check.timeline:
            self.gap()

    def _told_story(self, timeline: Sequence[str], *, whole: bool) -> None:
        """A run, line by line. `whole`: nothing is left out."""
        lines = timeline if whole else _shortened(timeline)
        self._events(lines, 6 if self._is_wide else 0)

    def _finding(self, finding: Finding, told: set[str], indent: int) -> None:
        line = in_line(finding)
        stop = "" if finding.message.endswith((".", "?", "!")) else "."
        head = Text.assemble(
            (finding.id, "bold red"), f"{line}: {visible(finding.message)}{stop}"
        )
        self._print(head, Text(" " * indent))
        again = finding.id in told
        if finding.why and not again:
            self.line(f"Why: {finding.why}", indent=indent)
        self._cure(finding, told, indent)
        if again:
            return
        told.add(finding.id)
        if finding.read:
            more = f"; `{_explain(finding)}`"
            self.line(f"Read: {', '.join(finding.read)}{more}", "cyan", indent)

    def _cure(self, finding: Finding, told: set[str], indent: int) -> None:
        """What to do about it, once."""
        cure = finding.cure
        if not cure and finding.id in all_ids():
            cure = text(finding.id).cure.partition("\n\n")[0]
        known_by = f"{finding.id}: {cure}"
        if cure and known_by not in told:
            told.add(known_by)
            self.line(f"Do: {cure.rstrip(':')}", indent=indent)

    def next_step(self, verdict: Verdict, following: str | None) -> None:
        """What to do now."""
        if verdict.outcome is Outcome.GRADER_ERROR:
            return
        if verdict.outcome is Outcome.FULL:
            command = with_course(f"grade {following}")
            more = f" Next: `{command}`." if following else ""
            self.line(f"Nothing is left to do here.{more}")
            return
        findings = verdict.all_findings
        first = f"`{_explain(findings[0])}`, or " if findings else ""
        hint = with_course(f"grade hint {verdict.exercise}")
        self.line(f"Next: {first}`{hint}`.")

    # several verdicts

    def summary(self, verdicts: Sequence[Verdict]) -> None:
        """One line an exercise, and the sum."""
        for verdict in verdicts:
            score = f"{verdict.score} / {verdict.max_score}"
            self._print(
                Text(", ".join(dict.fromkeys(f.id for f in verdict.all_findings))),
                Text(f"{verdict.exercise:<11} {score:>8}  "),
            )
        total = sum(v.score for v in verdicts)
        most = sum(v.max_score for v in verdicts)
        self.line(f"Sum: {total} of {most}", "bold")

    # a course

    def course(
        self, verdicts: Sequence[Verdict], *, graded: int, unchanged: int, where: str
    ) -> None:
        """How many did each exercise, and what went wrong most."""
        by_exercise: dict[str, list[Verdict]] = {}
        for verdict in verdicts:
            by_exercise.setdefault(verdict.exercise, []).append(verdict)
        for exercise, those in by_exercise.items():
            full = sum(v.outcome is Outcome.FULL for v in those)
            mean = sum(v.score for v in those) / len(those)
            said = Counter(
                identity
                for verdict in those
                for identity in dict.fromkeys(f.id for f in verdict.all_findings)
            )
            self._print(
                Text(
                    f"{full} of {len(those)} have full marks; "
                    f"{mean:.1f} of {those[0].max_score} points on average"
                ),
                Text(f"{exercise:<11} ", "bold"),
            )
            if said:
                most = ", ".join(f"{name} ({n})" for name, n in said.most_common(4))
                self.line(f"most often: {most}", "dim", 12)
        self.line(
            f"Graded {graded}, unchanged {unchanged}; the verdicts are in {where}.",
            "bold",
        )

    def failure(self, student: str, verdict: Verdict) -> None:
        """What the grader itself could not do."""
        last = (verdict.trouble.strip() or "no reason").splitlines()[-1]
        last = _OURS.sub("", last)
        # No log is to take a student's name for a command, so no line begins with one.
        self.line(
            f"The grader could not do its work on {verdict.exercise} of "
            f"{one_line(student)}: {last}",
            "magenta",
        )

    # everything else

    def exercises(self, exercises: Iterable[Exercise]) -> None:
        """The list of exercises."""
        for exercise in exercises:
            before = Text.assemble((f"{exercise.name:<11} ", "bold"))
            self._print(Text(f"{exercise.title}. {exercise.summary}"), before)
            usage = f"{exercise.program} {exercise.arguments}".strip()
            self.line(f"{usage}: {', '.join(exercise.teaches)}", "dim", 12)
            names = [check.id for check in exercise.checks if not check.hidden]
            self.line(f"--check {', '.join(names)}", "dim", 12)

    def explanation(self, text: DiagnosisText) -> None:
        """One diagnosis, explained."""
        self.line(f"{text.id}: {text.title}", "bold")
        for heading, body in (
            ("What it means", text.meaning),
            ("Why it is wrong", text.why),
            ("What to do", text.cure),
            ("Read", "\n".join(text.read)),
        ):
            self.gap()
            self.line(heading, "bold cyan")
            self.line(body, indent=2)

    def findings(self, findings: Sequence[Finding]) -> None:
        """Findings that belong to no check."""
        told: set[str] = set()
        for finding in findings:
            self._finding(finding, told, 0)
            self.gap()

    def steps(self, steps: Sequence[str], indent: int = 0) -> None:
        """How it came about, a numbered sentence a step."""
        if steps:
            self.line("How it came about:", indent=indent)
        for step in steps:
            number, _, text = step.partition(" ")
            self._print(Text(visible(text)), Text(f"{'':{indent}}{number:>3} "))

    def story(self, lines: Sequence[str]) -> None:
        """A run's story, line by line."""
        self._events(lines, 0)

    def drawing(self, lines: Sequence[str]) -> None:
        """A picture of a run, which was made as wide as the console."""
        self._story(lines, 0)

    def probe(self, ok: bool | None, what: str, cure: str) -> None:
        """One line of `grade doctor`."""
        outcome = {
            True: CheckOutcome.PASSED,
            False: CheckOutcome.FAILED,
            None: CheckOutcome.NOT_RUN,
        }[ok]
        mark = Text(f"{self._marks[outcome]} ", f"bold {_STYLE[outcome]}")
        self._print(Text(visible(what)), mark)
        if cure:
            self.line(cure, indent=4)


def _explain(finding: Finding) -> str:
    """The command that explains a finding's diagnosis."""
    command = f"grade explain {finding.id}"
    return command if finding.id in own_ids() else with_course(command)


def _shortened(lines: Sequence[str], most: int = 16) -> list[str]:
    """A story's beginning and end; the end is where it went wrong."""
    if len(lines) <= most:
        return list(lines)
    head, tail = most // 3, most - most // 3 - 1
    left = len(lines) - head - tail
    return [
        *lines[:head],
        f"{'':12}... {left} more lines; --verbose shows all",
        *lines[-tail:],
    ]


def _circumstances(finding: Finding) -> str:
    """How the program was started in the run that is told, and what was its timing."""
    how = f" in `{visible(finding.command)}`" if finding.command else ""
    return how + (f" where {visible(finding.order)}" if finding.order else "")
