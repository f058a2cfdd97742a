#!/usr/bin/env python3
"""durable-writes: what is durable, a second: a master's registry in its file and in an ensemble of
three servers that wait for their disks, and an agent's checkpoint; with 1 and with 64 writes under
way. Floor: appending as many bytes to a file of the same disk and fdatasync, one after another.
"""

import subprocess
import sys

from driving.masters import ZookeeperEnsemble, available
from driving.programs import BIN
from driving.report import run_on_disk

IN_FLIGHT = (1, 64)
SYNCED = ["-Dzookeeper.forceSync=yes", "-Xmx512m"]


def rate(kind, where, in_flight, seconds):
    done = subprocess.run(
        [str(word) for word in (BIN / "load-writes", kind, where, in_flight, seconds)],
        capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return float(done.stdout)


def measure(place, seconds, report):
    floor = rate("floor", place / "floor", 1, seconds)
    report.add("fdatasync", floor, "1/s", {})
    for in_flight in IN_FLIGHT:
        params = {"in_flight": in_flight}
        for kind, name in (("registry", "registry_file"), ("checkpoint", "checkpoint")):
            report.progress(f"{name}, {in_flight} under way")
            value = rate(kind, place / f"{name}-{in_flight}.db", in_flight, seconds)
            report.add(name, value, "1/s", params, floor)
    if not available():
        raise RuntimeError("needs Java and ZooKeeper's jar: ./dev setup")
    ensemble = ZookeeperEnsemble(3, place, java_options=SYNCED)
    try:
        ensemble.start()
        for in_flight in IN_FLIGHT:
            report.progress(f"registry_ensemble, {in_flight} under way")
            value = rate("registry", ensemble.url(f"/bench{in_flight}"), in_flight, seconds)
            report.add("registry_ensemble", value, "1/s", {"in_flight": in_flight, "servers": 3},
                       floor)
    finally:
        ensemble.stop()


def main():
    return run_on_disk("durable-writes", __doc__, "one second each",
                       lambda place, quick, report: measure(place, 1 if quick else 5, report))


if __name__ == "__main__":
    sys.exit(main())
