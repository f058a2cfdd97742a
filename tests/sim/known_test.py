"""Seeds that are kept for what they once found, or show: regressions, planted bugs, rare paths."""

import re
import subprocess
import sys
import unittest

from sim_case import BIN, SOURCE, SimCase, probes_in_cores, table


class RegressionTest(SimCase):
    def test_every_seed_that_once_found_a_bug_runs_clean_and_the_same_twice(self):
        rows = table("regression_seeds.txt")
        for seed, found in rows:
            self.assertGreater(len(found), 20, f"seed {seed}: say in a line what it found")
        said = self.kept("--seeds-file", SOURCE / "sim/regression_seeds.txt", "--twice")
        self.assertEqual(said["seeds"], len(rows))
        self.assertEqual(said["seeds_run_twice"], len(rows))


class PlantedTest(SimCase):
    """Bugs that are switched on by name: a judge that cannot fail shows nothing."""

    def test_each_planted_bug_is_caught_by_its_seeds_which_are_clean_without_it(self):
        rows = {}
        for plant, rest in table("planted_seeds.txt"):
            seeds, *promises = rest.split()
            rows[plant] = (seeds, promises)
        known = subprocess.run([BIN / "bourse-sim", "--plants"], capture_output=True, text=True)
        self.assertEqual(set(rows), set(known.stdout.split()), "sim/planted_seeds.txt lists them")
        for plant, (seeds, promises) in rows.items():
            with self.subTest(plant=plant, seeds=seeds):
                code, output = self.sim("--seeds", seeds, "--plant", plant, "--expect-violation")
                self.assertEqual(code, 0, f"./dev sim --planted finds another seed:\n{output}")
                self.assertRegex(output, f"(?m)^seed \\d+: ({'|'.join(promises)}): ")
        for seeds in {seeds for seeds, _ in rows.values()}:
            self.kept("--seeds", seeds)

    def test_the_search_for_such_seeds_names_the_seed_and_what_caught_it(self):
        search = [sys.executable, "-B", SOURCE / "tools/planted_bugs.py", "--most", "3"]
        found = subprocess.run([*search, "early_promise"], capture_output=True, text=True)
        self.assertEqual((found.returncode, found.stdout), (0, "early_promise 1 S25\n"))


class ProbesTest(SimCase):
    def test_every_probe_of_the_cores_is_listed_or_has_a_reason_why_not(self):
        listed = {name for name, _ in table("probes.txt")}
        self.assertEqual(probes_in_cores(), listed, "sim/probes.txt lists the probes of the cores")

    def test_a_probe_that_no_seed_reaches_is_excused_by_a_reason_or_by_a_test_that_is_there(self):
        tests = "".join(path.read_text() for path in (SOURCE / "tests/unit").rglob("*.cpp"))
        for name, reason in table("probes.txt"):
            with self.subTest(probe=name):
                self.assertNotRegex(reason, r"\byet\b|\bfew seeds\b", "say why, or which test")
                test = reason.removeprefix("test: ")
                if test == reason:
                    continue
                written = f'"{test}"' in re.sub(r'"\s*\n\s*"', "", tests)
                told = (SOURCE / "tests/scenarios" / test).is_file()
                self.assertTrue(written or told, f"no test is called '{test}'")

    def test_every_rare_path_that_is_expected_is_reached_by_some_seed(self):
        code, output = self.sim("--cover", SOURCE / "sim/probes.txt", "--json")
        self.assertEqual(code, 0, output)


class ShrinkTest(SimCase):
    def test_a_failing_seed_shrinks_to_the_faults_without_which_it_would_not_fail(self):
        words = ("--seed", "1", "--quiet", "--plant", "zombie_leader")
        code, output = self.sim(*words, "--shrink")
        self.assertEqual(code, 1, output)
        drawn = int(re.search(r"faults: (\d+)", output)[1])
        left = re.findall(r"(?m)^    at \d+ ms: \w+$", output)
        self.assertTrue(0 < len(left) < drawn / 4, output)
        keep = re.search(r"--keep (\S+)$", output, re.MULTILINE)[1]
        code, output = self.sim(*words, "--keep", keep)
        self.assertEqual((code, "seed 1: S3: " in output), (1, True), output)


