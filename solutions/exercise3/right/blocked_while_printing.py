# Prints in the handler, and blocks SIGINT there so that it cannot be entered twice.
import signal
import sys


def handler(number, frame):
    old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        sys.stdout.flush()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def main():
    signal.signal(signal.SIGINT, handler)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    while True:
        signal.sigwait({signal.SIGINT})
        print("Ctrl + C")
        sys.stdout.flush()


main()
