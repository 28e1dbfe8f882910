import signal
def handler(s, f):
    print("Ctrl + C")
signal.signal(signal.SIGINT, handler)
while True:
    pass
