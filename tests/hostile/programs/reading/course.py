# promise: the solutions, the checks and the hidden checks cannot be read
import os

for folder in ("exercises", "solutions", "hidden"):
    for place, _, names in os.walk(f"@COURSE@/{folder}"):
        for name in names:
            try:
                with open(os.path.join(place, name)) as file:
                    file.read()
            except OSError:
                continue
            print("LOOT", name)
