# promise: what cannot be read is not executed either, nor by an interpreter's name
# points: parent-waits-for-its-child
import ctypes
import os
import subprocess

libc = ctypes.CDLL(None)
SCRIPT = "@HOME@/secret.sh"
with open("own.sh", "w") as file:
    file.write(f"#!{SCRIPT}\n")
os.chmod("own.sh", 0o700)
os.symlink(SCRIPT, "link.sh")
fd = os.open(SCRIPT, os.O_PATH)
NOTHING = ctypes.POINTER(ctypes.c_char_p)()


def executed(*arguments):
    pid = os.fork()
    if pid == 0:
        libc.syscall(*arguments)
        os._exit(0)
    os.waitpid(pid, 0)


for path in (SCRIPT, "own.sh", "link.sh", f"/proc/self/fd/{fd}"):
    executed(59, path.encode(), NOTHING, NOTHING)
executed(322, fd, b"", NOTHING, NOTHING, 0x1000)
executed(322, -100, SCRIPT.encode(), NOTHING, NOTHING, 0)
for words in (["sh", SCRIPT], ["sh", "-c", f". {SCRIPT}"], ["cat", SCRIPT]):
    subprocess.run(words, stderr=subprocess.DEVNULL)
