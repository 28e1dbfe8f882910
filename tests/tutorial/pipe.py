import os, sys, time
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(r)
    w = os.fdopen(w, "w")
    for i in range(1, 11):
        w.write("%d\n" % i); w.flush()
        time.sleep(0.5)
    w.close()
    sys.exit(0)
os.close(w)
r = os.fdopen(r)
while True:
    line = r.readline()
    if not line: break
    print("received :", line.strip())
print("close.")
os.waitpid(pid, 0)
