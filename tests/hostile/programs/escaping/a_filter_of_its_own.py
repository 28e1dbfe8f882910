# promise: no filter of a submission's own comes before the grader's
# expect: forbidden-call
import ctypes
import struct

libc = ctypes.CDLL(None, use_errno=True)
allow = struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000)
room = ctypes.create_string_buffer(allow)
program = struct.pack("=HxxxxxxQ", 1, ctypes.addressof(room))
libc.prctl(38, 1, 0, 0, 0)
if libc.prctl(22, 2, program, 0, 0) == 0:
    print("LOOT prctl")
if libc.syscall(317, 1, 0, program) == 0:
    print("LOOT seccomp")
