# promise: no file is left outside the scratch folder
import os

for folder in ("/tmp", "/var/tmp", "/dev/shm", "@HOME@", "@COURSE@", "..", "@CLASS@"):
    for make in (os.mkdir, os.mkfifo, lambda path: open(path, "w").close()):
        try:
            make(f"{folder}/@MARK@{os.getpid()}")
        except OSError:
            pass
