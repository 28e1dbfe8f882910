# promise: no object of the checks is in a submission's memory
import gc

found = [
    item
    for item in gc.get_objects()
    if type(item).__module__.partition(".")[0] in ("_pytest", "pytest", "grader")
    and type(item).__name__ not in ("_ModuleLock",)
]
kinds = {f"{type(item).__module__}.{type(item).__qualname__}" for item in found}
checks = [k for k in kinds if "zygote" not in k and "ptrace" not in k]
if any(k.startswith(("_pytest", "pytest")) for k in kinds) or checks:
    print("LOOT", sorted(kinds))
for item in gc.get_objects():
    if isinstance(item, str) and "a-number-that-nobody" in item:
        print("LOOT", item)
