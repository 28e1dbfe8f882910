# promise: files and processes with odd names harm no report
# points: forks-one-child, both-end-with-0, parent-waits-for-its-child
import ctypes
import os

libc = ctypes.CDLL(None)
libc.prctl(15, b"\xff) Z 1 \x1b[2J\n", 0, 0, 0)
for name in (b"\xff\xfe", b"a\nb", b"\x1b[2J", b"::error::", "\u202e".encode(), b"-rf"):
    open(name, "w").close()
pid = os.fork()
if pid == 0:
    libc.prctl(15, b"\xc3(", 0, 0, 0)
    os.execv("/bin/sh", [b"\xff\x1b[2J", "-c", "exit 3 # \udcff"])
os.waitpid(pid, 0)
open(b"\xff\x1b[31m", "w").close()
raise ValueError(os.listdir(b"."))
