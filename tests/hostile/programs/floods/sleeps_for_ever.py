# promise: who sleeps for longer than a run may last is ended at once
# points: forks-one-child
# expect: never-ends
import time

time.sleep(10**9)
