# The handler only counts; the main program prints, with SIGINT blocked meanwhile.
import signal

seen = 0


def handler(signum, frame):
    global seen
    seen += 1


signal.signal(signal.SIGINT, handler)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
printed = 0
while True:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    while printed < seen:
        print("Ctrl + C", flush=True)
        printed += 1
    if signal.SIGINT in signal.sigpending():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        continue
    # sigwaitinfo takes the signal itself, in one step with the waiting.
    signal.sigwaitinfo([signal.SIGINT])
    seen += 1
