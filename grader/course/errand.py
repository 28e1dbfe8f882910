"""What travels to a cluster: one function, by its value.

Neither scheduler nor worker needs forklab to receive it. So it can say what is missing
where there is none, or another version; and it uses nothing but what it imports itself.
"""

from __future__ import annotations

# A kind of answer, its text, and the worker's address.
Answer = tuple[str, str, str]

VERDICT, UNKNOWN, REFUSED, GONE = "verdict", "unknown", "refused", "gone"


def run(version: str, python: str, order: bytes) -> Answer:
    """Carry out an order on this worker, if it has these versions of both.

    The text of its answer is the verdict's JSON; nothing, where the exercise is not
    known here and has to be sent; why the worker is of no use; or what became of the
    process that graded.
    """
    from platform import python_version

    from distributed import get_worker

    worker = get_worker()
    where = worker.address
    try:
        from grader import __version__ as here
    except ImportError:
        return REFUSED, f"{where} has no forklab, and needs {version}", where
    if here != version:
        return REFUSED, f"{where} has forklab {here}, and needs {version}", where
    if python_version() != python:
        why = f"{where} has Python {python_version()}, and needs {python}"
        return REFUSED, why, where

    try:
        from grader.course.outpost import carry_out

        kind, text = carry_out(order, worker.local_directory)
    except Exception as error:
        # Not raised: a client waits for ever for some errors that it cannot read.
        kind, text = GONE, f"the grader failed: {type(error).__name__}: {error}"
    return kind, text, where


# Nobody finds it by this name. So it is sent itself, not its name; also from a
# scheduler that has forklab to a worker that has none.
run.__module__ = "__main__"
