# promise: one run of a program finds nothing of the one before it
import os
import pathlib
import time

here = pathlib.Path.cwd()
for folder in (here, here.parent):
    try:
        names = set(os.listdir(folder)) - {here.name}
    except OSError:
        continue
    if folder == here and names - {"exercise1.py"}:
        print("LOOT", names)
    if any(name.startswith("@MARK@") for name in names):
        print("LOOT", names)
pathlib.Path("@MARK@note").write_text(str(time.time()))
try:
    (here.parent / "@MARK@note").write_text("for the next one")
except OSError:
    pass
