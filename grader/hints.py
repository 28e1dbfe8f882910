"""Hints, one more each time: which were shown is kept in the user's state folder."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from grader.catalog import Exercise, own_course
from grader.errors import GraderError
from grader.files import write_whole


@dataclass(frozen=True, slots=True)
class Hint:
    """The hint `number` of `count`; `kept`: the next call will give another one."""

    text: str
    number: int
    count: int
    kept: bool = True


def state_file() -> Path:
    """Where the count of shown hints lies, as the XDG base directories say."""
    base = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(base) if os.path.isabs(base) else Path.home() / ".local" / "state"
    return folder / "forklab" / "hints.json"


def next_hint(exercise: Exercise, *, again: bool = False) -> Hint | None:
    """One more hint than the last time; the last one again when all were shown.

    `again` begins anew. None where the exercise has no hints. A state that cannot be
    read or kept costs no hint: it begins anew.
    """
    if not exercise.hints:
        return None
    path = state_file()
    shown = _read(path)
    # Another course has an exercise of that name, too.
    own = exercise.folder.parent == own_course().exercises
    key = exercise.name if own else str(exercise.folder.resolve())
    number = 1 if again else min(shown.get(key, 0) + 1, len(exercise.hints))
    shown[key] = number
    kept = False
    with contextlib.suppress(OSError, GraderError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(shown))
        kept = True
    return Hint(exercise.hints[number - 1], number, len(exercise.hints), kept)


def _read(path: Path) -> dict[str, int]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(data, dict):
        return {}
    return {k: v for k, v in data.items() if isinstance(v, int) and v >= 0}
