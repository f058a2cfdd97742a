"""The judge of a chaos run: what the two books must agree about, and the order of the faults."""

import itertools
import pathlib
import sys
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/chaos"))
sys.path.insert(1, str(ROOT / "tools"))

import books
import cage
import faults
import judge


def told(*states, code=0, harmed=False, kill=False, writes=True):
    task = books.Asked("t", 1, code)
    task.told = [(float(at), state, "") for at, state in enumerate(states)]
    task.harmed = harmed
    task.kill_asked_at = 0.0 if kill else None
    task.writes = writes
    return task


RAN = ["start", "end"]
RUN_AND_END = ("TASK_RUNNING", "TASK_FINISHED")


class ChaosJudge(unittest.TestCase):
    def judged(self, task, written, processes=()):
        found = judge.of_one_task(task, written, list(processes))
        return sorted({sentence.split(":")[0] for sentence in found})

    def test_a_task_that_ran_once_and_ended_as_told_is_fine(self):
        self.assertEqual(self.judged(told(*RUN_AND_END), RAN), [])
        self.assertEqual(self.judged(told("TASK_FAILED", code=7), RAN), [])
        self.assertEqual(self.judged(told("TASK_KILLED", kill=True), ["start"]), [])
        self.assertEqual(self.judged(told("TASK_DROPPED"), []), [])
        # An agent that was away for too long and came back corrects what was told.
        back = told("TASK_RUNNING", "TASK_UNREACHABLE", "TASK_RUNNING", "TASK_FINISHED")
        self.assertEqual(self.judged(back, RAN), [])
        # A framework that asks about a task may cross its end on the way.
        self.assertEqual(self.judged(told(*RUN_AND_END, "TASK_UNKNOWN"), RAN), [])

    def test_each_way_in_which_books_disagree_has_its_name(self):
        finished = told(*RUN_AND_END)
        self.assertEqual(self.judged(finished, ["start", "start", "end"]), ["S8"])
        self.assertEqual(self.judged(told("TASK_FINISHED", "TASK_ERROR"), RAN), ["S11", "S7"])
        self.assertEqual(self.judged(told("TASK_FINISHED", "TASK_RUNNING"), RAN), ["S12", "S7"])
        self.assertEqual(self.judged(finished, ["start"]), ["S11"])
        self.assertEqual(self.judged(told("TASK_FINISHED", code=7), RAN), ["S11"])
        self.assertEqual(self.judged(told("TASK_FAILED"), RAN), ["S11"])
        self.assertEqual(self.judged(told("TASK_FAILED", harmed=True), RAN), [])
        self.assertEqual(self.judged(told("TASK_KILLED", kill=True), ["start"], [17]), ["S9"])

    def test_a_cage_excuses_as_many_tasks_as_the_kernel_killed_in_it_and_no_others(self):
        def caged(excuse):
            task = told("TASK_RUNNING", "TASK_FAILED")
            task.excuse = excuse
            return judge.of_a_task_and_its_excuse(task, ["start"], [])

        excuse = cage.Excuse(2)
        self.assertEqual([len(caged(excuse)) for _ in range(4)], [0, 0, 1, 1])
        self.assertEqual(len(caged(None)), 1)
        # What no kill explains is not excused, and costs the others nothing.
        excuse = cage.Excuse(1)
        doubled = told(*RUN_AND_END)
        doubled.excuse = excuse
        self.assertEqual(len(judge.of_a_task_and_its_excuse(doubled, [*RAN, *RAN], [])), 2)
        self.assertEqual(len(caged(excuse)), 0)

    def test_a_kill_ends_its_task_and_nobody_elses_end_is_called_killed(self):
        self.assertEqual(self.judged(told("TASK_RUNNING", kill=True), ["start"], [17]),
                         ["S12", "S9"])
        self.assertEqual(self.judged(told("TASK_KILLED"), ["start"]), ["S9"])
        # It ended before the kill was there.
        self.assertEqual(self.judged(told(*RUN_AND_END, kill=True), RAN), [])
        # Also where the task writes nothing itself.
        self.assertEqual(self.judged(told("TASK_RUNNING", kill=True, writes=False), []),
                         ["S12", "S9"])
        self.assertEqual(self.judged(told("TASK_KILLED", writes=False), []), ["S9"])

    def test_a_task_that_was_asked_for_is_told_of(self):
        self.assertEqual(self.judged(told(), ["start"]), ["S12"])
        self.assertEqual(self.judged(told(), []), ["S12"])
        self.assertEqual(self.judged(told("TASK_STAGING"), []), ["S12"])
        # No master ever heard of it: the framework's process died with it in its hands.
        self.assertEqual(self.judged(told("TASK_UNKNOWN"), []), [])
        self.assertEqual(self.judged(told("TASK_UNKNOWN"), ["start"], [17]), ["S12", "S9"])
        self.assertEqual(
            self.judged(told("TASK_RUNNING", "TASK_UNKNOWN", *RUN_AND_END), RAN), ["S12", "S22"])

    def test_a_task_that_came_to_its_end_is_not_called_lost(self):
        for state in ("TASK_LOST", "TASK_DROPPED", "TASK_GONE", "TASK_GONE_BY_OPERATOR"):
            self.assertEqual(self.judged(told("TASK_RUNNING", state), RAN), ["S11"], state)
            self.assertEqual(self.judged(told("TASK_RUNNING", state, harmed=True), RAN), [], state)
        # One that still runs is called lost by nobody either, whether it writes or not.
        for state in ("TASK_LOST", "TASK_GONE", "TASK_GONE_BY_OPERATOR"):
            self.assertEqual(self.judged(told("TASK_RUNNING", state), ["start"]), ["S11"], state)
            self.assertEqual(self.judged(told("TASK_RUNNING", state, writes=False), []), ["S11"])
            self.assertEqual(self.judged(told(state), ["start"]), ["S11"], state)
        self.assertEqual(
            self.judged(told("TASK_RUNNING", "TASK_LOST", writes=False, harmed=True), []), [])
        # What was never begun may be dropped, what began may not.
        self.assertEqual(self.judged(told("TASK_DROPPED"), ["start"]), ["S11"])
        # What an agent cannot start, on a full disk say, has failed and has not begun.
        self.assertEqual(self.judged(told("TASK_FAILED"), []), [])
        # Who ended this one? Nobody says so.
        self.assertEqual(self.judged(told("TASK_FAILED", code=7), ["start"]), ["S11"])

    def test_kills_and_questions_outlive_the_process_that_asked(self):
        book = books.Books.__new__(books.Books)
        book.lock, book.life, book.tasks = threading.Lock(), 1, {}
        for name, life, states in (("heard", 0, ("TASK_RUNNING",)), ("orphan", 0, ()),
                                   ("young", 1, ())):
            book.tasks[name] = told(*states)
            book.tasks[name].life = life
        # Only whose asker is dead may ask who it was; nobody is passed over.
        self.assertEqual(book.orphans(), [book.tasks["orphan"]])
        self.assertEqual(book.open_tasks(), list(book.tasks.values()))

    def test_the_slowest_of_a_hundred_calls_is_found(self):
        self.assertEqual(judge.percentile([1.0], 0.99), 1.0)
        self.assertEqual(judge.percentile([0.0] * 98 + [5.0] * 2, 0.99), 5.0)
        self.assertEqual(judge.percentile([0.0] * 199 + [5.0], 0.99), 0.0)

    def test_every_fault_comes_once_before_any_comes_again(self):
        order = list(itertools.islice(faults.schedule(5, faults.FAULTS), 2 * len(faults.FAULTS)))
        half = len(faults.FAULTS)
        self.assertEqual(sorted(order[:half]), sorted(faults.FAULTS))
        self.assertEqual(sorted(order[half:]), sorted(faults.FAULTS))


if __name__ == "__main__":
    unittest.main()
