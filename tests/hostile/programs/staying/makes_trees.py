# promise: ioctl(2) neither makes a tree nor changes a file's version, where it may read
import errno
import fcntl
import os

TREES = 0x50009401, 0x5000940E, 0x5000940F, 0x50009417, 0x50009418, 0x5000943F
MARKS = 0x40087602, 0x40086604, 0x40047211, 0x800C6613
for path in ("/usr/share", "."):
    fd = os.open(path, os.O_RDONLY)
    for request in (*TREES, *(MARKS if path != "." else ())):
        try:
            fcntl.ioctl(fd, request, bytes(1000))
        except OSError as error:
            if error.errno == errno.EPERM:
                continue
        print("LOOT", path, hex(request))
