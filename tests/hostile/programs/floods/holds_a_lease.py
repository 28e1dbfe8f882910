# promise: a lease on a file has nobody wait for the program
# points: forks-one-child, both-end-with-0, parent-waits-for-its-child
import fcntl
import os
import signal

signal.signal(signal.SIGIO, signal.SIG_IGN)
with open("script", "w") as file:
    file.write("#!/bin/true\n")
os.chmod("script", 0o700)
for name, how in (("script", os.O_RDONLY), ("@HOME@/secret", 3)):
    try:
        fd = os.open(name, how)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        print("LOOT", name)
    except OSError:
        continue
pid = os.fork()
if pid == 0:
    os.closerange(3, 10)
    os.execv("script", ["script"])
print(os.waitpid(pid, 0)[1])
