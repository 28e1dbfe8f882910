# promise: a folder that nobody may enter is removed all the same
# trouble: any
import os

os.mkdir("a")
os.mkdir("a/b")
open("a/b/c", "w").close()
os.symlink("@COURSE@", "a/course")
os.symlink("a", "a/loop")
os.chmod("a/b", 0)
os.chmod("a", 0)
os.chmod(".", 0)
