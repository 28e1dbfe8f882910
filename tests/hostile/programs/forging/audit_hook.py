# promise: an audit hook decides nothing
# expect: no-child
import os
import sys


def hook(event, arguments):
    if event in ("os.kill", "sys.excepthook"):
        os._exit(0)


sys.addaudithook(hook)
raise ValueError("this looks like a failure")
