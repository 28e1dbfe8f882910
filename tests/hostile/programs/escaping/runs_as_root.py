# promise: programs that would run as root do not
# points: forks-one-child, both-end-with-0, parent-waits-for-its-child
import os
import subprocess

for command in (["su", "-c", "id"], ["sudo", "-n", "id"]):
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
    except OSError:
        continue
    if os.getuid() != 0 and b"uid=0" in done.stdout:
        print("LOOT", command)
