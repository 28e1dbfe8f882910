# promise: what is written to files is limited
block = b"x" * (1 << 20)
for number in range(2):
    with open(f"file-{number}", "wb") as file:
        for _ in range(50):
            file.write(block)
print("LOOT 100 MB")
