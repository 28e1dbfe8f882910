# asyncio's own loop calls the handler.
import asyncio, os, signal, sys
def say(t): os.write(1, (t + "\n").encode())
def reap():
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        say(f"Child {pid} Finish, status = {os.waitstatus_to_exitcode(status)}")
n = int(sys.argv[1]) if len(sys.argv) > 1 else 1
loop = asyncio.new_event_loop()
loop.add_signal_handler(signal.SIGCHLD, reap)
for i in range(n):
    pid = os.fork()
    if pid == 0:
        say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
        os._exit(i)
    say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
loop.run_forever()
