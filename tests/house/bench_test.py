"""What the benches count: a task too many is as wrong as one too few."""

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

    def test_repetitions_are_told_with_their_worst(self):
        figures = Figures()
        reregister.add_times(figures, "back", [(3.0, ()), (1.0, ()), (9.0, ())], {})
        self.assertEqual(figures.values, {"back_best": 1.0, "back_p50": 3.0, "back_worst": 9.0})


if __name__ == "__main__":
    unittest.main()
