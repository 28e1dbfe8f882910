# promise: the process that a submission was forked from gets no signal
# expect: forbidden-call
import os
import signal

for number in (0, signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP, signal.SIGINT):
    try:
        os.kill(os.getppid(), number)
        print("LOOT", number)
    except PermissionError:
        pass
