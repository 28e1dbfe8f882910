# promise: a stack that grows without end ends the program, and no other
import sys

sys.setrecursionlimit(1 << 30)


def deeper(depth):
    return deeper(depth + 1)


deeper(0)
