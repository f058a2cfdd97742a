#!/usr/bin/env python3
"""sim-speed: how many seeds the simulator runs a minute on one core, in worlds of one size: three
masters at an ensemble, ten agents, three frameworks, 600 simulated seconds of faults before
everything heals. Only seeds count that had something to survive. Processor time is counted, so
other work on the machine adds little; there is no floor, because nothing waits for the machine.
"""

import argparse
import json
import pathlib
import subprocess
import sys

from driving.programs import BIN
from driving.report import Report

ROOT = pathlib.Path(__file__).resolve().parents[1]
PARAMS = {"masters": 3, "agents": 10, "frameworks": 3, "simulated_seconds": 600}
FIRST_SEED = 1


def probes_expected():
    """The rare paths that some seed must reach."""
    lines = (ROOT / "sim/probes.txt").read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#") and len(line.split()) == 1}


def run(seconds):
    words = [f"--{name.replace('_', '-')}={value}" for name, value in PARAMS.items()]
    done = subprocess.run(
        [BIN / "bourse-sim", *words, "--json", "--seconds", str(seconds), "--first-seed",
         str(FIRST_SEED)],
        capture_output=True, text=True)
    said = json.loads(done.stdout.splitlines()[-1])
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
    return said


def main():
    parser = argparse.ArgumentParser(prog="./dev bench sim-speed", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="ten seconds")
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    report = Report("sim-speed", options.json)
    said = run(10 if options.quick else options.seconds)
    report.add("counted_seeds_per_minute", said["counted_per_minute_per_core"], "1", PARAMS)
    report.add("seeds_per_minute", said["seeds_per_minute_per_core"], "1", PARAMS)
    for name in ("seeds", "violations", "median_events", "median_faults", "median_tasks_ended"):
        report.add(name, said[name], "1", PARAMS)
    report.add("simulated_per_processor_second",
               said["simulated_seconds"] / max(said["processor_seconds"], 0.001), "1", PARAMS)
    expected = probes_expected()
    report.add("probes_reached", len(expected & set(said["probes"])), "1",
               PARAMS | {"expected": len(expected)})
    return report.print() or (0 if said["violations"] == 0 else 1)


if __name__ == "__main__":
    sys.exit(main())
