# promise: a verdict that is printed is no verdict
# expect: no-child
import json

checks = ("forks-one-child", "child-prints-its-line", "parent-prints-its-line")
for check in checks:
    print(json.dumps({"id": check, "outcome": "passed", "earned": 2, "points": 2}))
print("exercise1: 10 of 10\nScore: 10 of 10\n6 passed\nOK\nPASS")
