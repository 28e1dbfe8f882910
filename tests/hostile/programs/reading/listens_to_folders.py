# promise: what others use of their files is not told
import ctypes
import os

libc = ctypes.CDLL(None)
events = libc.inotify_init1(os.O_NONBLOCK)
for path in ("@COURSE@", "@COURSE@/hidden", "@COURSE@/hidden/exercise1", "@HOME@", "/tmp"):
    if libc.inotify_add_watch(events, path.encode(), 0xFFF) != -1:
        print("LOOT", path)
os.mkdir("own")
print(libc.inotify_add_watch(events, b"own", 0xFFF))
