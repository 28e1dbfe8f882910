# promise: no descriptor of the grader's can be opened through /proc
# expect: no-child
import json
import os

line = json.dumps({"id": "forks-one-child", "outcome": "passed", "earned": 2})
tracer = int(open("/proc/self/status").read().split("TracerPid:")[1].split()[0])
for pid in (os.getppid(), tracer, int("@BYSTANDER@")):
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        continue
    for name in names:
        path = f"/proc/{pid}/fd/{name}"
        try:
            target = os.readlink(path)
            if target.startswith(("socket:", "pipe:", "/memfd:")):
                with open(os.open(path, os.O_WRONLY | os.O_NONBLOCK), "w") as file:
                    file.write(line + "\n")
                print("LOOT", pid, target)
        except OSError:
            pass
