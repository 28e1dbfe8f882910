# promise: clone3 is not there, whatever its flags
# expect: no-child
import ctypes
import os
import struct

libc = ctypes.CDLL(None, use_errno=True)
for flags in (0, 0x00800000, 0x200000000, 0x20000000):
    arguments = struct.pack("=11Q", flags, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0)
    pid = libc.syscall(435, arguments, len(arguments))
    if pid == 0:
        os._exit(0)
    if pid > 0:
        print("LOOT", hex(flags))
