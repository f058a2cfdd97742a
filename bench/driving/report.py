"""Figures in the house's form: a table, or with --json one object for each."""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile

GOALS = pathlib.Path(__file__).resolve().parents[1] / "goals.txt"


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    models = [line.split(": ", 1)[1] for line in text.splitlines() if line.startswith("model name")]
    load = os.getloadavg()[0]
    return f"{models[0] if models else 'unknown cpu'}, {os.cpu_count()} cpus, load {load:.2f}"


def read_goals():
    """The lines of bench/goals.txt, or of the file that BOURSE_BENCH_GOALS names: (bench, metric,
    parameters, "<=" or ">=", value, whether of the floor)."""
    goals = []
    for line in pathlib.Path(os.environ.get("BOURSE_BENCH_GOALS", GOALS)).read_text().splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        at = next(i for i, word in enumerate(words) if word in ("<=", ">="))
        params = dict(word.split("=") for word in words[2:at])
        goals.append((words[0], words[1], params, words[at], float(words[at + 1]),
                      words[at + 2 :] == ["floor"]))
    return goals


class Report:
    def __init__(self, bench, as_json):
        self.bench, self.json = bench, as_json
        self.figures = []
        self.goals = read_goals()
        self.missed = False

    def judge(self, metric, value, params, floor):
        """(sign, limit, whether it is met) of the figure's goal, or None."""
        params = {name: str(param) for name, param in params.items()}
        for bench, of, wanted, sign, limit, of_floor in self.goals:
            if (bench, of) != (self.bench, metric) or not wanted.items() <= params.items():
                continue
            if of_floor and not floor:
                continue
            limit = limit * floor if of_floor else limit
            return sign, limit, value <= limit if sign == "<=" else value >= limit
        return None

    def progress(self, what):
        print(f"{self.bench}: {what}", file=sys.stderr, flush=True)

    def add(self, metric, value, unit, params, floor=None):
        ratio = round(value / floor, 4) if floor else None
        goal = self.judge(metric, value, params, floor)
        self.missed |= goal is not None and not goal[2]
        self.figures.append(
            {"bench": self.bench, "metric": metric, "value": round(value, 4), "unit": unit}
            | {"floor": floor and round(floor, 4), "ratio": ratio}
            | {"goal": goal and goal[1], "met": goal and goal[2]}
            | {"params": params, "machine": machine()}
        )

    def print(self):
        """Prints everything. The exit status: 1 when a goal is missed and `./dev bench --check`
        asks for them (BOURSE_BENCH_CHECK)."""
        if self.json:
            for figure in self.figures:
                print(json.dumps(figure))
        else:
            self.print_table()
        return 1 if self.missed and "BOURSE_BENCH_CHECK" in os.environ else 0

    def print_table(self):
        print(f"{self.bench} on {machine()}")
        width = max(len(figure["metric"]) for figure in self.figures)
        row = "{:<{width}}  {:>10} {:<4} {:>10} {:>8} {:>18}  {}"
        print(row.format("metric", "value", "unit", "floor", "ratio", "goal", "params",
                         width=width))
        for figure in self.figures:
            floor, ratio = (figure[k] if figure[k] is not None else "-" for k in ("floor", "ratio"))
            params = " ".join(f"{name}={value}" for name, value in figure["params"].items())
            shown = [figure[name] for name in ("metric", "value", "unit")]
            goal = self.judge(figure["metric"], figure["value"], figure["params"], figure["floor"])
            said = f"{goal[0]}{goal[1]:.6g} {'met' if goal[2] else 'missed'}" if goal else "-"
            print(row.format(*shown, floor, ratio, said, params, width=width))


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
    return report.print()
