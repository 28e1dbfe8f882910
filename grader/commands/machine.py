"""``grade doctor``."""

from __future__ import annotations

import argparse

from grader.usage import FULL, GRADER_FAILED


def doctor(_: argparse.Namespace) -> int:
    """Say what this machine allows; the exit status."""
    from grader.doctor import examine
    from grader.report.terminal import Reporter, console

    reporter = Reporter(console())
    well = True
    for probe in examine():
        reporter.probe(probe.ok, probe.what, probe.cure)
        well = well and probe.ok is not False
    reporter.gap()
    if well:
        reporter.line("This machine can grade.", "bold green")
        return FULL
    reporter.line("This machine cannot grade yet.", "bold red")
    return GRADER_FAILED
