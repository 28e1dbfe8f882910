# promise: what runs at exit changes nothing
# expect: no-child
import atexit
import sys


def claim() -> None:
    print("10 passed in 0.01s")
    sys.stdout.flush()
    sys.exit(0)


atexit.register(claim)
raise SystemExit(0)
