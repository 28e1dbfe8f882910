# promise: marks that turn the direction, zero bytes and no Unicode harm no report
import sys

sys.stdout.buffer.write(b"\0\xff\xfe\xc3(\xed\xa0\x80\xf4\x90\x80\x80\n")
print("\u202e\u2066\ufeff\u200b\u2028\u2029\ufffe\U000e0001 pid = \u0661")
sys.stdout.flush()
raise ValueError("\u202e\0\ud800\x85".encode("utf-8", "replace").decode())
