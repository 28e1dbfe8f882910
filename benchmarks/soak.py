"""Grade the same files again and again on a busy machine, and compare the verdicts.

``python -m benchmarks.soak`` takes an hour on two cores; `--right` and `--wrong` say
how often each file is graded.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.timing import SOLUTIONS, grade_command, load, run

_BUSY = 4
_AT_ONCE = 6

# What is compared between two gradings: outcome and findings of each check.
Essence = tuple[str, tuple[tuple[str, str, tuple[str, ...]], ...]]


def _graded(file: Path) -> Essence:
    exercise = file.relative_to(SOLUTIONS).parts[0]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "verdict.json")
        ran = run(grade_command(exercise, file, "--json", str(target)))
        if not target.exists():
            return (f"exit status {ran.returncode}: {ran.stderr.decode()}", ())
        verdict = json.loads(target.read_text())
    checks = tuple(
        (c["id"], c["outcome"], tuple(f["id"] for f in c["findings"]))
        for c in verdict["checks"]
    )
    return verdict["outcome"], checks


def _soak(files: Sequence[Path], times: int) -> dict[Path, Counter[Essence]]:
    found: dict[Path, Counter[Essence]] = defaultdict(Counter)
    # File by file in each round, so that the same file is graded at different times.
    todo = [file for _ in range(times) for file in files]
    with load(_BUSY), ThreadPoolExecutor(_AT_ONCE) as pool:
        for place, essence in enumerate(pool.map(_graded, todo), start=1):
            found[todo[place - 1]][essence] += 1
            if place % len(files) == 0:
                steady = sum(len(seen) == 1 for seen in found.values())
                print(
                    f"round {place // len(files)} of {times}: "
                    f"{steady} of {len(files)} files always the same",
                    flush=True,
                )
    return found


def _report(what: str, found: dict[Path, Counter[Essence]], began: float) -> int:
    total = sum(sum(seen.values()) for seen in found.values())
    unsteady = {file: seen for file, seen in found.items() if len(seen) > 1}
    seconds = time.monotonic() - began
    print(
        f"{what}: {len(found)} files, {total} gradings in {seconds:.0f} s "
        f"beside {_BUSY} busy processes; {len(unsteady)} files with changing verdicts"
    )
    for file, seen in unsteady.items():
        print(f"  {file.relative_to(SOLUTIONS)}")
        for essence, count in seen.most_common():
            print(f"    {count} x {essence}")
    return len(unsteady)


def main() -> int:
    """Print what was found; 1 where a verdict was not always the same, or not full."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--right", type=int, default=200, metavar="TIMES")
    parser.add_argument("--wrong", type=int, default=20, metavar="TIMES")
    options = parser.parse_args()

    began = time.monotonic()
    references = sorted(SOLUTIONS.glob("exercise*/exercise*.py"))
    right = _soak(references, options.right)
    bad = _report("references", right, began)
    for file, seen in right.items():
        for essence, count in seen.items():
            if essence[0] != "full":
                print(f"  {file.name} did not get full marks {count} times")
                bad += 1

    began = time.monotonic()
    wrong = _soak(sorted(SOLUTIONS.glob("*/wrong/*.py")), options.wrong)
    bad += _report("wrong answers", wrong, began)
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())
