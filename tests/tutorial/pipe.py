import os, sys, time

count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    w = os.fdopen(w, "w")
    for i in range(1, count + 1):
        w.write("%d\n" % i)
        w.flush()
        time.sleep(interval)
    w.close()
    sys.exit(0)
os.close(w)
r = os.fdopen(r)
while True:
    line = r.readline()
    if not line:
        break
    print("received :", line.strip())
print("close.")
os.waitpid(pid, 0)
