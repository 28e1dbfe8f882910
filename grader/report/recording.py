"""A recording as JSON, for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from grader.diagnosis.deadlock import graph_json
from grader.tracing.recording import Excess, Process, Recording, Rest
from grader.verdict import Finding, finding_json

SCHEMA = 1


def recording_json(
    run: Recording, findings: Sequence[Finding], steps: Sequence[str] = ()
) -> dict[str, Any]:
    """A run as documented in docs/recording.md: only what JSON has types for."""
    return {
        "schema": SCHEMA,
        "program": list(run.root.argv),
        "schedule": run.schedule,
        "duration": run.duration,
        "exceeded": run.exceeded.value if run.exceeded else None,
        "excess": _excess(run.excess) if run.excess else None,
        "stopped": run.stopped,
        "stuck": _rest(run.stuck) if run.stuck else None,
        "waits_for": graph_json(run),
        "processes": [_process(process) for process in run.processes],
        "events": [
            {"event": type(event).__name__, **_plain(event)} for event in run.events
        ],
        "steps": list(steps),
        "findings": [finding_json(finding) for finding in findings],
    }


def _excess(excess: Excess) -> dict[str, Any]:
    told = excess._asdict()
    del told["limit"]
    return told


def _process(process: Process) -> dict[str, Any]:
    return {
        "pid": process.pid,
        "parent": process.parent.pid if process.parent else None,
        "argv": list(process.argv),
        "exit_code": process.exit_code,
        "killed_by": process.killed_by,
        "reaped_by": process.reaped_by,
        "orphaned": process.orphaned is not None,
        "output": _text(process.output),
        "errors": _text(process.errors),
    }


def _rest(rest: Rest) -> dict[str, Any]:
    return {
        "time": rest.time,
        "processes": [
            {
                "pid": snapshot.pid,
                "state": snapshot.state,
                "waiting": _plain(snapshot.waiting) if snapshot.waiting else None,
                "waits": [_plain(waiting) for waiting in snapshot.waits],
                "descriptors": {
                    str(fd): _value(target)
                    for fd, target in sorted(snapshot.descriptors.items())
                },
            }
            for snapshot in rest.processes
        ],
    }


def _plain(thing: Any) -> dict[str, Any]:
    return {field.name: _value(getattr(thing, field.name)) for field in fields(thing)}


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, tuple):
        return [_value(one) for one in value]
    if is_dataclass(value):
        return _plain(value)
    return value


def _text(data: bytes) -> str:
    """Bytes as text; bytes that are not UTF-8 are written out as Python would."""
    return data.decode(errors="backslashreplace")
