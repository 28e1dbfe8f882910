# promise: no file that a submission writes is taken for a result
# expect: no-child
import json
import os

verdict = {"score": 10, "max_score": 10, "outcome": "full", "tests": [{"score": 10}]}
for name in ("results.json", "verdict.json", "verdict.xml", "exercise1.json"):
    for folder in (".", "..", "../..", "@COURSE@", "/autograder/results"):
        try:
            with open(os.path.join(folder, name), "w") as file:
                json.dump(verdict, file)
        except OSError:
            continue
        if folder != ".":
            os.unlink(os.path.join(folder, name))
