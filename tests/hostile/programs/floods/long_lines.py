# promise: a line, a name and an argument of great length are told in few words
import os

name = "n" * 200
os.mkdir(name)
os.write(1, b"z" * 60_000)
raise ValueError("m" * 50_000)
