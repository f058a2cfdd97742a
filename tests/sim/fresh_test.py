"""Three minutes of seeds that nobody has run before, on as many processes as there are cores. The
commit decides where they begin: its checkout searches the same seeds again, the next one others."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from fresh_seeds import APART, first_seed
from sim_case import BIN, SOURCE, SimCase, read_end

SECONDS = float(os.environ.get("BOURSE_SIM_SECONDS", "180"))
PROCESSES = len(os.sched_getaffinity(0))


class FreshSeedsTest(SimCase):
    def test_every_promise_is_kept_under_fresh_seeds_and_one_of_twenty_runs_the_same_twice(self):
        first, why = first_seed(SOURCE)
        searches = [
            subprocess.Popen(
                [BIN / "bourse-sim", "--json", "--seconds", str(SECONDS), "--first-seed",
                 str(first + index * APART)],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for index in range(PROCESSES)
        ]
        ends = [(search.communicate()[0], search.returncode) for search in searches]
        for output, code in ends:
            self.assertEqual(code, 0, output)
        said = [read_end(output) for output, _ in ends]
        for one in said:
            print(f"seeds {one['first_seed']}-{one['first_seed'] + one['seeds'] - 1}: "
                  f"{one['seeds_per_minute_per_core']} a minute on one core, "
                  f"{one['seeds_run_twice']} of them twice")
        print(f"{sum(one['seeds'] for one in said)} seeds in {SECONDS:g} s, begun where {why}",
              flush=True)
        for one in said:
            self.assertGreater(one["seeds"], 0)
            self.assertLess(one["seeds"], APART)
            if one["seeds"] >= 20:
                self.assertGreater(one["seeds_run_twice"], 0)


class WhereTheyBeginTest(unittest.TestCase):
    """In repositories of their own."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="bourse-fresh-")
        self.addCleanup(self.directory.cleanup)
        self.tree = pathlib.Path(self.directory.name)
        self.git("init", "-q")

    def git(self, *words):
        known = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", self.tree, *known, *words], check=True, capture_output=True)

    def commit(self, text):
        (self.tree / "file").write_text(text)
        self.git("add", "file")
        self.git("commit", "-q", "-m", "a change")
        return first_seed(self.tree)[0]

    def test_a_commit_begins_where_it_began_before_and_another_one_elsewhere(self):
        one = self.commit("one")
        self.assertEqual(first_seed(self.tree)[0], one)
        two = self.commit("two")
        self.assertGreater(abs(two - one), APART)
        self.git("checkout", "-q", "HEAD^")
        self.assertEqual(first_seed(self.tree), (one, "the commit says"))

    def test_a_tree_that_is_not_what_was_committed_begins_where_the_time_says(self):
        one = self.commit("one")
        (self.tree / "file").write_text("changed")
        seed, why = first_seed(self.tree)
        self.assertNotEqual(seed, one)
        self.assertEqual(why, "the time says: what is here is no commit")
        self.assertNotEqual(first_seed(self.tree)[0], seed)

    def test_where_there_is_no_repository_the_time_says_too(self):
        with tempfile.TemporaryDirectory(prefix="bourse-fresh-") as bare:
            self.assertIn("the time says", first_seed(pathlib.Path(bare))[1])


if __name__ == "__main__":
    unittest.main()
