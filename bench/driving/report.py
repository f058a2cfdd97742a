"""Figures in the house's form: a table, or with --json one object for each."""

import json
import os
import pathlib
import sys


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
