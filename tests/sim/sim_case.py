"""Runs bourse-sim for the tests of this suite: one core, as the figures are told, and quietly."""

import json
import os
import pathlib
import re
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ.get("BOURSE_SOURCE", pathlib.Path(__file__).parents[2]))
BIN = pathlib.Path(os.environ.get("BOURSE_BIN", SOURCE / "build/release/bin"))

CORES = (
    "coordination/core",
    "master/core",
    "master/allocator",
    "agent/core",
    "executors/core",
    "framework-sdk/core",
    "frameworks/service/core",
    "sim",
)


def table(name):
    """The lines of a list below sim/: first word, rest; comments and empty lines left out."""
    rows = []
    for line in (SOURCE / "sim" / name).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            first, _, rest = line.partition(" ")
            rows.append((first, rest.strip()))
    return rows


def probes_in_cores():
    found = set()
    for room in CORES:
        for path in (SOURCE / room).rglob("*.[ch]pp"):
            found |= set(re.findall(r'\bPROBE\("([^"]+)"\)', path.read_text()))
    return found


def read_end(output):
    """The object that a run with --json ends in."""
    return json.loads(output.splitlines()[-1])


class SimCase(unittest.TestCase):
    def sim(self, *words):
        """(exit code, output). Errors go with the output: an ASSERT says there what failed."""
        done = subprocess.run(
            [BIN / "bourse-sim", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    def kept(self, *words):
        """Demands that every promise was kept; the object at the end."""
        code, output = self.sim(*words, "--json")
        self.assertEqual(code, 0, output)
        return read_end(output)
