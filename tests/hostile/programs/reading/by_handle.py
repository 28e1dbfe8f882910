# promise: files cannot be opened by their handles
import ctypes

libc = ctypes.CDLL(None, use_errno=True)


class Handle(ctypes.Structure):
    _fields_ = (
        ("size", ctypes.c_uint),
        ("kind", ctypes.c_int),
        ("data", ctypes.c_ubyte * 128),
    )


handle, mount = Handle(size=128), ctypes.c_int()
found = libc.name_to_handle_at(-100, b"/", ctypes.byref(handle), ctypes.byref(mount), 0)
root = libc.open("/".encode(), 0o200000)
handle.size = 8
handle.kind = 1
if libc.open_by_handle_at(root, ctypes.byref(handle), 0) >= 0:
    print("LOOT")
