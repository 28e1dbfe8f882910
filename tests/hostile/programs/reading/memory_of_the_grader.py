# promise: the memory of the grader's processes cannot be read
import os

tracer = int(open("/proc/self/status").read().split("TracerPid:")[1].split()[0])
for pid in (os.getppid(), tracer, int("@BYSTANDER@")):
    for name in ("mem", "maps", "auxv", "stack", "syscall"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                if name == "mem":
                    print("LOOT opened", pid)
                elif file.read(64):
                    print("LOOT", name, pid)
        except OSError:
            pass
