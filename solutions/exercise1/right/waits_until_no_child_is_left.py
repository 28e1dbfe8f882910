# Collects in a loop that ends when the kernel says that there is no child any more.
import os

if (child := os.fork()) == 0:
    print(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    raise SystemExit

print(f"this is parent, pid = {os.getpid()}, child id = {child}")
try:
    while True:
        os.waitpid(-1, 0)
except ChildProcessError:
    pass
