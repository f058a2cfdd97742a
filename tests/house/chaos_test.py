"""The judge of a chaos run: what the two books must agree about, and the order of the faults."""

import itertools
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/chaos"))
sys.path.insert(1, str(ROOT / "tools"))

import books
import faults
import judge


def told(*states, code=0, harmed=False):
    task = books.Asked("t", 1, code)
    task.told = [(float(at), state, "") for at, state in enumerate(states)]
    task.harmed = harmed
    return task


class ChaosJudge(unittest.TestCase):
    def judged(self, task, written, processes=()):
        found = judge.of_one_task(task, written, list(processes))
        return sorted({sentence.split(":")[0] for sentence in found})

    def test_a_task_that_ran_once_and_ended_as_told_is_fine(self):
        ran = ["start", "end"]
        self.assertEqual(self.judged(told("TASK_RUNNING", "TASK_FINISHED"), ran), [])
        self.assertEqual(self.judged(told("TASK_FAILED", code=7), ran), [])
        self.assertEqual(self.judged(told("TASK_KILLED"), ["start"]), [])
        self.assertEqual(self.judged(told("TASK_DROPPED"), []), [])
        # An agent that was away for too long and came back corrects what was told.
        back = told("TASK_RUNNING", "TASK_UNREACHABLE", "TASK_RUNNING", "TASK_FINISHED")
        self.assertEqual(self.judged(back, ran), [])

    def test_each_way_in_which_books_disagree_has_its_name(self):
        ran = ["start", "end"]
        finished = told("TASK_RUNNING", "TASK_FINISHED")
        self.assertEqual(self.judged(finished, ["start", "start", "end"]), ["S8"])
        self.assertEqual(self.judged(told("TASK_FINISHED", "TASK_FAILED", code=0), ran), ["S7"])
        self.assertEqual(self.judged(told("TASK_FINISHED", "TASK_RUNNING"), ran), ["S7"])
        self.assertEqual(self.judged(finished, ["start"]), ["S11"])
        self.assertEqual(self.judged(told("TASK_FINISHED", code=7), ran), ["S11"])
        self.assertEqual(self.judged(told("TASK_FAILED"), ran), ["S11"])
        self.assertEqual(self.judged(told("TASK_FAILED", harmed=True), ran), [])
        self.assertEqual(self.judged(told(), ["start"]), ["S12"])
        self.assertEqual(self.judged(told("TASK_KILLED"), ["start"], [17]), ["S9"])
        self.assertEqual(self.judged(told("TASK_RUNNING"), ["start"], [17]), [])

    def test_every_fault_comes_once_before_any_comes_again(self):
        order = list(itertools.islice(faults.schedule(5, faults.FAULTS), 2 * len(faults.FAULTS)))
        half = len(faults.FAULTS)
        self.assertEqual(sorted(order[:half]), sorted(faults.FAULTS))
        self.assertEqual(sorted(order[half:]), sorted(faults.FAULTS))


if __name__ == "__main__":
    unittest.main()
