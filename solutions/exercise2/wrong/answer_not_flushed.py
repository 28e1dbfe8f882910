# diagnosis: deadlock
# write to the pipe back is enough for the answer to be on its way.
import os
import sys
import time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5

r, w = os.pipe()
answer_r, answer_w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    os.close(answer_w)
    with os.fdopen(w, "w") as out, os.fdopen(answer_r) as answers:
        for n in range(1, count + 1):
            print(n, file=out, flush=True)
            answers.readline()
            time.sleep(interval)
    os._exit(0)

os.close(w)
os.close(answer_r)
with os.fdopen(r) as pipe, os.fdopen(answer_w, "w") as answers:
    for line in pipe:
        print("received :", line.strip(), flush=True)
        answers.write("ok\n")
print("close.", flush=True)
os.waitpid(pid, 0)
