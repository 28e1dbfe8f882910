# promise: the plain fork bomb ends at the limit of processes
# expect: too-many-processes
import os

while True:
    os.fork()
