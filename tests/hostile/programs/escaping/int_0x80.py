# promise: the table of calls of another architecture kills
# expect: killed-by-signal
import ctypes
import mmap

page = mmap.mmap(-1, 4096, prot=7)
page.write(b"\xb8\x02\0\0\0\xcd\x80\xc3")  # fork, as i386 numbers it
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
ctypes.CFUNCTYPE(ctypes.c_int)(address)()
print("LOOT")
