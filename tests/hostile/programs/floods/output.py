# promise: output is limited, on both streams
# expect: too-much-output
import os

while True:
    os.write(1, b"x" * 8192)
    os.write(2, b"y" * 8192)
