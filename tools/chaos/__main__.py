"""Runs a real cluster under faults and reads everybody's books afterwards.

  ./dev chaos [--minutes N] [--seed S] [--faults F1,F4-agents,..] [--json] [--keep]

Needs root. All of it lives in namespaces of its own (network, mounts, processes), which end with
it. With --json the last line is one object: seed, faults, violations, and how long healing took.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1]))

import books
import faults
import judge
import world as worlds
from local_cluster import processes, traces

OWN_NAMESPACES = "BOURSE_CHAOS_INSIDE"
QUIET_S = 2  # between two faults
PLANTED_PATIENCE_S = 20  # a planted task never comes to its end
TOOLS = ("unshare", "ip", "nft", "java")


def options_of(arguments):
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3,
                        help="at least; each fault comes once in any case")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--faults", help="comma-separated; all unless said: " +
                        ", ".join(faults.FAULTS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep logs and books")
    parser.add_argument("--plant", action="store_true",
                        help="falsify the books in seven ways that must be found")
    parser.add_argument("--bin", default=os.environ.get("BOURSE_BIN"))
    options = parser.parse_args(arguments)
    names = options.faults.split(",") if options.faults else list(faults.FAULTS)
    for name in names:
        if name not in faults.FAULTS:
            parser.error(f'no fault is called "{name}": they are {", ".join(faults.FAULTS)}')
    options.faults = names
    if options.minutes <= 0:
        parser.error(f"--minutes is {options.minutes:g} and must be more than 0")
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    return options


def enter_namespaces():
    """Goes on in namespaces of its own: whatever is started here ends with this process."""
    if os.environ.get(OWN_NAMESPACES):
        return
    if os.geteuid() != 0:
        sys.exit("./dev chaos: needs root for namespaces and packet filters: run it with sudo")
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        sys.exit(f"./dev chaos: {', '.join(missing)} is missing: ./dev setup installs it")
    words = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
             sys.executable, "-B", str(pathlib.Path(__file__).resolve().parent), *sys.argv[1:]]
    os.execvpe("unshare", words, {**os.environ, OWN_NAMESPACES: "1"})


def harm(world, jury, options, tell, done):
    """One fault after another until the time is over and each came once."""
    end = time.monotonic() + 60 * options.minutes
    for number, name in enumerate(faults.schedule(options.seed, options.faults)):
        if number >= len(options.faults) and time.monotonic() >= end:
            return
        what = faults.FAULTS[name].__doc__.split("\n")[0].split(": ", 1)[-1]
        begun = time.monotonic()
        note = faults.FAULTS[name](world)
        lasted = round(time.monotonic() - begun, 1)
        healed = jury.healed()
        tell(f"{name:12} {lasted:5.1f} s, healthy {healed:5.1f} s after it   {what}" +
             (f" [{note}]" if note else ""))
        done.append({"fault": name, "lasted_s": lasted, "healthy_after_s": healed})
        world.run_quietly(QUIET_S)


def plant(world):
    """Harms a task, or one of the books, in each of the ways that a cluster must not: the control
    of the judge."""
    book = world.books
    doubled, lost, survivor, unheard, killed, gone = (
        book.launch(seconds=1, code=0) for _ in range(6))
    spared = book.launch(seconds=books.LONG_S)
    world.wait("the planted tasks", lambda: spared.state() == "TASK_RUNNING" and all(
        t.ended() for t in (doubled, lost, survivor, unheard, killed, gone)))
    with open(book.directory / doubled.id, "a") as file:
        file.write("start\n")
    (book.directory / lost.id).write_text("start\n")
    subprocess.Popen(["sh", "-c", f"sleep 1000; : {book.directory}/{survivor.id};"])
    unheard.told, unheard.writes = [], False
    killed.told[-1] = (killed.told[-1][0], "TASK_KILLED", "")
    gone.told[-1] = (gone.told[-1][0], "TASK_LOST", "")
    spared.kill_asked_at = time.monotonic()  # and nobody was told
    forgotten = book.launch(seconds=books.LONG_S)
    world.wait("the task to forget", lambda: forgotten.state() == "TASK_RUNNING")
    forgotten.told.append((time.monotonic(), "TASK_GONE", ""))


def run(options, box, tell):
    # About what its slowest shops give in the time.
    world = worlds.World(box, options.bin, options.seed, max(20, int(options.minutes * 170)))
    jury = judge.Judge(world)
    done = []
    try:
        world.start()
        world.run_quietly(QUIET_S)
        harm(world, jury, options, tell, done)
        if options.plant:
            plant(world)
        jury.end(*[PLANTED_PATIENCE_S] if options.plant else [])
    except worlds.Trouble as trouble:
        jury.say(f"the run cannot go on: {trouble}")
        traceback.print_exc(file=sys.stderr)
    finally:
        corners = corners_of_this_run()
        world.close()
        remove(corners)
    return jury, done


def main(arguments):
    options = options_of(arguments)
    enter_namespaces()
    tell = lambda line: print(line, file=sys.stderr if options.json else sys.stdout, flush=True)
    box = tempfile.mkdtemp(prefix="bourse-chaos-", dir="/var/tmp")
    os.chmod(box, 0o755)
    tell(f"seed {options.seed}, {options.minutes:g} minutes, in {box}")
    jury, done = run(options, box, tell)
    for violation in jury.violations:
        tell(f"VIOLATION {violation}")
    struck = {name: sum(1 for one in done if one["fault"] == name) for name in options.faults}
    tell(f"{len(done)} faults, {len(jury.violations)} violations, {jury.figures}")
    tell(f"struck: {struck}")
    if options.json:
        print(json.dumps({"seed": options.seed, "faults": done, "struck": struck,
                          "violations": jury.violations, **jury.figures}))
    if options.keep or jury.violations:
        tell(f"logs and books: {box}")
    else:
        shutil.rmtree(box, ignore_errors=True)
    return 1 if jury.violations else 0


def corners_of_this_run():
    """Cgroups of our containers, which outlive namespaces: all processes seen here are ours."""
    names = set()
    for pid in processes.all_pids():
        names |= traces.corner_names_of(pid)
    return [c for c in traces.cgroup_corners() if os.path.basename(c) in names]


def remove(corners):
    for corner in corners:
        for pid in traces.processes_in_cgroup(corner):
            try:
                os.kill(pid, 9)
            except OSError:
                pass
        processes.wait_until(lambda corner=corner: traces.remove_cgroup(corner), 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
