# promise: a replaced excepthook cannot turn an exception into success
# expect: uncaught-exception, no-child
import sys

sys.excepthook = lambda *_: print("all tests passed")
sys.unraisablehook = lambda *_: None
raise AssertionError("not done")
