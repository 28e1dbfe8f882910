# promise: nothing can be planted in the process that programs are forked from
import os

tracer = int(open("/proc/self/status").read().split("TracerPid:")[1].split()[0])
for pid in (os.getppid(), tracer):
    for name in ("mem", "oom_score_adj", "comm", "coredump_filter", "clear_refs"):
        try:
            os.close(os.open(f"/proc/{pid}/{name}", os.O_WRONLY))
        except OSError:
            continue
        print("LOOT", name)
