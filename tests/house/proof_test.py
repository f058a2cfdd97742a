"""tools/check_proof.py believes only names of tests that exist and run."""

import unittest

from planted import PlantedTree

import check_proof
from tidy_rules.sources import Tree

CATCH = 'TEST_CASE("an agent that \\"returns\\" "\n          "keeps its id", "[agent]") {}\n'
PYTHON = "class DownTest:\n    def test_nothing_is_left(self):\n        pass\n"
SCRIPT = "test('the agents page lists agents', async () => {});\n"
BENCH = "bourse_executable(NAME bench-launch-latency SOURCES x.cpp)\n"


class ProofTest(PlantedTree):
    def problems(self, proof, more=None):
        self.plant(
            {
                **(more or {}),
                "tests/unit/a_test.cpp": CATCH,
                "tests/process/b_test.py": PYTHON,
                "tests/webui/c.test.ts": SCRIPT,
                "tests/scenarios/one.txt": "",
                "bench/CMakeLists.txt": BENCH,
                "bench/whole_crawl.py": "",
                "docs/proof.md": f"| Sentence | Proof |\n|---|---|\n| It holds | {proof} |\n",
            }
        )
        return check_proof.check(Tree.read(self.root))[1]

    def test_names_that_exist_are_believed(self):
        for proof in (
            '`an agent that "returns" keeps its id`',
            "`DownTest.test_nothing_is_left`",
            "`the agents page lists agents`",
            "`tests/scenarios/one.txt`",
            "`tests/process/b_test.py::test_nothing_is_left`",
            "`./dev test`",
            "`./dev bench launch-latency --json` and `./dev demo --json`",
            "`./dev bench whole-crawl`",
        ):
            with self.subTest(proof):
                self.assertEqual(self.problems(proof), [])

    def test_a_row_that_names_no_existing_test_is_caught(self):
        for proof in (
            "`an agent that returns`",
            "`DownTest.test_something_else`",
            "`tests/scenarios/two.txt`",
            "`tests/process/b_test.py::test_gone`",
            "`./dev dance`",
            "`./dev bench nothing`",
            "`./dev sim --seed 1`",
            "trust me",
            "`./dev test` and `gone`",
        ):
            with self.subTest(proof):
                self.assertEqual(len(self.problems(proof)), 1)

    def test_a_test_that_is_always_skipped_is_no_proof(self):
        script = ("export const URL = process.env.CLUSTER\nconst replayed = !URL\n"
                  "test('asked', { skip: replayed }, () => {})\n"
                  "test('kept', { skip: !replayed }, () => {})\n"
                  "test('plain', async () => {})\ntest.skip('never', () => {})\n"
                  "test('off', { skip: true }, () => {})\n")
        python = ("import os, unittest\nclass T:\n"
                  "    @unittest.skip('x')\n    def test_never(self):\n        pass\n"
                  "    @unittest.skipUnless(os.environ.get('DEEP'), 'x')\n"
                  "    def test_deep(self):\n        pass\n"
                  "    @unittest.skipUnless(os.geteuid() == 0, 'x')\n"
                  "    def test_root(self):\n        pass\n")
        catch = 'TEST_CASE("hidden", "[.slow]") {}\nTEST_CASE("shown", "[fast]") {}\n'
        setter = "import os\nRUN = dict(os.environ, CLUSTER='x')\nRUN['DEEP'] = '1'\n"
        files = {"tests/s.mjs": script, "tests/p.py": python, "tests/c.cpp": catch}
        needy = ["asked", "T.test_deep", "test_deep"]
        for name in ["never", "off", "T.test_never", "hidden", *needy]:
            with self.subTest(name):
                found = self.problems(f"`{name}`", files)
                self.assertEqual(len(found), 1)
                self.assertIn("always skipped", found[0])
        for name in ["kept", "plain", "T.test_root", "shown"]:
            with self.subTest(name):
                self.assertEqual(self.problems(f"`{name}`", files), [])
        for name in needy:
            with self.subTest(f"{name}, where somebody sets it"):
                self.assertEqual(
                    self.problems(f"`{name}`", {**files, "tests/runs.py": setter}), [])

    def incidents(self, proof):
        text = ("| Name | What | Where |\n|---|---|---|\n| another | of three | `columns` |\n\n"
                "| Incident | What happened | Test |\n|---|---|---|\n"
                f"| A-1 | it `broke` | {proof} |\n")
        self.plant({"tests/unit/a_test.cpp": CATCH, "docs/proof.md": "",
                    "docs/RELIABILITY.md": text})
        return check_proof.check(Tree.read(self.root))

    def test_an_incident_without_a_test_that_exists_is_caught(self):
        self.assertEqual(self.incidents('`an agent that "returns" keeps its id`'), (1, []))
        for proof in ("`an agent that returns`", "we hope so"):
            with self.subTest(proof):
                count, problems = self.incidents(proof)
                self.assertEqual((count, len(problems)), (1, 1))
                self.assertIn("docs/RELIABILITY.md:7", problems[0])


if __name__ == "__main__":
    unittest.main()
