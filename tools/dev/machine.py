"""What this machine can do: compiler, memory, disk, cores. Refuses in one sentence."""

import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"

JOB_MEMORY_BYTES = 1200 << 20  # the largest generated protobuf file takes about this much
FRESH_BUILD_BYTES = 3 << 30
NEXT_BUILD_BYTES = 300 << 20
OLDEST_GCC = 12


class Refusal(Exception):
    """Something the person at the keyboard can mend; the text says what is wrong and what to do."""

    def __init__(self, text, exit_code=2):
        super().__init__(text)
        self.exit_code = exit_code


def cores():
    return len(os.sched_getaffinity(0))


def meminfo(field):
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return None


def cgroup_memory_limit():
    """The tightest memory limit above this process, or None. Containers lie in /proc/meminfo."""
    limits = []
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            places, name = ["/sys/fs/cgroup/memory"], "memory.limit_in_bytes"
        elif controllers == "":
            places, name = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"], "memory.max"
        else:
            continue
        for place in places:
            directory = pathlib.Path(place + path)
            for level in [directory, *directory.parents]:
                try:
                    limits.append(int((level / name).read_text()))
                except (OSError, ValueError):
                    pass
    return min(limits, default=None)


def memory_available_bytes():
    available = meminfo("MemAvailable") or 0
    limit = cgroup_memory_limit()
    return min(available, limit) if limit else available


def build_jobs():
    """Parallel compile jobs: one a core, as long as each has its memory."""
    available = memory_available_bytes()
    if available < JOB_MEMORY_BYTES:
        raise Refusal(
            f"building needs {JOB_MEMORY_BYTES >> 20} MB of free memory and {available >> 20} MB "
            "are free: close programs, add swap and memory, or build on a larger machine."
        )
    return max(1, min(cores(), available // JOB_MEMORY_BYTES))


def check_disk(build_dir):
    fresh = not (build_dir / "build.ninja").exists()
    needed = FRESH_BUILD_BYTES if fresh else NEXT_BUILD_BYTES
    BUILD.mkdir(exist_ok=True)
    free = shutil.disk_usage(BUILD).free
    if free < needed:
        raise Refusal(
            f"building needs {needed >> 20} MB in {BUILD} and {free >> 20} MB are free: "
            "free some space there (./dev clean removes old builds) and run it again."
        )


def check_compiler(preset):
    compiler = "clang++-14" if preset == "clang" else os.environ.get("CXX", "g++")
    if not shutil.which(compiler.split()[0]):
        raise Refusal(
            f"the compiler {compiler} is not installed: ./dev setup installs what is needed."
        )
    if preset == "clang":
        return
    text = subprocess.run(
        [*compiler.split(), "-dumpfullversion", "-dumpversion"], capture_output=True, text=True
    ).stdout
    found = re.match(r"\s*(\d+)", text)
    if found and "clang" not in compiler and int(found.group(1)) < OLDEST_GCC:
        raise Refusal(
            f"{compiler} is version {text.strip()} and Bourse is C++20 and needs g++ {OLDEST_GCC} "
            "or newer: install g++-12 and run with CXX=g++-12."
        )
