#!/usr/bin/env python3
"""demo-start: a second `./dev demo`, from the command to the shops it serves: everything is
installed and built, and a cluster of a master and three agents is registered. Floor: `./dev help`,
which is the look at what is installed and one start of Python.
"""

import os
import signal
import subprocess
import sys
import time

from driving.report import Report, run_on_disk

DEV = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "dev")
AGENTS = 3


def help_seconds():
    begun = time.monotonic()
    subprocess.run([DEV, "help"], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def start_seconds(place):
    """Ends the demo once its shops are served."""
    begun = time.monotonic()
    child = subprocess.Popen(
        [DEV, "demo", "--shops=300", "--items=100", f"--agents={AGENTS}", "--port=0"],
        env=dict(os.environ, BOURSE_STATE_DIR=str(place / "state"),
                 BOURSE_DEMO_OUT=str(place / "out")),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    took = None
    try:
        for line in child.stdout:
            if line.startswith("shops"):
                took = time.monotonic() - begun
                break
    finally:
        child.send_signal(signal.SIGINT)
        child.communicate()
    if took is None:
        raise RuntimeError("the demo ended before its shops were served")
    return took


def measure(place, quick, report: Report):
    report.progress("a first start, which builds what is missing")
    start_seconds(place)
    times, floors = [], []
    for number in range(1 if quick else 3):
        report.progress(f"second start, {number + 1}")
        floors.append(help_seconds())
        times.append(start_seconds(place))
    params = {"agents": AGENTS, "shops": 300}
    report.add("second_start", sorted(times)[len(times) // 2], "s", params, min(floors))


def main():
    return run_on_disk("demo-start", __doc__, "one start", measure)


if __name__ == "__main__":
    sys.exit(main())
