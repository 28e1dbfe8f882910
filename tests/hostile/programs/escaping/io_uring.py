# promise: nothing is read or written past the tracer: io_uring
# expect: forbidden-call
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
room = ctypes.create_string_buffer(256)
for call in (425, 426, 427):
    if libc.syscall(call, 8, room, 0, 0, 0, 0) >= 0:
        print("LOOT", call)
