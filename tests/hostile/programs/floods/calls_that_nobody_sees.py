# promise: calls that are not traced take time that is counted
# expect: never-ends, busy-wait
import os

while True:
    os.getppid()
    os.getuid()
