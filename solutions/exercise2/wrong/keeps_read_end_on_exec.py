# diagnosis: read-end-open
# The shell that sends the numbers has the read end too: pipe2 makes it so, without a flag.
import os
import sys

SEND = """
n=0
while [ $n -lt $1 ]; do n=$((n + 1)); echo $n; sleep $2; done
"""

count = sys.argv[1] if len(sys.argv) > 1 else "10"
interval = sys.argv[2] if len(sys.argv) > 2 else "0.5"
reader, writer = os.pipe2(0)
pid = os.fork()
if pid == 0:
    os.dup2(writer, 1)
    os.close(writer)
    os.execv("/bin/sh", ["sh", "-c", SEND, "sh", count, interval])
os.close(writer)
with os.fdopen(reader) as lines:
    for line in lines:
        print("received :", line.strip(), flush=True)
print("close.", flush=True)
os.waitpid(pid, 0)
