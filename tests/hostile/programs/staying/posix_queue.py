# promise: no message queue of POSIX is left
import ctypes

ctypes.CDLL(None).mq_open(b"/@MARK@queue", 0o102, 0o666, None)
