# promise: kill(-1) reaches nobody
# expect: forbidden-call
import os

# No signal, only the question whether one could be sent: whatever is wrong with the
# grader, nobody on this machine is to suffer from it.
try:
    os.kill(-1, 0)
    print("LOOT")
except PermissionError:
    pass
