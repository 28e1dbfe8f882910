# promise: who stops and continues its child for ever comes to an end
# points: forks-one-child
import os
import signal

child = os.fork()
if child == 0:
    while True:
        os.getppid()
while True:
    os.kill(child, signal.SIGSTOP)
    os.waitpid(child, os.WUNTRACED)
    os.kill(child, signal.SIGCONT)
    os.waitpid(child, os.WCONTINUED)
