# promise: /proc/PID/root and cwd of others are no way around
import os

tracer = int(open("/proc/self/status").read().split("TracerPid:")[1].split()[0])
for pid in (os.getppid(), tracer, int("@BYSTANDER@"), "self", "thread-self"):
    for link in ("root@COURSE@", "root@HOME@", "cwd/tests"):
        try:
            names = os.listdir(f"/proc/{pid}/{link}")
        except OSError:
            continue
        print("LOOT", pid, link, names[:3])
