"""Figures in the house's form: a table, or with --json one object for each."""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    models = [line.split(": ", 1)[1] for line in text.splitlines() if line.startswith("model name")]
    load = os.getloadavg()[0]
    return f"{models[0] if models else 'unknown cpu'}, {os.cpu_count()} cpus, load {load:.2f}"


class Report:
    def __init__(self, bench, as_json):
        self.bench, self.json = bench, as_json
        self.figures = []

    def progress(self, what):
        print(f"{self.bench}: {what}", file=sys.stderr, flush=True)

    def add(self, metric, value, unit, params, floor=None):
        ratio = round(value / floor, 4) if floor else None
        self.figures.append(
            {"bench": self.bench, "metric": metric, "value": round(value, 4), "unit": unit}
            | {"floor": floor and round(floor, 4), "ratio": ratio}
            | {"params": params, "machine": machine()}
        )

    def print(self):
        if self.json:
            for figure in self.figures:
                print(json.dumps(figure))
            return
        print(f"{self.bench} on {machine()}")
        width = max(len(figure["metric"]) for figure in self.figures)
        row = "{:<{width}}  {:>10} {:<4} {:>10} {:>8}  {}"
        print(row.format("metric", "value", "unit", "floor", "ratio", "params", width=width))
        for figure in self.figures:
            floor, ratio = (figure[k] if figure[k] is not None else "-" for k in ("floor", "ratio"))
            params = " ".join(f"{name}={value}" for name, value in figure["params"].items())
            shown = [figure[name] for name in ("metric", "value", "unit")]
            print(row.format(*shown, floor, ratio, params, width=width))


def run_on_disk(bench, about, quick_means, measure):
    """A bench of --json and --quick that needs a directory on the disk; returns the exit status."""
    parser = argparse.ArgumentParser(prog=f"./dev bench {bench}", description=about)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help=quick_means)
    options = parser.parse_args()
    report = Report(bench, options.json)
    place = pathlib.Path(tempfile.mkdtemp(prefix="bourse-bench-", dir="/var/tmp"))
    try:
        measure(place, options.quick, report)
    except (RuntimeError, AssertionError) as error:
        print(f"{bench}: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(place, ignore_errors=True)
    report.print()
    return 0
