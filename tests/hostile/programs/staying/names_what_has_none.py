# promise: what has a name in shared memory only later is removed as well
import os

fd = os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR, 0o600)
os.write(fd, b"x" * 100)
where = os.open("/dev/shm", os.O_PATH)
for name in ("a", "b"):
    try:
        os.link(f"/proc/self/fd/{fd}", f"@MARK@none-{name}", dst_dir_fd=where, follow_symlinks=True)
        print("linked")
    except OSError as e:
        print(e)
fd = os.open("/dev/shm/@MARK@one", os.O_CREAT | os.O_RDWR, 0o600)
for i in range(3):
    try:
        os.link("/dev/shm/@MARK@one", f"/dev/shm/@MARK@more-{i}")
        os.rename("/dev/shm/@MARK@one", f"/dev/shm/@MARK@moved-{i}")
    except OSError as e:
        print(e)
for make in (os.mkfifo, os.mkdir):
    try:
        make("/dev/shm/@MARK@made")
    except OSError as e:
        print(e)
try:
    os.symlink("/", "/dev/shm/@MARK@symlink")
except OSError as e:
    print(e)
