# promise: nothing of the grader's environment reaches a submission
import ctypes
import os

libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p
known = {"PATH", "LANG", "TERM", "HOME", "PYTHONHASHSEED", "TMPDIR", "LC_CTYPE"}
if set(os.environ) - known:
    print("LOOT", set(os.environ) - known)
if libc.getenv(b"FORKLAB_SECRET"):
    print("LOOT getenv")
with open("/proc/self/environ", "rb") as file:
    if b"FORKLAB_SECRET" in file.read():
        print("LOOT environ")
