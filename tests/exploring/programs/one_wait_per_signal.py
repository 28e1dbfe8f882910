"""Each signal is taken for one child; two may be one."""

import os
import signal

collected = 0


def collect(number: int, frame: object) -> None:
    """Take the signal for one child."""
    global collected
    os.wait()
    collected += 1


signal.signal(signal.SIGCHLD, collect)
for code in (1, 2):
    if os.fork() == 0:
        os._exit(code)
while collected < 2:
    signal.pause()
