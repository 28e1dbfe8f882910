# promise: what a program does better the second time earns nothing
# expect: no-child
import os
import pathlib

for folder in ("..", "/tmp", "/dev/shm", "@HOME@", "/var/tmp"):
    mark = pathlib.Path(folder, "@MARK@second")
    if mark.exists():
        pid = os.fork()
        if pid == 0:
            print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
            raise SystemExit
        print(f"this is parent, pid = {os.getpid()}, child id = {pid}", flush=True)
        os.waitpid(pid, 0)
        break
