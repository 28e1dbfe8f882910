# promise: terminals of its own are limited, and are gone afterwards
import os

kept = []
try:
    while len(kept) < 2000:
        kept.extend(os.openpty())
except OSError as error:
    print(error)
else:
    print("LOOT", len(kept))
