# A class; waits in select with nothing to select, which is one more way to rest.
import os
import select
import signal


class Program:
    LINE = b"Ctrl + C\n"

    def __init__(self):
        signal.signal(signal.SIGINT, self.interrupted)

    def interrupted(self, *args):
        os.write(1, self.LINE)

    def run(self):
        while True:
            select.select([], [], [])


if __name__ == "__main__":
    Program().run()
