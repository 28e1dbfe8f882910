# promise: no call that sends signals reaches the grader
# expect: forbidden-call
import ctypes
import os
import signal

libc = ctypes.CDLL(None, use_errno=True)
tracer = int(open("/proc/self/status").read().split("TracerPid:")[1].split()[0])
information = ctypes.create_string_buffer(128)
information[0] = bytes([signal.SIGKILL])
information[8] = b"\xff"
for pid in (os.getppid(), tracer):
    answers = [
        libc.syscall(200, pid, 9),
        libc.syscall(234, pid, pid, 9),
        libc.syscall(129, pid, 9, information),
        libc.syscall(297, pid, pid, 9, information),
    ]
    try:
        pidfd = os.pidfd_open(pid)
        answers.append(libc.syscall(424, pidfd, 9, 0, 0))
        answers.append(libc.syscall(424, pidfd, 9, 0, 4))
        folder = os.open(f"/proc/{pid}", os.O_RDONLY)
        answers.append(libc.syscall(424, folder, 9, 0, 0))
    except OSError:
        pass
    if 0 in answers:
        print("LOOT", answers)
