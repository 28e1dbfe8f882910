# promise: memory is counted
# expect: too-much-memory, uncaught-exception
kept = [bytearray(b"1" * (8 << 20)) for _ in range(40)]
print("LOOT", len(kept))
