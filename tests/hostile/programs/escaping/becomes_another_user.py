# promise: a program that becomes another user is seen all the same
# points: forks-one-child, both-end-with-0, parent-waits-for-its-child
import os

try:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
except PermissionError:
    pass
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.write(w, b"x")
    os._exit(0)
os.read(r, 1)
os.waitpid(pid, 0)
print(os.getuid())
