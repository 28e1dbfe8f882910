# promise: neither the checks nor pytest can be imported
import importlib
import sys

for name in ("grader", "grader.session", "grader.checking", "pytest", "test_exercise1"):
    if name in sys.modules:
        print("LOOT", name, "was there")
    try:
        importlib.import_module(name)
    except ImportError:
        continue
    print("LOOT", name)
