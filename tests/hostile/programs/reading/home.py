# promise: the home of whoever grades cannot be read
import os

for path in ("@HOME@/secret", os.path.expanduser("~/secret")):
    try:
        with open(path) as file:
            print("LOOT", file.read())
    except OSError:
        pass
