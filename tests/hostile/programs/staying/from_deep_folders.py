# promise: a name that is too long to be followed changes nothing of others' either
import os

TARGETS = ("@HOME@/secret", "@COURSE@/solutions/exercise1/exercise1.py")
part = "x" * 200
while len(os.getcwd()) < 3800:
    os.mkdir(part)
    os.chdir(part)
link = "l" * 250
for target in TARGETS:
    for number in range(3):
        name = f"{number}" * (number + 1) + link[: 240 + number]
        os.symlink((target, os.path.dirname(target), "@HOME@")[number], name)
        for change in (
            lambda: os.truncate(name, 1),
            lambda: os.close(os.open(name, os.O_WRONLY | os.O_TRUNC)),
            lambda: os.unlink(f"{name}/{os.path.basename(target)}"),
            lambda: os.mkdir(f"{name}/@MARK@made"),
            lambda: os.chmod(name, 0o600),
        ):
            try:
                change()
            except OSError:
                continue
            print("LOOT", number)
        os.unlink(name)
