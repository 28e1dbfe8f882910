# promise: nothing is left in /dev/shm
import _posixshmem
import os

try:
    file = _posixshmem.shm_open("/@MARK@memory", os.O_CREAT | os.O_RDWR, mode=0o600)
    os.ftruncate(file, 4096)
except OSError:
    pass
