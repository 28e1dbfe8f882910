# promise: a program cannot learn which check or schedule it is run by
# expect: no-child
import os
import sys

told = [*sys.argv, *sys.orig_argv, *os.environ.values(), os.getcwd()]
for name in ("cmdline", "environ", "comm", "wchan", "cgroup"):
    try:
        with open(f"/proc/self/{name}") as file:
            told.append(file.read())
    except OSError:
        pass
for word in ("child_first", "take_turns", "schedule", "in_any_order", "test_exercise"):
    if any(word in text for text in told):
        print("LOOT", word)
