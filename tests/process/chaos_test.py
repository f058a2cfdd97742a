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
        self.assertGreater(len(summary["faults"]), 0)
        self.assertGreater(summary["tasks"].get("TASK_FINISHED", 0), 0)

    def test_books_that_are_falsified_are_found_out(self):
        status, summary = chaos("--minutes", "0.05", "--faults", "framework", "--plant")
        self.assertEqual(status, 1)
        self.assertEqual(sorted(v[:3].rstrip(":") for v in summary["violations"]),
                         ["S11", "S8", "S9"])


if __name__ == "__main__":
    unittest.main()
