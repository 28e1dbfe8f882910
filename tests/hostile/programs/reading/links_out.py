# promise: links lead nowhere that a submission may not go itself
import os

targets = ("@COURSE@/hidden/exercise1/test_exercise1.py", "@HOME@/secret")
for number, target in enumerate(targets):
    for make in (os.symlink, os.link):
        name = f"{make.__name__}-{number}"
        try:
            make(target, name)
            with open(name) as file:
                print("LOOT", file.read()[:60])
        except OSError:
            pass
        try:
            os.unlink(name)
        except OSError:
            pass
