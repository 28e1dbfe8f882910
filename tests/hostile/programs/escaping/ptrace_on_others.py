# promise: nobody is traced by a submission, and no memory of others written
# expect: forbidden-call
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
tracer = int(open("/proc/self/status").read().split("TracerPid:")[1].split()[0])
room = ctypes.create_string_buffer(16)
part = (ctypes.c_ulong * 2)(ctypes.addressof(room), 16)
for pid in (os.getppid(), tracer, int("@BYSTANDER@")):
    for request in (16, 0x4206):
        if libc.ptrace(request, pid, 0, 0) >= 0:
            print("LOOT", request)
    for call in (310, 311):
        if libc.syscall(call, pid, part, 1, part, 1, 0) >= 0:
            print("LOOT", call)
