"""tools/check_proof.py believes only names that exist."""

import unittest

from planted import PlantedTree

import check_proof
from tidy_rules.sources import Tree

CATCH = 'TEST_CASE("an agent that \\"returns\\" "\n          "keeps its id", "[agent]") {}\n'
PYTHON = "class DownTest:\n    def test_nothing_is_left(self):\n        pass\n"
SCRIPT = "test('the agents page lists agents', async () => {});\n"
BENCH = "bourse_executable(NAME bench-launch-latency SOURCES x.cpp)\n"


class ProofTest(PlantedTree):
    def problems(self, proof):
        self.plant(
            {
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


if __name__ == "__main__":
    unittest.main()
