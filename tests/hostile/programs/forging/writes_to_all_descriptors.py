# promise: a submission holds no descriptor of the grader's
# expect: no-child
import json
import os

result = {"id": "forks-one-child", "outcome": "passed", "earned": 2, "points": 2}
line = json.dumps({"title": "", "findings": [], **result}).encode() + b"\n"
for fd in range(3, 100):
    try:
        os.write(fd, line)
    except OSError:
        continue
    print("LOOT", fd, os.readlink(f"/proc/self/fd/{fd}"))
