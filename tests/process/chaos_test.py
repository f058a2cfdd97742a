"""A real cluster under real faults for some minutes (BOURSE_CHAOS_MINUTES), and a control run whose
books are falsified."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

from zookeeper_case import available

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/chaos"))
sys.path.insert(1, str(ROOT / "tools"))

import faults

MINUTES = os.environ.get("BOURSE_CHAOS_MINUTES", "3")


def chaos(*flags):
    done = subprocess.run([sys.executable, "-B", ROOT / "tools/chaos", "--json", *flags],
                          capture_output=True, text=True)
    print(done.stderr)
    lines = done.stdout.splitlines()
    return done.returncode, json.loads(lines[-1]) if lines else None


@unittest.skipUnless(available(), "needs Java and ZooKeeper's jar")
@unittest.skipUnless(os.geteuid() == 0, "needs root for namespaces and packet filters")
class Chaos(unittest.TestCase):
    def test_the_books_agree_after_minutes_of_faults(self):
        status, summary = chaos("--minutes", MINUTES)
        self.assertEqual(summary["violations"], [])
        self.assertEqual(status, 0)
        self.assertEqual([name for name in faults.FAULTS if summary["struck"].get(name, 0) == 0],
                         [])
        for state in ("TASK_FINISHED", "TASK_FAILED", "TASK_KILLED"):
            self.assertGreater(summary["tasks"].get(state, 0), 0, state)
        self.assertGreater(summary["api"]["calls"], 100)

    def test_books_that_are_falsified_are_found_out(self):
        status, summary = chaos("--minutes", "0.05", "--faults", "framework", "--plant")
        self.assertEqual(status, 1)
        self.assertEqual(sorted(v[:3].rstrip(":") for v in summary["violations"]),
                         ["L3", "S11", "S11", "S11", "S12", "S12", "S8", "S9", "S9", "S9", "S9"])


if __name__ == "__main__":
    unittest.main()
