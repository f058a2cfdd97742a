"""fmt and lint: the same checks the test run makes, and clang-tidy, which is too slow for it."""

import argparse
import itertools
import json
import re
import shlex
import subprocess
import sys

import build
from machine import ROOT, Refusal, cores

FORMATTER = "clang-format-14"
PRECOMPILED = re.compile(r" (-include \S*cmake_pch\.hxx|-Winvalid-pch|-fpch-preprocess)(?= |$)")
SOURCES = ("*.cpp", "*.hpp", "*.h")
# Most of the time is the analyzer's, on the paths of few functions (docs/TESTING.md has figures).
# So in the tree it leaves a function after this many steps; what was changed it walks in full.
STEPS_OF_ANALYZER = 20000
WHOLE_TREE = [
    "-extra-arg=-Xclang",
    "-extra-arg=-analyzer-config",
    "-extra-arg=-Xclang",
    f"-extra-arg=max-nodes={STEPS_OF_ANALYZER}",
]


def tracked(patterns):
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listing.returncode != 0:
        raise Refusal(f"git could not list the sources: {listing.stderr.strip()}")
    return [name for name in listing.stdout.splitlines() if (ROOT / name).is_file()]


def run_tool(command):
    try:
        return subprocess.run(command, cwd=ROOT).returncode
    except FileNotFoundError:
        raise Refusal(f"{command[0]} is not installed: ./dev setup installs it.")


def fmt(arguments):
    parser = argparse.ArgumentParser(prog="./dev fmt")
    parser.add_argument("--check", action="store_true", help="change nothing, fail on a difference")
    options = parser.parse_args(arguments)
    if options.check:
        return run_tool([sys.executable, "-B", "tools/check_format.py"])
    files = tracked(SOURCES)
    return run_tool([FORMATTER, "-i", *files]) if files else 0


def changed_since_main():
    """What differs from where this branch left main, committed or not."""
    base = ask_git("merge-base", "HEAD", "main")
    if base is None:
        raise Refusal(
            "there is no main here to compare with: name the files, or lint the tree with --all."
        )
    differs = ask_git("diff", "--name-only", "--diff-filter=d", base.strip()) or ""
    untracked = ask_git("ls-files", "-o", "--exclude-standard") or ""
    return sorted({*differs.splitlines(), *untracked.splitlines()})


def ask_git(*words):
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def includers(directory):
    """Header -> the units that were compiled with it, as the last build noted them. Of what was
    compiled as one, any file may have asked for the header."""
    done = subprocess.run(["ninja", "-t", "deps"], cwd=directory, capture_output=True, text=True)
    found = {}
    for block in done.stdout.split("\n\n"):
        unit, *headers = [line.strip() for line in block.splitlines()[1:]] or [""]
        units = {name for name in headers if name.endswith(".cpp")} or {unit}
        for header in headers:
            found.setdefault(header, set()).update(units)
    return found


def reads(entry, header):
    """Whether a unit, compiled alone, reads that header."""
    words = shlex.split(re.sub(r" -o \S+", "", entry["command"]))
    done = subprocess.run([*words, "-MM"], cwd=entry["directory"], capture_output=True, text=True)
    return header in done.stdout.split()


def units_for(changed, units, included_by, reads=lambda unit, header: True):
    """The units that show clang-tidy every changed file: a header is seen from its own .cpp, or
    from one that includes it. Another list of checks is another tree."""
    if ".clang-tidy" in changed:
        return sorted(units)
    wanted = set()
    for path in (str(ROOT / name) for name in changed):
        own = path.rsplit(".", 1)[0] + ".cpp"
        if path in units or own in units:
            wanted.add(path if path in units else own)
        else:
            seen = (one for one in sorted(included_by.get(path, set()) & units) if reads(one, path))
            wanted.update(itertools.islice(seen, 1))
    return sorted(wanted)


def once_each(database, directory):
    """The build's own sources, each as it is compiled first, less what g++ has precompiled: a file
    must include what it uses, and clang cannot read the other compiler's form."""
    found = {}
    for entry in database:
        if entry["file"].startswith(f"{ROOT}/") and not entry["file"].startswith(f"{directory}/"):
            command = PRECOMPILED.sub("", entry["command"])
            found.setdefault(entry["file"], {**entry, "command": command})
    return found


def units_wanted(options, commands, directory):
    units = set(commands)
    if options.all:
        return sorted(units)
    known = (units, includers(directory), lambda unit, header: reads(commands[unit], header))
    unseen = [name for name in options.files if not units_for([name], *known)]
    if unseen:
        raise Refusal(f"no unit of the build compiles {unseen[0]}: name a .cpp or .hpp of it.")
    return units_for(options.files or changed_since_main(), *known)


def clang_tidy(options, directory):
    database = json.loads((directory / "compile_commands.json").read_text())
    commands = once_each(database, directory)
    wanted = units_wanted(options, commands, directory)
    if not wanted:
        print("clang-tidy: no C++ file differs from main; --all looks at the tree")
        return 0
    print(f"clang-tidy: {len(wanted)} of {len(commands)} units", flush=True)
    place = directory / "lint"
    place.mkdir(exist_ok=True)
    chosen = [commands[unit] for unit in wanted]
    (place / "compile_commands.json").write_text(json.dumps(chosen))
    command = ["run-clang-tidy-14", "-quiet", "-p", str(place), f"-j{cores()}"]
    return run_tool([*command, *(WHOLE_TREE if options.all else [])])


def lint(arguments):
    parser = argparse.ArgumentParser(prog="./dev lint")
    parser.add_argument("--all", action="store_true", help="clang-tidy on the tree; takes long")
    parser.add_argument(
        "files", nargs="*", help="for clang-tidy; those that differ from main unless given"
    )
    options = parser.parse_args(arguments)
    build.build("release")
    directory = build.build_dir("release")
    failed = run_tool([sys.executable, "-B", "tools/tidy.py", "--build-dir", str(directory)])
    failed |= run_tool([sys.executable, "-B", "tools/check_format.py"])
    failed |= run_tool([sys.executable, "-B", "tools/check_proof.py"])
    failed |= clang_tidy(options, directory)
    return 1 if failed else 0
