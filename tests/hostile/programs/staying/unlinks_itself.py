# promise: a program that removes itself harms no other, and earns nothing
# trouble: any
import os

os.unlink(__file__)
