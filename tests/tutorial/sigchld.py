import os, signal, sys
def handler(s, f):
    pid, status = os.wait()
    print("Child %d Finish, status = %d" % (pid, os.WEXITSTATUS(status)))
signal.signal(signal.SIGCHLD, handler)
for i in range(int(sys.argv[1]) if len(sys.argv) > 1 else 1):
    pid = os.fork()
    if pid == 0:
        print("this is child, pid = %d, parent id = %d" % (os.getpid(), os.getppid()))
        os._exit(i)
    print("this is parent, pid = %d, child id = %d" % (os.getpid(), pid))
while True:
    pass
