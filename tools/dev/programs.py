"""up, down, demo, bench, sim and chaos: builds what the verb needs, then runs what does it."""

import os
import signal
import subprocess
import sys

import build
from machine import ROOT, Refusal


def become(command):
    """Goes on as the program, so that every signal meant for ./dev reaches it, and once."""
    sys.stdout.flush()
    os.execv(command[0], [str(word) for word in command])


def need_source(path, verb):
    if not (ROOT / path).exists():
        raise Refusal(f"this checkout has no {path}, so ./dev {verb} has nothing to run.")


def become_script(script, arguments):
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    become([sys.executable, "-B", ROOT / script, *arguments])


def asks_help(arguments):
    return "-h" in arguments or "--help" in arguments


def up(arguments):
    if not asks_help(arguments):
        build.build("release", ["programs"])
    become_script("tools/cluster.py", ["up", *arguments])


def down(arguments):
    become_script("tools/cluster.py", ["down", *arguments])


def demo(arguments):
    if not asks_help(arguments):
        with_quiet_build(["programs"], arguments)
    become_script("tools/demo.py", arguments)


def chaos(arguments):
    if not asks_help(arguments):
        preloaded = ["wall-clock", "disk-error"]
        with_quiet_build(["programs", "told-scheduler", "told-executor", *preloaded], arguments)
    os.environ["BOURSE_BIN"] = str(build.build_dir("release") / "bin")
    become_script("tools/chaos", arguments)


SIM_HELP = """usage: ./dev sim [--seed N | --seeds A-B | --seconds S | --planted] [--json]
  --seed N [--shrink]   one world, step by step; with as few of its faults as break it
  --seeds A-B           many, a line each; --twice: each one twice
  --seconds S           fresh ones for so long
  --plant BUG           with this planted bug: expected to break with --expect-violation
  --planted [--most N] [--json] [BUG..]   the first seed that catches each planted bug
  ./build/release/bin/bourse-sim --help names the rest  (docs/TESTING.md)"""
BENCH_HELP = """usage: ./dev bench [NAME..] [--json] [--quick] [--check]

  --check   exit status 1 when a figure misses its goal (bench/goals.txt); for a quiet machine"""
OWN_FLAGS = ("--json", "--quick", "--check")  # of every bench, without a value


def sim(arguments):
    if asks_help(arguments):
        print(SIM_HELP)
        return 0
    need_source("sim/CMakeLists.txt", "sim")
    with_quiet_build(["bourse-sim"], arguments)
    if "--planted" in arguments:
        become_script("tools/planted_bugs.py", [a for a in arguments if a != "--planted"])
    become([build.build_dir("release") / "bin" / "bourse-sim", *arguments])


def benches():
    """Every bench by its name: a built program, or a script that drives the real daemons."""
    built = (build.build_dir("release") / "bin").glob("bench-*")
    found = {
        path.name.removeprefix("bench-"): [path] for path in built if os.access(path, os.X_OK)
    }
    for path in (ROOT / "bench").glob("*.py"):
        found[path.stem.replace("_", "-")] = [sys.executable, "-B", path]
    return dict(sorted(found.items()))


def bench(arguments):
    if asks_help(arguments):
        print(BENCH_HELP)
        return 0
    need_source("bench/CMakeLists.txt", "bench")
    with_quiet_build(["benches", "programs"], arguments)
    found = benches()
    names, flags = split_words(arguments, found)
    if "--check" in flags:
        flags = [flag for flag in flags if flag != "--check"]
        os.environ["BOURSE_BENCH_CHECK"] = "1"
    status = 0
    for name in names or found:
        command = [str(word) for word in [*found[name], *flags]]
        status |= subprocess.run(command, cwd=ROOT).returncode
    return 1 if status else 0


def split_words(arguments, found):
    """The benches that are meant, and the words that are for them. A name may stand anywhere; any
    other word is a flag's (--kills 5), or a mistake where no flag is before it."""
    names, flags = [], []
    for word in arguments:
        if word in found:
            names.append(word)
        elif word.startswith("-") or (flags and flags[-1].startswith("-") and "=" not in flags[-1]
                                      and flags[-1] not in OWN_FLAGS):
            flags.append(word)
        else:
            raise Refusal(f'no bench is called "{word}": there are {", ".join(found) or "none"}.')
    return names, flags


def with_quiet_build(targets, arguments):
    """With --json the answer alone is on standard output: the build talks on the other."""
    if "--json" not in arguments:
        build.build("release", targets)
        return
    keep = os.dup(1)
    sys.stdout.flush()
    os.dup2(2, 1)
    try:
        build.build("release", targets)
    finally:
        sys.stdout.flush()
        os.dup2(keep, 1)
        os.close(keep)
