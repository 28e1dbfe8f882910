# promise: what others handed in cannot be read
import os

for place, _, names in os.walk("@CLASS@"):
    for name in names:
        try:
            with open(os.path.join(place, name)) as file:
                print("LOOT", file.read())
        except OSError:
            pass
