# diagnosis: no-child
# A function that is called child is a child.
import sys

code = int(sys.argv[1]) if len(sys.argv) > 1 else 3


def child():
    return code


print("the child ended with", child())
