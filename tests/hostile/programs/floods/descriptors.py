# promise: open descriptors are limited
import os

kept = []
try:
    while len(kept) < 5000:
        kept.extend(os.pipe())
except OSError as error:
    print(error)
else:
    print("LOOT", len(kept))
