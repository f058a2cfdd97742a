"""The demo's work: the web of shops, the crawler as a framework, and the check of what it found.

How our programs are called stands here and nowhere else.
"""

import json
import os
import signal
import subprocess
import sys

from . import cluster
from .processes import wait_until
from .progress import Progress, default_stream

WEB = "bourse-shopweb"
CRAWLER = "bourse-crawler"
CHECK = "bourse-crawl-check"
READY_LIMIT_S = 20
FULL_BYTES = 4 << 20  # agents and crawler write in pieces, and are refused before the last byte


def web_command(local, shops, items, unthrottled):
    command = [WEB, "--port=0", f"--shops={shops}", f"--items={items}", "--json"]
    command += [f"--truth={local.dir}/truth.jsonl", f"--hosts={local.dir}/hosts"]
    command += [f"--stats={local.dir}/web-stats.json"]
    return command + (["--unthrottled"] if unthrottled else [])


def crawler_command(local, web, out, unthrottled):
    command = [CRAWLER, f"--master={local.link}", f"--hosts={local.dir}/hosts"]
    command += [f"--output={out}", "--progress=json", f"--expect={web.items_expected}"]
    return command + (["--unthrottled"] if unthrottled else [])


def check_command(local, out):
    command = [CHECK, f"--truth={local.dir}/truth.jsonl", f"--output={out}", "--json"]
    return command + [f"--stats={local.dir}/web-stats.json"]


def require(local, *names):
    for name in names:
        if not (local.bin / name).exists():
            raise cluster.Refusal(f"{local.bin / name} is not built: ./dev build makes it.")


class Web:
    """The web of shops, serving until it is ended; then it says what it saw."""

    def __init__(self, local, shops, items, unthrottled):
        self.local = local
        self.child = local.spawn("shopweb", web_command(local, shops, items, unthrottled))
        first = self.first_line()
        self.address = first["address"]
        self.items_expected = first["items_expected"]
        local.ports.append(first["port"])
        local.save()

    def first_line(self):
        path = self.local.dir / "shopweb.out"
        wait = lambda: path.read_text().endswith("\n")
        self.local.wait(wait, "the web of shops did not get ready")
        return json.loads(path.read_text().splitlines()[0])

    def end(self):
        """Ends it and returns its counters, as it saw them itself."""
        self.child.send_signal(signal.SIGTERM)
        wait_until(lambda: self.child.poll() is not None, READY_LIMIT_S)
        return json.loads((self.local.dir / "web-stats.json").read_text())


def run_crawler(local, web, out, options):
    """Shows progress until the crawler ends; returns its exit status."""
    progress = Progress(web.items_expected, default_stream(options.json))
    command = crawler_command(local, web, out, options.unthrottled)
    child = local.spawn("crawler", command, stdout=subprocess.PIPE)
    disks = FullDisks([local.dir, out], progress)
    try:
        for line in child.stdout:
            disks.look()
            report = read_report(line)
            if report is not None:
                progress.show(report)
    finally:
        progress.done()
    return child.wait()


class FullDisks:
    """Says once when a disk is full: the crawl then waits, and goes on by itself."""

    def __init__(self, directories, progress):
        self.directories, self.progress = directories, progress
        self.full = set()

    def look(self):
        for directory in self.directories:
            disk = os.statvfs(directory)
            if disk.f_bavail * disk.f_frsize >= FULL_BYTES:
                self.full.discard(directory)
            elif directory not in self.full:
                self.full.add(directory)
                self.progress.done()
                print(
                    f"./dev: the disk of {directory} is full and the crawl waits: free some space "
                    "and it goes on, or end it with Ctrl-C.",
                    file=sys.stderr,
                    flush=True,
                )


def read_report(line):
    try:
        report = json.loads(line)
    except ValueError:
        return None
    return report if isinstance(report, dict) else None


def summarise(local, web, out, seconds):
    """What was expected, what was found, and whether the shops were treated as they asked."""
    seen = web.end()
    checked = subprocess.run(
        [str(local.bin / CHECK), *check_command(local, out)[1:]], capture_output=True, text=True
    )
    found = read_report(checked.stdout.strip().splitlines()[-1]) if checked.stdout.strip() else None
    if found is None:
        raise cluster.Refusal(f"the check of the result failed: {checked.stderr.strip()}")
    return {
        "items_expected": web.items_expected,
        "items_found": found["items_found"],
        "items_duplicate": found["items_duplicate"],
        "items_missing": found["items_missing"],
        "items_extra": found["items_extra"],
        "items_wrong": found["items_wrong"],
        "pacing_violations": seen["pacing_violations"],
        "disallowed_fetches": seen["disallowed_fetches"],
        "pages": seen["pages"],
        "pages_per_second": round(seen["pages"] / max(seconds, 0.001), 1),
        "seconds": round(seconds, 2),
        "exact": found["exact"],  # every item once and right, every shop asked as it wants
        "result": str(out),
    }
