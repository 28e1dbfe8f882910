# promise: a single call that takes very long is bounded
# points: forks-one-child
import hashlib
import os

if os.fork() == 0:
    hashlib.pbkdf2_hmac("sha512", b"x", b"y", 50_000_000)
    os._exit(0)
os.wait()
