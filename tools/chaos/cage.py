"""A memory cgroup below the run's own, for a daemon that shall run out of memory. What an agent
starts there is below it too, and the kernel chooses whom it kills."""

import os
import pathlib
import time


def own_memory_cgroup():
    """(directory, name of the limit's file) of the cgroup that this process is in."""
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            return pathlib.Path("/sys/fs/cgroup/memory" + path), "memory.limit_in_bytes"
        if controllers == "" and pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists():
            return pathlib.Path("/sys/fs/cgroup" + path), "memory.max"
    raise OSError("no memory cgroup is to be found")


class Excuse:
    """The kernel killed `left` others than the daemon in a cage: each may have been a process of
    one of the tasks that were started there, or the shim above it. No more tasks than that, and no
    others, may have ended in another way than they would."""

    def __init__(self, left):
        self.left = left

    def use(self):
        self.left -= 1
        return self.left >= 0


class Cage:
    def __init__(self, name, limit_bytes):
        parent, limit = own_memory_cgroup()
        self.path = parent / name
        self.limit = self.path / limit
        self.limit_bytes = limit_bytes
        self.killed = 0  # once it is left

    def __enter__(self):
        self.path.mkdir()
        self.limit.write_text(f"{self.limit_bytes}\n")
        return self

    def enter(self, argv):
        """The command that runs another inside."""
        return ["sh", "-c", f'echo $$ > {self.path}/cgroup.procs && exec "$@"', "sh", *argv]

    def kills(self):
        """How often the kernel killed somebody for it."""
        words = ""
        for name in ("memory.oom_control", "memory.events"):
            if (self.path / name).exists():
                words += (self.path / name).read_text()
        counts = [line.split()[1] for line in words.splitlines() if line.startswith("oom_kill ")]
        return sum(map(int, counts))

    def __exit__(self, *_):
        # What it started lives on in the cage, and keeps it: there is room again, and those who can
        # move out, as an operator would see to.
        self.limit.write_text("max\n" if self.limit.name == "memory.max" else "-1\n")
        self.killed = self.kills()
        for _ in range(100):
            for pid in (self.path / "cgroup.procs").read_text().split():
                try:
                    (self.path.parent / "cgroup.procs").write_text(pid)
                except OSError:
                    pass
            try:
                self.path.rmdir()
                return
            except OSError:
                time.sleep(0.02)
