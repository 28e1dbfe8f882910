# promise: nobody but the program is limited
# expect: forbidden-call
import os
import resource

for target in (os.getppid(), int("@BYSTANDER@")):
    for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_CPU):
        try:
            resource.prlimit(target, limit, (1, 1))
        except OSError:
            continue
        print("LOOT")
