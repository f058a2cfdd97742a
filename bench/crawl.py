#!/usr/bin/env python3
"""crawl: 300 shops through the cluster, once at their pace and once as fast as it goes.

The programs are those of `./dev demo`. Beside the time stands the processor time per page of every
part: other work on the machine adds to the first and hardly to the second. Floor: the same pages
fetched by libcurl alone from the same kind of web in the same run, and thrown away. The floor of
the paced crawl is the slowest shop's requests at its own pace.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import types

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from driving.report import Report
from local_cluster import cluster, crawl, processes

BIN = pathlib.Path(os.environ.get("BOURSE_BIN", ROOT / "build/release/bin"))
FLOOR = "floor-crawl"
AGENTS = 3
LOOK_EVERY_S = 0.2
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def part_of(pid):
    """The part of the crawl that a process is, or None."""
    try:
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return None
    program = os.path.basename(words[0])
    if program == "bourse-crawl-worker" and len(words) > 1:
        return words[1]
    return {
        crawl.WEB: "shops",
        crawl.CRAWLER: "scheduler",
        "bourse-master": "master",
        "bourse-agent": "agents",
        "bourse-shim": "agents",
    }.get(program)


def cpu_seconds_of(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


class Watch:
    """Processor time of every part, looked at while the crawl runs: workers end with it."""

    def __init__(self):
        self.seconds = {}  # Identity -> (part, seconds)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.look()
        self.before = self.sums()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.look()

    def run(self):
        while not self.over.wait(LOOK_EVERY_S):
            self.look()

    def look(self):
        for identity in processes.descendants(os.getpid()):
            part, seconds = part_of(identity.pid), cpu_seconds_of(identity.pid)
            if part and seconds is not None:
                self.seconds[identity] = (part, seconds)

    def sums(self):
        sums = {}
        for part, seconds in self.seconds.values():
            sums[part] = sums.get(part, 0.0) + seconds
        return sums

    def spent(self):
        return {part: s - self.before.get(part, 0.0) for part, s in sorted(self.sums().items())}


class Run:
    """One crawl on a cluster of its own."""

    def __init__(self, shops, items, unthrottled):
        self.shops, self.items, self.unthrottled = shops, items, unthrottled
        self.box = pathlib.Path(tempfile.mkdtemp(prefix="bench-crawl-", dir="/var/tmp"))
        self.local = cluster.Cluster(self.box / "state", BIN)

    def measure(self):
        try:
            self.local.start(AGENTS, 0)
            web = self.web()
            self.crawl(web)
            if self.unthrottled:
                self.floor = self.measure_floor()
        finally:
            left = self.local.stop()
            shutil.rmtree(self.box, ignore_errors=True)
            if left:
                print("crawl: could not be ended: " + ", ".join(left), file=sys.stderr)

    def web(self):
        return crawl.Web(self.local, self.shops, self.items, self.unthrottled)

    def crawl(self, web):
        out = self.box / "out"
        out.mkdir()
        options = types.SimpleNamespace(json=True, unthrottled=self.unthrottled)
        with Watch() as watch:
            timer = Timer()
            status = crawl.run_crawler(self.local, web, out, options)
            seconds = timer.seconds()
        if status != 0:
            log = (self.local.dir / "crawler.log").read_text(errors="replace")
            raise cluster.Refusal(f"the crawler ended with exit status {status}: {log[-400:]}")
        self.spent = watch.spent()
        self.summary = crawl.summarise(self.local, web, out, seconds)
        shops = json.loads((self.local.dir / "web-stats.json").read_text())["shops"]
        # What a shop that names no pace is asked for shows in the most it saw in one second.
        self.pace_floor = max(s["requests"] / max(s["peak_per_s"], 1) for s in shops)

    def measure_floor(self):
        """A web as it was when the crawl began, and nothing but libcurl on the other side."""
        for ended in ("crawler", "shopweb"):
            del self.local.daemons[ended]
        web = self.web()
        truth = self.local.dir / "truth.jsonl"
        done = subprocess.run(
            [str(self.local.bin / FLOOR), str(truth), web.address], capture_output=True, text=True
        )
        if done.returncode != 0:
            raise cluster.Refusal(f"{FLOOR} failed: {done.stderr.strip()}")
        floor = json.loads(done.stdout)
        floor["shops_cpu_seconds"] = cpu_seconds_of(web.child.pid)
        web.end()
        return floor


class Timer:
    def __init__(self):
        self.begun = os.times().elapsed

    def seconds(self):
        return os.times().elapsed - self.begun


def add_cpu(report, prefix, run, params, floors):
    pages = max(run.summary["pages"], 1)
    for part, seconds in run.spent.items():
        report.add(f"{prefix}cpu_{part}", 1e6 * seconds / pages, "us", params, floors.get(part))
    total = 1e6 * sum(run.spent.values()) / pages
    report.add(f"{prefix}cpu_all", total, "us", params, floors.get("all"))


def report_paced(report, run):
    params = {"shops": run.shops, "items": run.shops * run.items}
    summary = run.summary
    report.add("paced_time", summary["seconds"], "s", params, run.pace_floor)
    for name in ("items_found", "items_missing", "items_duplicate", "items_wrong"):
        report.add(f"paced_{name}", summary[name], "1", params)
    report.add("paced_violations", summary["pacing_violations"], "1", params)
    report.add("paced_pages", summary["pages_per_second"], "1/s", params)
    add_cpu(report, "paced_", run, params, {})


def report_unthrottled(report, run):
    params = {"shops": run.shops, "items": run.shops * run.items, "unthrottled": 1}
    summary, floor = run.summary, run.floor
    report.add("unthrottled_pages", summary["pages_per_second"], "1/s", params,
               floor["pages"] / max(floor["seconds"], 0.001))
    report.add("unthrottled_items_missing", summary["items_missing"], "1", params)
    report.add("unthrottled_items_duplicate", summary["items_duplicate"], "1", params)
    report.add("unthrottled_page_size", floor["bytes"] / floor["pages"] / 1e6, "MB", params)
    per_page = 1e6 / floor["pages"]
    floors = {
        "fetch": per_page * floor["cpu_seconds"],
        "shops": per_page * floor["shops_cpu_seconds"],
        "all": per_page * (floor["cpu_seconds"] + floor["shops_cpu_seconds"]),
    }
    add_cpu(report, "unthrottled_", run, params, floors)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench crawl", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a tenth of the shops and items")
    options = parser.parse_args()
    shops, items = (30, 20) if options.quick else (300, 100)
    report, exact = Report("crawl", options.json), True
    try:
        for unthrottled, tell in ((False, report_paced), (True, report_unthrottled)):
            kind = "as fast as it goes" if unthrottled else "at their pace"
            print(f"crawl: {shops} shops with {items} items each, {kind}", file=sys.stderr)
            run = Run(shops, items, unthrottled)
            run.measure()
            tell(report, run)
            exact = exact and run.summary["exact"]
    except cluster.Refusal as refusal:
        print(f"crawl: {refusal}", file=sys.stderr)
        return 1
    return report.print() or (0 if exact else 1)


if __name__ == "__main__":
    sys.exit(main())
