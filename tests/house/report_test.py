"""Both reports of bench/ print the promised keys: programs in C++ and scripts in Python."""

import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import unittest

from planted import ROOT

sys.path.insert(0, str(ROOT / "bench"))

from driving.report import Report

KEYS = ("bench", "metric", "value", "unit", "floor", "ratio", "params", "machine")
UNITS = {"ns", "us", "ms", "s", "MB", "1/s", "1"}


class ReportTest(unittest.TestCase):
    def expect_promised(self, lines):
        self.assertTrue(lines)
        for line in lines:
            figure = json.loads(line)
            self.assertEqual(tuple(figure), KEYS, line)
            self.assertIn(figure["unit"], UNITS)
            self.assertIsInstance(figure["params"], dict)
            self.assertIsInstance(figure["value"], (int, float))
            for number in ("floor", "ratio"):
                self.assertIsInstance(figure[number], (int, float, type(None)))

    def test_a_script_prints_one_object_a_figure_with_the_promised_keys(self):
        report = Report("shown", as_json=True)
        report.add("plain", 1.25, "ms", {"agents": 3})
        report.add("floored", 4, "1/s", {}, floor=2)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            report.print()
        lines = said.getvalue().splitlines()
        self.expect_promised(lines)
        self.assertEqual([json.loads(line)["ratio"] for line in lines], [None, 2.0])

    def test_a_program_prints_one_object_a_figure_with_the_promised_keys(self):
        program = pathlib.Path(os.environ["BOURSE_BIN"]) / "bench-quota-cycle"
        done = subprocess.run([program, "--json", "--quick"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.expect_promised(done.stdout.splitlines())


if __name__ == "__main__":
    unittest.main()
