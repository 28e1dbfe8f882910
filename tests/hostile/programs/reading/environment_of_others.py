# promise: the environment of the grader's processes cannot be read
import os

tracer = int(open("/proc/self/status").read().split("TracerPid:")[1].split()[0])
for pid in (os.getppid(), tracer, int("@BYSTANDER@")):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            if b"FORKLAB_SECRET=" in file.read():
                print("LOOT", pid)
    except OSError:
        pass
