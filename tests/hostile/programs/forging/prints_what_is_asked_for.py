# promise: lines without a fork prove nothing
# expect: no-child
import os

pid = os.getpid()
print(f"this is parent, pid = {pid}, child id = {pid + 1}")
print(f"this is child, pid = {pid + 1}, parent id = {pid}")
