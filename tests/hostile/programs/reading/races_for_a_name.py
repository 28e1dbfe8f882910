# promise: a thread that changes a name at the wrong moment gains nothing
import ctypes
import os
import threading

libc = ctypes.CDLL(None)
SECRET = b"@HOME@/secret"
OWN = b"/proc/self/cwd/" + b"/" * (len(SECRET) - 18) + b"own"
assert len(OWN) == len(SECRET)
with open("own", "w") as file:
    file.write("own")
name = ctypes.create_string_buffer(OWN)
over = False


class Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


def changes():
    """After sleeps that end by themselves, and that are in no table."""
    context = ctypes.c_ulong(0)
    libc.syscall(206, 1, ctypes.byref(context))  # io_setup
    event = ctypes.create_string_buffer(64)
    while not over:
        short = Timespec(0, 20_000)
        libc.syscall(208, context, 1, 1, event, ctypes.byref(short))  # io_getevents
        for _ in range(20):
            ctypes.memmove(name, SECRET, len(SECRET))
            ctypes.memmove(name, OWN, len(OWN))


threads = [threading.Thread(target=changes, daemon=True) for _ in range(2)]
for thread in threads:
    thread.start()
for _ in range(60):
    os.sched_yield()
    fd = libc.open(name, os.O_RDONLY)
    if fd != -1:
        text = os.pread(fd, 60, 0)
        if text != b"own":
            print("LOOT", text)
        os.close(fd)
    libc.truncate(name, 3)
    libc.chmod(name, 0o644)
over = True
