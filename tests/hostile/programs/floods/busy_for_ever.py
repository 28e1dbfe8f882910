# promise: who computes for ever is ended
# expect: never-ends, busy-wait
n = 0
while True:
    n += 1
