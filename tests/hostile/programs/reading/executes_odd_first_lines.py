# promise: a script's first line is read as the kernel reads it
# points: both-end-with-0, parent-waits-for-its-child
import ctypes
import os
import shutil

libc = ctypes.CDLL(None)
NOTHING = ctypes.POINTER(ctypes.c_char_p)()
shutil.copy("/bin/true", "x")
for odd in ("\v", "\f", "\r", "\x1c"):
    os.symlink("/", f"x{odd}")
    with open("script", "w", newline="") as file:
        file.write(f"#!x{odd}@HOME@/says.sh\n")
    os.chmod("script", 0o700)
    pid = os.fork()
    if pid == 0:
        libc.syscall(59, b"script", NOTHING, NOTHING)
        os._exit(0)
    os.waitpid(pid, 0)
