# promise: nobody but the program is made to run later
import os

for target in (os.getppid(), int("@BYSTANDER@")):
    for change in (
        lambda pid: os.setpriority(os.PRIO_PROCESS, pid, 19),
        lambda pid: os.setpriority(os.PRIO_PGRP, os.getpgid(pid), 19),
        lambda pid: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)),
        lambda pid: os.sched_setaffinity(pid, os.sched_getaffinity(pid)),
    ):
        try:
            change(target)
        except OSError:
            continue
        print("LOOT")
