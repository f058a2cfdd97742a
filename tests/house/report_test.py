"""Both reports of bench/ print the promised keys: programs in C++ and scripts in Python."""

import contextlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

from planted import ROOT

sys.path.insert(0, str(ROOT / "bench"))

from driving.report import GOALS, Report, read_goals

KEYS = ("bench", "metric", "value", "unit", "floor", "ratio", "goal", "met", "params", "machine")
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
            self.assertIn(figure["met"], (True, False, None))
            for number in ("floor", "ratio", "goal"):
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

    def goals(self, *lines):
        """A file of goals, for both reports to read."""
        box = pathlib.Path(tempfile.mkdtemp(prefix="goals-"))
        self.addCleanup(shutil.rmtree, box)
        (box / "goals.txt").write_text("".join(line + "\n" for line in lines))
        return {"BOURSE_BENCH_GOALS": str(box / "goals.txt")}

    def test_goals_are_told_beside_the_floor_and_only_a_check_fails_for_one_that_is_missed(self):
        goals = self.goals(
            "# of nobody", "shown plain agents=3 <= 1", "shown plain <= 9 # of other sizes",
            "shown floored >= 2 floor", "other floored <= 0",
            "quota-cycle allocating roles=1 <= 0", "quota-cycle allocating roles=3000 >= 1e9",
            "quota-cycle idle <= 1e9", "quota-cycle counting_refusals <= 0.000001 floor")
        wanted = {"plain": (1, False), "floored": (4, True), "none": (None, None)}
        for check in ({}, {"BOURSE_BENCH_CHECK": "1"}):
            with unittest.mock.patch.dict(os.environ, goals | check):
                report = Report("shown", as_json=True)
                report.add("plain", 1.25, "ms", {"agents": 3})
                report.add("floored", 4, "1/s", {}, floor=2)
                report.add("none", 4, "1/s", {})
                said = io.StringIO()
                with contextlib.redirect_stdout(said):
                    self.assertEqual(report.print(), 1 if check else 0)
                figures = map(json.loads, said.getvalue().splitlines())
                self.assertEqual({one["metric"]: (one["goal"], one["met"]) for one in figures},
                                 wanted)
                report.json, said = False, io.StringIO()
                with contextlib.redirect_stdout(said):
                    report.print()
                self.assertIn("<=1 missed", said.getvalue())
                self.assertIn(">=4 met", said.getvalue())
                self.expect_the_same_of_a_program(1 if check else 0)

    def expect_the_same_of_a_program(self, status):
        program = pathlib.Path(os.environ["BOURSE_BIN"]) / "bench-quota-cycle"
        done = subprocess.run([program, "--json", "--quick"], capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stderr)
        found = {one["metric"]: (one["goal"], one["met"])
                 for one in map(json.loads, done.stdout.splitlines())}
        self.assertEqual(found["allocating"], (1e9, False))
        self.assertEqual(found["idle"], (1e9, True))
        self.assertEqual(found["counting_refusals"], (1e-6, False))
        self.assertEqual(found["one_agent_none_granted"], (None, None))
        if status:  # once is enough: each run takes seconds
            done = subprocess.run([program, "--quick"], capture_output=True, text=True)
            self.assertIn(">=1e+09 missed", done.stdout)
            self.assertIn("<=1e+09 met", done.stdout)

    def test_each_goal_is_of_a_bench_there_is_and_of_a_figure_that_its_page_has_a_goal_for(self):
        benches = {path.stem.replace("_", "-") for path in (ROOT / "bench").glob("*.*")}
        page = (ROOT / "docs/PERFORMANCE.md").read_text()
        lines = [line for line in GOALS.read_text().splitlines() if line.split("#")[0].strip()]
        goals = read_goals()
        self.assertEqual(len(goals), len(lines))
        self.assertGreater(len(goals), 40)
        for bench, metric, params, _, limit, _ in goals:
            self.assertIn(bench, benches)
            self.assertIn(f"`./dev bench {bench}`", page)
            for name in params:
                self.assertRegex(name, "^[a-z_]+$")


if __name__ == "__main__":
    unittest.main()
