"""up, down, demo, bench and sim: builds what the verb needs, then runs the program that does it."""

import os
import subprocess
import sys

import build
from machine import ROOT, Refusal

CLUSTER = ["bourse-master", "bourse-agent"]


def run(command):
    """Runs in the foreground; Ctrl-C reaches the program, which cleans up."""
    child = subprocess.Popen(command, cwd=ROOT)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


def need_source(path, verb):
    if not (ROOT / path).exists():
        raise Refusal(f"this checkout has no {path}, so ./dev {verb} has nothing to run.")


def python(script, arguments):
    return run([sys.executable, "-B", str(ROOT / script), *arguments])


def asks_help(arguments):
    return "-h" in arguments or "--help" in arguments


def up(arguments):
    if not asks_help(arguments):
        build.build("release")
    return python("tools/cluster.py", ["up", *arguments])


def down(arguments):
    return python("tools/cluster.py", ["down", *arguments])


def demo(arguments):
    if not asks_help(arguments):
        build.build("release")
    return python("tools/demo.py", arguments)


def sim(arguments):
    need_source("sim/CMakeLists.txt", "sim")
    with_quiet_build("release", arguments)
    program = build.build_dir("release") / "bin" / "bourse-sim"
    os.execv(program, [str(program), *arguments])


def bench_programs():
    directory = build.build_dir("release") / "bin"
    return sorted(path for path in directory.glob("bench-*") if os.access(path, os.X_OK))


def bench(arguments):
    need_source("bench/CMakeLists.txt", "bench")
    with_quiet_build("release", arguments)
    names = [word for word in arguments if not word.startswith("-")]
    flags = [word for word in arguments if word.startswith("-")]
    found = {path.name.removeprefix("bench-"): path for path in bench_programs()}
    for name in names:
        if name not in found:
            raise Refusal(f'no bench is called "{name}": there are {", ".join(found) or "none"}.')
    status = 0
    for name in names or found:
        status |= run([str(found[name]), *flags])
    return 1 if status else 0


def with_quiet_build(preset, arguments):
    """With --json the answer alone is on standard output: the build talks on the other."""
    if "--json" not in arguments:
        build.build(preset)
        return
    keep = os.dup(1)
    sys.stdout.flush()
    os.dup2(2, 1)
    try:
        build.build(preset)
    finally:
        sys.stdout.flush()
        os.dup2(keep, 1)
        os.close(keep)
