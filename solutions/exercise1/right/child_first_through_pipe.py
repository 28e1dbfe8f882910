# A pipe puts the lines in order: the parent prints when the child has printed.
import os
import sys

reader, writer = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(reader)
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}", flush=True)
    os.write(writer, b"x")
    sys.exit(0)

os.close(writer)
os.read(reader, 1)
os.close(reader)
print(f"this is parent, pid = {os.getpid()}, child id = {pid}", flush=True)
os.waitpid(pid, 0)
