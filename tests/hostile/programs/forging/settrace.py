# promise: sys.settrace and sys.setprofile see no code but the submission's
# expect: no-child
import os
import sys
import threading

seen = set()


def look(frame, event, argument):
    seen.add(frame.f_code.co_filename)
    if "exit" in frame.f_code.co_name or "leave" in frame.f_code.co_name:
        frame.f_locals["status"] = 0
    return look


sys.settrace(look)
sys.setprofile(look)
threading.settrace(look)
os.path.join("a", "b")
sys.settrace(None)
sys.setprofile(None)
if any("/plugin.py" in name or "/session.py" in name for name in seen):
    print("LOOT", seen)
