# promise: keys of the terminal reach nobody but the program
import fcntl
import os
import signal
import termios

signal.signal(signal.SIGTTOU, signal.SIG_IGN)
try:
    os.tcsetpgrp(0, os.getpgid(os.getppid()))
    print("LOOT the terminal is the zygote's")
except OSError:
    pass
for key in (b"\x03", b"\x1a", b"\x1c"):
    try:
        fcntl.ioctl(0, termios.TIOCSTI, key)
    except OSError:
        pass
