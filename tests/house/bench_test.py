"""What the benches count: a task too many is as wrong as one too few."""

import argparse
import os
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("BOURSE_BIN", str(ROOT))
sys.path.insert(0, str(ROOT / "bench"))

import failover
import reregister


class Figures:
    def __init__(self):
        self.values = {}

    def add(self, metric, value, *_):
        self.values[metric] = value

    def progress(self, _):
        pass


class Leaders:
    """Kills and stops with the same outcome each time."""

    def __init__(self, wrong=0, stale=0):
        self.wrong, self.stale = wrong, stale

    def kill_leader(self):
        return 4.1, 4.2, 4.0

    def first_agent_prefix(self):
        pass

    def freeze_leader(self, _):
        return self.stale, 0, 0


class Benches(unittest.TestCase):
    def test_a_doubled_task_is_counted_as_a_lost_one_is(self):
        three = ["t0", "t1", "t2"]
        self.assertEqual(failover.disagreements(3, 3, 0, 3, three, three), 0)
        self.assertEqual(failover.disagreements(3, 2, 0, 3, three, three), 1)
        self.assertEqual(failover.disagreements(3, 3, 0, 2, three, three), 1)
        self.assertEqual(failover.disagreements(3, 3, 0, 4, three, three), 1)
        self.assertEqual(failover.disagreements(3, 3, 2, 3, three, three), 2)
        self.assertEqual(failover.disagreements(3, 3, 0, 3, three, [*three, "t1"]), 1)
        # As many as there should be, and not those.
        self.assertEqual(failover.disagreements(3, 3, 0, 3, three, ["t0", "t1", "x"]), 2)

    def test_kills_and_stops_are_told_by_their_promised_names(self):
        figures = Figures()
        self.assertTrue(failover.measure_kills(Leaders(), 5, {}, figures))
        self.assertEqual(figures.values,
                         {"all_back_max": 4.2, "all_back_p50": 4.2, "tasks_lost": 0})
        self.assertFalse(failover.measure_kills(Leaders(wrong=1), 1, {}, figures))
        self.assertEqual(figures.values["tasks_lost"], 1)
        self.assertTrue(failover.measure_stops(Leaders(), 2, {}, figures))
        self.assertFalse(failover.measure_stops(Leaders(stale=1), 2, {}, figures))
        self.assertEqual(figures.values["stale_writes"], 2)

    def test_a_run_of_few_kills_makes_no_stops(self):
        def sizes(**given):
            usual = {"quick": False, "agents": None, "kills": None, "stops": None}
            return failover.sizes(argparse.Namespace(**(usual | given)))

        self.assertEqual(sizes(), (1000, 50, 200))
        self.assertEqual(sizes(quick=True), (100, 3, 3))
        self.assertEqual(sizes(kills=5), (1000, 5, 0))
        self.assertEqual(sizes(stops=5), (1000, 0, 5))
        self.assertEqual(sizes(kills=5, stops=0), (1000, 5, 0))

    def test_repetitions_are_told_with_their_worst(self):
        figures = Figures()
        reregister.add_times(figures, "back", [(3.0, ()), (1.0, ()), (9.0, ())], {})
        self.assertEqual(figures.values, {"back_best": 1.0, "back_p50": 3.0, "back_worst": 9.0})


if __name__ == "__main__":
    unittest.main()
