# promise: the home of whoever grades cannot be read
# needs: Landlock
import os

for path in ("@HOME@/secret", os.path.expanduser("~/secret")):
    try:
        with open(path) as file:
            print("LOOT", file.read())
    except OSError:
        pass
