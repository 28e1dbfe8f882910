# promise: the number of files is limited
for number in range(2_500):
    open(f"file-{number}", "w").close()
print("LOOT", number)
