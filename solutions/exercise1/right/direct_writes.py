# os.write has no buffer, so os._exit has nothing to lose.
import os


def say(text):
    os.write(1, (text + "\n").encode())


pid = os.fork()
if not pid:
    say(f"this is child, pid = {os.getpid()}, parent id = {os.getppid()}")
    os._exit(0)
say(f"this is parent, pid = {os.getpid()}, child id = {pid}")
_, status = os.waitpid(pid, 0)
raise SystemExit(os.waitstatus_to_exitcode(status))
