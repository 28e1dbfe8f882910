# promise: the groups of the grader's processes get no signal
# expect: forbidden-call
import os
import signal

tracer = int(open("/proc/self/status").read().split("TracerPid:")[1].split()[0])
for pid in (os.getppid(), tracer, int("@BYSTANDER@")):
    try:
        os.killpg(os.getpgid(pid), signal.SIGKILL)
        print("LOOT", pid)
    except PermissionError:
        pass