class PromisesTest(SimCase):
    def promises(self):
        """Name, sentence, what judges it and a reason of each."""
        code, output = self.sim("--invariants")
        self.assertEqual(code, 0, output)
        return [re.fullmatch(r"(\w+) +(.+?): ([^(]+?)(?: \((.+)\))?", line)
                for line in output.splitlines()]

    def test_each_promise_that_is_judged_is_broken_by_some_planted_bug(self):
        caught = {promise for _, rest in table("planted_seeds.txt") for promise in rest.split()[1:]}
        for row in self.promises():
            name, judged_by, reason = row[1], row[3], row[4]
            if judged_by != "not judged":
                called = re.search(r"it is called (\w+)", reason or "")
                self.assertIn(called[1] if called else name, caught)

    def test_each_promise_names_the_code_that_judges_it_or_says_why_nothing_does(self):
        rows = self.promises()
        wanted = [f"S{i}" for i in range(1, 31)] + [f"L{i}" for i in range(1, 8)] + [
            f"O{i}" for i in range(1, 12)] + [f"D{i}" for i in range(1, 4)]
        self.assertEqual([row[1] for row in rows], wanted)
        code_of_sim = "".join(
            path.read_text() for path in (SOURCE / "sim").glob("*.cpp") if path.stem != "promises"
        )
        for _, name, _, judged_by, reason in ((row, *row.groups()) for row in rows):
            with self.subTest(promise=name):
                if judged_by == "not judged":
                    self.assertTrue(self.holds(reason), f"it says why it is not judged: {reason}")
                    continue
                self.assertRegex(code_of_sim, rf"\b{judged_by}\(")
                # Somebody says that it broke, or it says under which name it does.
                called = re.search(r"it is called (\w+)", reason or "")
                said = called[1] if called else name
                self.assertRegex(code_of_sim, rf'[" ]{said}[":]', "nothing says that it broke")


    @staticmethod
    def holds(reason):
        """Whether the reason is so: what it names is there, what it says is not there is not."""
        names = re.findall(r"[\w./]+/[\w./]*", reason or "")
        if names:
            return all((SOURCE / name).exists() for name in names)
        absent = re.match(r"there is no (\w+) log\b", reason or "")
        rooms = ("model", "master", "agent", "runtime", "api")
        return bool(absent) and not any(
            absent[1] in path.read_text().lower()
            for room in rooms for path in (SOURCE / room).rglob("*.[ch]pp"))


class WordsTest(SimCase):
    """What a person types."""

    def test_the_same_seed_tells_the_same_story_from_the_plan_to_its_end(self):
        code, story = self.sim("--seed", "7")
        self.assertEqual(code, 0, story[-2000:])
        self.assertEqual(self.sim("--seed", "7")[1].splitlines()[:-1], story.splitlines()[:-1])
        self.assertTrue(story.startswith("seed 7: "), story[:200])
        for part in ("master", "agent0", "framework0", "fault", "healed", "seed 7: kept"):
            self.assertIn(part, story)

    def test_a_number_of_seconds_ends_in_one_object_with_what_was_run(self):
        said = self.kept("--seconds", "0.5")
        for field in ("seeds", "seeds_per_minute_per_core", "simulated_seconds", "violations"):
            self.assertIn(field, said)
        self.assertEqual(said["violations"], 0)

    def test_a_wrong_word_is_refused_in_a_sentence(self):
        for words, part in (
            (("--plant", "nothing"), "'nothing' is none of amnesia"),
            (("--seeds", "9-3"), "'9-3' is no range of seeds"),
            (("--seeds-file", "/nowhere"), "cannot read /nowhere"),
            (("--cover", "/nowhere"), "cannot read /nowhere"),
            (("--keep", "three"), "'three' is no list of faults"),
        ):
            with self.subTest(words=words):
                code, output = self.sim(*words)
                self.assertEqual((code, part in output), (2, True), output)


if __name__ == "__main__":
    unittest.main()
