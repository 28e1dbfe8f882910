# promise: the tracer gets no signal
# expect: forbidden-call
import os
import signal

tracer = int(open("/proc/self/status").read().split("TracerPid:")[1].split()[0])
for pid in (tracer, int("@BYSTANDER@")):
    for number in (signal.SIGKILL, signal.SIGSTOP):
        try:
            os.kill(pid, number)
            print("LOOT", pid)
        except PermissionError:
            pass
