# promise: children by vfork and posix_spawn are counted
# expect: too-many-processes
import os

while True:
    os.posix_spawn("/bin/sleep", ["sleep", "9"], {})
