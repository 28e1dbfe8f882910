"""Runs a program under ptrace(2) and records what it really did.

    with trace(["exercise4.py", "5"], schedule=child_first) as program:
        program.until_rest()
        program.send(SIGTERM)
        recording = program.finish()
    recording.root.children[0].reaped_by, .exit_code, .signals, .pipes, .output

Knows nothing of exercises, checks or points.
"""

from grader.tracing.errors import TracingError, TracingRefused

TYPE_CHECKING = False  # typing itself is too large to import here
if TYPE_CHECKING:
    from grader.tracing.launch import Zygote
    from grader.tracing.limits import Limits
    from grader.tracing.program import Program, run, trace
    from grader.tracing.recording import Recording
    from grader.tracing.schedule import (
        SCHEDULES,
        Schedule,
        child_first,
        hold_children,
        hold_children_then_parent,
        hold_parent_after,
        hold_parent_until_children_end,
        pairs,
        parent_first,
        seeded,
        take_turns,
    )

# The zygote imports this package too, and must stay small: what only the tracer's
# side needs is loaded on first use.
_LAZY = {
    "Limits": "grader.tracing.limits",
    "Program": "grader.tracing.program",
    "trace": "grader.tracing.program",
    "run": "grader.tracing.program",
    "Zygote": "grader.tracing.launch",
    "Recording": "grader.tracing.recording",
    "SCHEDULES": "grader.tracing.schedule",
    "Schedule": "grader.tracing.schedule",
    "take_turns": "grader.tracing.schedule",
    "parent_first": "grader.tracing.schedule",
    "child_first": "grader.tracing.schedule",
    "hold_children": "grader.tracing.schedule",
    "hold_children_then_parent": "grader.tracing.schedule",
    "hold_parent_after": "grader.tracing.schedule",
    "hold_parent_until_children_end": "grader.tracing.schedule",
    "pairs": "grader.tracing.schedule",
    "seeded": "grader.tracing.schedule",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_LAZY[name]), name)


__all__ = [
    "SCHEDULES",
    "Limits",
    "Program",
    "Recording",
    "Schedule",
    "TracingError",
    "TracingRefused",
    "Zygote",
    "child_first",
    "hold_children",
    "hold_children_then_parent",
    "hold_parent_after",
    "hold_parent_until_children_end",
    "pairs",
    "parent_first",
    "run",
    "seeded",
    "take_turns",
    "trace",
]
