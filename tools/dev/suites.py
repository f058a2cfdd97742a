"""Runs the suites through ctest, one after another; tells what failed and how to see it again."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

import build
from local_cluster import processes
from machine import ROOT, Refusal, cores

SHOWN_LINES = 120
LEFTOVER_LIMIT_S = 3


@dataclass
class Suite:
    name: str
    limit_s: int
    tests: dict = field(default_factory=dict)  # name -> command


@dataclass
class Outcome:
    """What one ctest entry said. An entry is a program; `passed` and `failed` count its cases."""

    name: str
    seconds: float
    passed: int
    failed: int
    output: str = ""
    skipped: bool = False


def load_suites():
    table = tomllib.loads((ROOT / "tools/suites.toml").read_text())
    suites = {row["name"]: Suite(row["name"], row["limit_s"]) for row in table["suite"]}
    return suites, table["default_limit_s"]


def property_of(test, name):
    return next((p["value"] for p in test.get("properties", []) if p["name"] == name), None)


def discover(preset):
    """Every suite that has tests in this build, in the order of tools/suites.toml."""
    listing = subprocess.run(
        ["ctest", "--test-dir", str(build.build_dir(preset)), "--show-only=json-v1"],
        capture_output=True,
        text=True,
    )
    if listing.returncode != 0:
        raise Refusal(f"ctest could not list the tests: {listing.stderr.strip()}")
    suites, default_limit_s = load_suites()
    for test in json.loads(listing.stdout)["tests"]:
        label = (property_of(test, "LABELS") or ["unit"])[0]
        suite = suites.setdefault(label, Suite(label, default_limit_s))
        suite.tests[test["name"]] = test.get("command", [])
    return [suite for suite in suites.values() if suite.tests]


def select(suites, wanted):
    """Keeps what was asked for: a suite's name, a test's name, or the beginning of one."""
    if not wanted:
        return suites
    chosen = []
    for word in wanted:
        found = False
        for suite in suites:
            tests = {
                name: command
                for name, command in suite.tests.items()
                if suite.name == word or name == word or name.startswith(word + ".")
            }
            if tests:
                found = True
                chosen.append(Suite(suite.name, suite.limit_s, tests))
        if not found:
            names = ", ".join(suite.name for suite in suites)
            raise Refusal(f'no suite or test is called "{word}": the suites are {names}.')
    return chosen


def check_names(preset, wanted):
    """Refuses a name that no suite and no test has, before a quarter of an hour of building."""
    if not wanted:
        return
    build.configure(preset)
    try:
        select(discover(preset), wanted)
    except Refusal:
        build.configure(preset, again=True)  # the test may be newer than the build directory
        select(discover(preset), wanted)


def count_cases(output, ok):
    """Cases as Catch2 or unittest report them; a program that says nothing is one case."""
    catch = re.findall(r"All tests passed \(.*? in (\d+) test cases?\)", output)
    if catch:
        return (int(catch[-1]), 0 if ok else 1)
    mixed = re.findall(r"^test cases:.*$", output, re.MULTILINE)
    if mixed:
        parts = dict((kind, int(n)) for n, kind in re.findall(r"(\d+) (passed|failed)", mixed[-1]))
        return (parts.get("passed", 0), max(parts.get("failed", 0), 0 if ok else 1))
    python = re.findall(r"^Ran (\d+) tests? in ", output, re.MULTILINE)
    if python:
        broken = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", output[-300:]))
        skipped = sum(int(n) for n in re.findall(r"skipped=(\d+)", output[-300:]))
        broken = max(broken, 0 if ok else 1)
        return (max(int(python[-1]) - broken - skipped, 0), broken)
    return (1, 0) if ok else (0, 1)


def read_outcomes(report, suite, reason):
    """One outcome for each test of the suite; a test the report does not mention did not end."""
    outcomes = {}
    root = ElementTree.parse(report).getroot() if report.exists() else ElementTree.Element("none")
    for case in root.iter("testcase"):
        output = case.findtext("system-out") or ""
        failure = case.find("failure")
        status = case.get("status")
        ok = status == "run" and failure is None
        told = case.find("skipped")
        skipped = status in ("notrun", "disabled") and told is not None
        # A test whose program is not there is called skipped too, and proves nothing.
        if skipped and "Unable to find executable" in (told.get("message") or ""):
            skipped = False
        if failure is not None and failure.get("message"):
            output += f"\n{failure.get('message')}"
        passed, failed = (0, 0) if skipped else count_cases(output, ok)
        name = case.get("name")
        outcomes[name] = Outcome(
            name, float(case.get("time") or 0), passed, failed, output, skipped
        )
    for name in suite.tests:
        if name not in outcomes:
            outcomes[name] = Outcome(name, 0.0, 0, 1, reason)
    return list(outcomes.values())


def kill_everything():
    """Tests start processes in groups and sessions of their own; all of them descend from us."""
    processes.kill_all(lambda: processes.descendants(os.getpid()))


def leftovers(suite):
    """A test that leaves a process behind fails the suite: it would disturb whatever comes next."""
    find = lambda: processes.descendants(os.getpid())
    if processes.wait_until(lambda: processes.reap() or not find(), LEFTOVER_LIMIT_S):
        return []
    names = ", ".join(f"{one.pid} {processes.program_of(one.pid)}" for one in find())
    kill_everything()
    text = f"a test of this suite left processes running: {names}"
    return [Outcome(f"{suite.name}.leftovers", 0.0, 0, 1, text)]


def run_suite(preset, suite):
    directory = build.build_dir(preset)
    report = directory / "reports" / f"{suite.name}.xml"
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    pattern = "^(" + "|".join(re.escape(name) for name in suite.tests) + ")$"
    command = ["ctest", "--test-dir", str(directory), "-R", pattern, f"-j{cores()}"]
    command += ["--output-junit", str(report), "--no-tests=error"]
    command += ["--test-output-size-passed", "8000", "--test-output-size-failed", "400000"]
    command += ["--test-output-truncation", "middle"]
    environment = dict(os.environ, BOURSE_BUILD_DIR=str(directory))
    print(f"{suite.name:<12}", end="", flush=True)
    started = time.monotonic()
    log = open(directory / "reports" / f"{suite.name}.log", "w", encoding="utf-8")
    with log:
        child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        reason = "the test did not report an outcome"
        try:
            child.wait(timeout=suite.limit_s)
        except subprocess.TimeoutExpired:
            kill_everything()
            reason = f"the suite's limit of {suite.limit_s} s ended before this test did"
        except BaseException:
            kill_everything()
            print("interrupted", flush=True)
            raise
    outcomes = read_outcomes(report, suite, reason) + leftovers(suite)
    print_suite(outcomes, time.monotonic() - started, suite.limit_s)
    return outcomes


def print_suite(outcomes, seconds, limit_s):
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes)
    line = f"took {seconds:.1f} s (limit {limit_s} s): {passed} passed, {failed} failed"
    if skipped:
        line += f", {skipped} skipped"
    print(line, flush=True)


def shorten(text):
    lines = text.rstrip().splitlines()
    if len(lines) <= SHOWN_LINES:
        return "\n".join(lines)
    half = SHOWN_LINES // 2
    left_out = f"    ... {len(lines) - 2 * half} lines left out ..."
    return "\n".join([*lines[:half], left_out, *lines[-half:]])


def print_failures(preset, failures):
    directory = build.build_dir(preset) / "failed"
    shutil.rmtree(directory, ignore_errors=True)
    flag = "" if preset == "release" else f"--preset {preset} "
    for suite, outcome in failures:
        directory.mkdir(exist_ok=True)
        log = directory / f"{outcome.name}.log"
        log.write_text(outcome.output)
        print(f"\n{'=' * 20} FAILED {outcome.name} ({outcome.seconds:.1f} s) {'=' * 20}")
        print(shorten(outcome.output))
        print(f"{'-' * 20} the whole output: {log.relative_to(ROOT)}")
        print(f"again:    ./dev test {flag}{outcome.name}")
        print(f"directly: {shlex.join(suite.tests.get(outcome.name, []))}")


def print_skipped(outcomes):
    for outcome in outcomes:
        if outcome.skipped:
            why = outcome.output.strip().splitlines()
            print(f"skipped {outcome.name}: {why[-1] if why else 'it said nothing'}")


def run(preset, wanted=()):
    suites = select(discover(preset), wanted)
    processes.become_subreaper()
    started = time.monotonic()
    failures, everything = [], []
    for suite in suites:
        outcomes = run_suite(preset, suite)
        everything += outcomes
        failures += [(suite, outcome) for outcome in outcomes if outcome.failed]
    seconds = time.monotonic() - started
    print_skipped(everything)
    print_failures(preset, failures)
    passed = sum(outcome.passed for outcome in everything)
    failed = sum(outcome.failed for outcome in everything)
    print(f"\nall suites took {int(seconds) // 60} min {int(seconds) % 60} s")
    print(f"{passed} passed, {failed} failed")
    sys.stdout.flush()
    return 1 if failed or not everything else 0
