# promise: a program that may be run and not read does not end the grader
# points: forks-one-child, both-end-with-0, parent-waits-for-its-child
import os
import shutil

shutil.copy("/bin/true", "closed")
os.chmod("closed", 0o111)
pid = os.fork()
if pid == 0:
    os.execv("./closed", ["closed"])
print(os.waitpid(pid, 0)[1])
os.chmod("closed", 0o700)
