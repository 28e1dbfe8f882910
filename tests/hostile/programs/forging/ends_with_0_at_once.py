# promise: exit status 0 is no evidence
# expect: no-child
import os

os._exit(0)
