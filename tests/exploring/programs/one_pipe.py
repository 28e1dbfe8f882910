"""Right: the parent reads what the child writes, and then waits for it."""

import os

read_end, write_end = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(read_end)
    os.write(write_end, b"hello")
    os._exit(0)
os.close(write_end)
while os.read(read_end, 100):
    pass
os.close(read_end)
os.waitpid(pid, 0)
