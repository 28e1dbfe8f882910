"""What can go wrong with tracing itself, as opposed to the traced program.

TracingError            the tracer could not do its work
  TracingRefused        this machine does not permit it
"""

# How a sentence ends that says what a machine does not permit.
SEE_DOCTOR = "; run `grade doctor` for the cure"


class TracingError(Exception):
    """The tracer could not do its work."""


class TracingRefused(TracingError):
    """ptrace(2) or seccomp(2) is refused here: nothing can be observed."""
