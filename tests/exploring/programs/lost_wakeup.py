"""The signal may come between the look at `told` and the pause."""

import os
import signal

told = False


def hear(number: int, frame: object) -> None:
    """Note the signal."""
    global told
    told = True


signal.signal(signal.SIGUSR1, hear)
parent = os.getpid()
pid = os.fork()
if pid == 0:
    os.kill(parent, signal.SIGUSR1)
    os._exit(0)
if not told:
    signal.pause()
os.waitpid(pid, 0)
