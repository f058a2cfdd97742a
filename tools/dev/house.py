"""fmt and lint: the same checks the test run makes, and clang-tidy, which is too slow for it."""

import argparse
import json
import subprocess
import sys

import build
from machine import ROOT, Refusal, cores

FORMATTER = "clang-format-14"
SOURCES = ("*.cpp", "*.hpp", "*.h")


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


def lint(arguments):
    parser = argparse.ArgumentParser(prog="./dev lint")
    parser.add_argument("files", nargs="*", help="for clang-tidy; every .cpp file unless given")
    options = parser.parse_args(arguments)
    build.build("release")
    directory = build.build_dir("release")
    failed = run_tool([sys.executable, "-B", "tools/tidy.py", "--build-dir", str(directory)])
    failed |= run_tool([sys.executable, "-B", "tools/check_format.py"])
    failed |= run_tool([sys.executable, "-B", "tools/check_proof.py"])
    database = json.loads((directory / "compile_commands.json").read_text())
    known = {entry["file"] for entry in database}
    wanted = [str(ROOT / name) for name in options.files] or sorted(
        name for name in known if name.startswith(str(ROOT)) and not name.startswith(str(directory))
    )
    command = ["run-clang-tidy-14", "-quiet", "-p", str(directory), f"-j{cores()}", *wanted]
    return 1 if run_tool(command) | failed else 0
