# promise: the loader, readers and /proc give no file of others
# points: forks-one-child, both-end-with-0, parent-waits-for-its-child
import os
import resource
import subprocess

for words in (
    ["/lib64/ld-linux-x86-64.so.2", "@HOME@/secret"],
    ["/lib64/ld-linux-x86-64.so.2", "--preload", "@HOME@/secret", "/bin/true"],
    ["/lib64/ld-linux-x86-64.so.2", "--list", "@HOME@/secret.sh"],
    ["/bin/sh", "-c", "read x < @HOME@/secret; echo $x"],
    ["/bin/sh", "-c", "cd @HOME@; cat secret; . ./secret; cp secret /dev/shm/@MARK@q"],
    ["/bin/bash", "@HOME@/secret"],
    ["/usr/bin/env", "-C", "@HOME@", "cat", "secret"],
    ["perl", "@HOME@/secret"],
    ["tar", "cf", "-", "@HOME@"],
    ["find", "@HOME@", "-type", "f", "-exec", "cat", "{}", ";"],
):
    try:
        done = subprocess.run(words, capture_output=True, env={"LD_PRELOAD": "@HOME@/secret", "PATH": os.environ["PATH"]})
    except OSError:
        continue
    text = done.stdout + done.stderr
    if b"4711" in text:
        print("LOOT", words, text[:80])
try:
    resource.setrlimit(resource.RLIMIT_CORE, (-1, -1))
except (OSError, ValueError):
    pass
pid = os.fork()
if pid == 0:
    os.chdir("@HOME@")
    os.abort()
os.waitpid(pid, 0)
tracer = int(open("/proc/self/status").read().split("TracerPid:")[1].split()[0])
for pid in (os.getppid(), tracer, int("@BYSTANDER@"), 1):
    for name in ("environ", "maps", "mem", "fd/0", "fd/3", "cwd", "root@HOME@/secret", "exe", "fdinfo/0", "auxv", "io", "stack", "ns/mnt", "map_files", "task/%d/environ" % pid, "task/%d/cwd" % pid, "task/%d/root" % pid, "syscall", "pagemap", "oom_score_adj", "clear_refs", "attr/current", "timerslack_ns", "comm"):
        for mode in ("rb", "r+b"):
            try:
                with open(f"/proc/{pid}/{name}", mode, buffering=0) as file:
                    text = file.read(50) if mode == "rb" else b"writable"
            except OSError:
                continue
            if text and (mode == "r+b" or name not in ("comm", "oom_score_adj")):
                print("LOOT", pid, name, mode, text)
for name in ("kernel/core_pattern", "kernel/hostname", "vm/drop_caches", "kernel/ns_last_pid", "kernel/printk"):
    try:
        open(f"/proc/sys/{name}", "wb").close()
        print("LOOT sys", name)
    except OSError:
        pass
for name in ("sysrq-trigger", "self/oom_score_adj", "self/coredump_filter", "kcore", "kmsg"):
    try:
        open(f"/proc/{name}", "r+b").close()
        print("LOOT proc", name)
    except OSError:
        pass
