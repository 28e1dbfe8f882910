# promise: memory without a process of its own is counted, and is gone afterwards
import mmap
import os

kept = []
for number in range(4):
    file = os.memfd_create(f"memory-{number}")
    os.ftruncate(file, 30 << 20)
    kept.append(mmap.mmap(file, 30 << 20))
    for offset in range(0, 30 << 20, 1 << 20):
        kept[-1].seek(offset)
        kept[-1].write(b"1" * (1 << 20))
print("LOOT", len(kept))
