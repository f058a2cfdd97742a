"""The verbs of ./dev. Each verb is one function here or one module beside this file.

Run by ./dev once everything in tools/packages.txt is installed; standard library only.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1]))

import build
import house
import machine
import programs
import suites

PRESETS = ("release", "debug", "asan-ubsan", "tsan", "clang")

HELP = """usage: ./dev VERB [options]

  build [--preset P] [target..]   configure and build into build/P (release unless said)
  test  [--preset P] [suite..]    build everything, run every suite or the named ones
  demo  [options]                 a cluster, 300 shops and the crawler on it; --help lists the knobs
  up    [--agents N] [--port P] [--services]
                                  start a local cluster in the background, return when it is ready;
                                  --services: with bourse-service, which keeps apps running
  down                            end that cluster and leave nothing behind
  bench [NAME] [--json] [--check] measure, beside the floor of the same run and the goal
  sim   [--seed N | --seconds S]  the cores in a seeded world of faults; --planted: its planted bugs
  chaos [--minutes N] [--seed S]  real daemons under real faults; reads everybody's books afterwards
  fmt   [--check]                 clang-format every C++ file
  lint  [--all] [file..]          tidy, format, and clang-tidy on what differs from main
  setup                           install what tools/packages.txt lists and stop
  clean                           remove build/

  P is one of release, debug, asan-ubsan, tsan, clang. Guides: docs/README.md
"""


def add_preset(parser):
    parser.add_argument("--preset", choices=PRESETS, default="release")


def verb_build(arguments):
    parser = argparse.ArgumentParser(prog="./dev build")
    add_preset(parser)
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args(arguments)
    build.build(options.preset, options.targets)
    return 0


def rewrite_scenarios(options):
    if options.suites not in (["scenario"], ["scenario.master"]):
        raise machine.Refusal("--rewrite is of the scenarios: ./dev test scenario --rewrite.")
    build.build(options.preset, ["scenario_master"])
    program = build.build_dir(options.preset) / "test/scenario_master"
    return subprocess.run([program, machine.ROOT / "tests/scenarios", "--rewrite"]).returncode


def verb_test(arguments):
    parser = argparse.ArgumentParser(prog="./dev test")
    add_preset(parser)
    parser.add_argument("suites", nargs="*", help="suites (unit, scenario, ...) or tests")
    parser.add_argument("--rewrite", action="store_true",
                        help="of the scenarios: write what they print now into their files")
    options = parser.parse_args(arguments)
    if options.rewrite:
        return rewrite_scenarios(options)
    suites.check_names(options.preset, options.suites)
    build.build(options.preset)
    return suites.run(options.preset, options.suites)


def verb_clean(arguments):
    argparse.ArgumentParser(prog="./dev clean").parse_args(arguments)
    return build.clean()


def verb_help(_arguments):
    print(HELP, end="")
    return 0


VERBS = {
    "build": verb_build,
    "test": verb_test,
    "clean": verb_clean,
    "fmt": house.fmt,
    "lint": house.lint,
    "up": programs.up,
    "down": programs.down,
    "demo": programs.demo,
    "bench": programs.bench,
    "sim": programs.sim,
    "chaos": programs.chaos,
    "help": verb_help,
    "-h": verb_help,
    "--help": verb_help,
}


def main(arguments):
    os.chdir(machine.ROOT)
    verb = arguments[0] if arguments else "help"
    if verb not in VERBS:
        raise machine.Refusal(f'there is no verb "{verb}": ./dev help lists them.')
    return VERBS[verb](arguments[1:])


def interrupt(_number, _frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    try:
        sys.exit(main(sys.argv[1:]))
    except machine.Refusal as refusal:
        print(f"./dev: {refusal}", file=sys.stderr)
        sys.exit(refusal.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
