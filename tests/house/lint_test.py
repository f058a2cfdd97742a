"""./dev lint: which units are shown to clang-tidy, and that it sees what it is shown."""

import argparse
import json
import shutil
import subprocess
import sys
import unittest
import unittest.mock

from planted import HEADER, ROOT, PlantedTree, git

sys.path.insert(0, str(ROOT / "tools/dev"))

import house
import machine

COPIES = "#include <string>\n#include <utility>\n"
USE_AFTER_MOVE = """
std::string id(std::string name) {
  std::string taken = std::move(name);
  return taken + name;
}
"""
NULL_ON_ONE_PATH = """
int id(int* given) {
  if (given == nullptr) *given = 1;
  return 1;
}
"""


class LintTest(PlantedTree):
    def setUp(self):
        super().setUp()
        root = unittest.mock.patch.object(house, "ROOT", self.root)
        root.start()
        self.addCleanup(root.stop)
        self.build = self.root / "build"

    def units(self, *names):
        return {str(self.root / name) for name in names}

    def wanted(self, changed, units, included_by=None):
        paths = {
            str(self.root / header): self.units(*names)
            for header, names in (included_by or {}).items()
        }
        found = house.units_for(changed, self.units(*units), paths)
        return [path.removeprefix(f"{self.root}/") for path in found]

    def commit_all(self, message):
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", message)

    def compiled(self, *commands):
        self.build.mkdir(exist_ok=True)
        entries = [
            {"directory": str(self.root), "file": str(self.root / name),
             "command": f"c++ -std=c++20 -I{self.root} {words} -c {self.root / name}"}
            for name, words in commands
        ]
        (self.build / "compile_commands.json").write_text(json.dumps(entries))

    def clang_tidy(self, **options):
        """What ./dev lint runs, on the planted tree under the house's own list of checks."""
        shutil.copy(ROOT / ".clang-tidy", self.root)
        caught = []

        def run(command):
            done = subprocess.run(command, cwd=self.root, capture_output=True, text=True)
            caught.append(done.stdout + done.stderr)
            return done.returncode

        chosen = argparse.Namespace(**{"all": False, "files": [], **options})
        with unittest.mock.patch.object(house, "run_tool", run):
            return house.clang_tidy(chosen, self.build), "".join(caught)

    def test_what_differs_from_main_is_linted_committed_or_not(self):
        git(self.root, "checkout", "-q", "-b", "main")
        self.commit_all("as it was")
        git(self.root, "checkout", "-q", "-b", "mine")
        self.plant({"base/id.cpp": "// changed\n"})
        self.commit_all("changed")
        self.plant({"base/new.cpp": "// new\n", "base/id.hpp": "// edited\n"})
        git(self.root, "rm", "-q", "base/CMakeLists.txt")
        changed = house.changed_since_main()
        self.assertEqual(changed, ["base/id.cpp", "base/id.hpp", "base/new.cpp"])

    def test_without_a_main_to_compare_with_it_says_what_to_do(self):
        git(self.root, "checkout", "-q", "-b", "mine")
        self.commit_all("alone")
        with self.assertRaisesRegex(machine.Refusal, "no main here.*name the files.*--all"):
            house.changed_since_main()

    def test_a_changed_header_is_seen_from_its_own_unit_or_from_one_that_includes_it(self):
        units = ("base/id.cpp", "model/a.cpp", "model/b.cpp")
        included_by = {"model/b.hpp": units, "base/time.hpp": units[:0:-1]}
        self.assertEqual(self.wanted(["model/b.hpp"], units, included_by), ["model/b.cpp"])
        self.assertEqual(self.wanted(["base/time.hpp"], units, included_by), ["model/a.cpp"])
        self.assertEqual(self.wanted(["model/b.cpp"], units, included_by), ["model/b.cpp"])
        self.assertEqual(self.wanted(["docs/STYLE.md", "gone.hpp"], units, included_by), [])

    def test_another_list_of_checks_is_another_tree(self):
        units = ("base/id.cpp", "model/a.cpp")
        self.assertEqual(self.wanted([".clang-tidy"], units), sorted(units))

    def test_who_includes_a_header_is_what_the_build_noted(self):
        noted = "a.o: #deps 2, deps mtime 1 (VALID)\n    /x/a.cpp\n    /x/id.hpp\n\n"
        noted += "b.o: #deps 2, deps mtime 1 (VALID)\n    /x/b.cpp\n    /x/id.hpp\n\n"
        done = subprocess.CompletedProcess([], 0, noted, "")
        with unittest.mock.patch("subprocess.run", return_value=done):
            self.assertEqual(house.includers("/x"), {"/x/id.hpp": {"/x/a.cpp", "/x/b.cpp"}})

    def test_of_files_that_were_compiled_as_one_the_header_is_seen_from_one_that_reads_it(self):
        self.plant({"base/a.cpp": "int a;\n", "base/b.cpp": '#include "base/id.hpp"\nint b;\n'})
        self.compiled(("base/a.cpp", "-o a.o"), ("base/b.cpp", "-o b.o"))
        names = ("build/both.cpp", "base/a.cpp", "base/b.cpp", "base/id.hpp")
        lines = "".join(f"    {self.root / name}\n" for name in names)
        noted = f"both.o: #deps 4, deps mtime 1 (VALID)\n{lines}\n"
        with unittest.mock.patch("subprocess.run",
                                 return_value=subprocess.CompletedProcess([], 0, noted, "")):
            included_by = house.includers(self.build)
        database = json.loads((self.build / "compile_commands.json").read_text())
        commands = house.once_each(database, self.build)
        found = house.units_for(["base/id.hpp"], set(commands), included_by,
                                lambda unit, header: house.reads(commands[unit], header))
        self.assertEqual(found, [str(self.root / "base/b.cpp")])

    def test_a_unit_that_nothing_compiles_is_refused_by_name(self):
        self.compiled(("base/id.cpp", ""))
        with self.assertRaisesRegex(machine.Refusal, "no unit.*compiles base/od.cpp: name a .cpp"):
            self.clang_tidy(files=["base/od.cpp"])

    def test_a_defect_in_a_unit_or_a_header_is_an_error(self):
        self.compiled(("base/id.cpp", ""))
        self.assertEqual(self.clang_tidy(all=True)[0], 0)
        self.plant({"base/id.cpp": COPIES + USE_AFTER_MOVE})
        for options in ({"all": True}, {"files": ["base/id.cpp"]}):
            failed, said = self.clang_tidy(**options)
            self.assertEqual(failed, 1, said)
            self.assertIn("[bugprone-use-after-move", said)
        self.plant({"base/id.cpp": '#include "base/id.hpp"\n' + NULL_ON_ONE_PATH,
                    "base/id.hpp": HEADER + "struct Id {\n  Id(int number);\n};\n"})
        failed, said = self.clang_tidy(all=True)
        self.assertEqual(failed, 1, said)
        self.assertIn("[google-explicit-constructor", said)
        self.assertIn("[clang-analyzer-core.NullDereference", said)

    def test_a_unit_that_is_compiled_twice_is_looked_at_once(self):
        self.compiled(("base/id.cpp", ""), ("base/id.cpp", "-DBOURSE_PROBES"))
        self.assertEqual(self.clang_tidy(all=True)[0], 0)
        shown = json.loads((self.build / "lint/compile_commands.json").read_text())
        self.assertEqual([entry["file"] for entry in shown], [str(self.root / "base/id.cpp")])


if __name__ == "__main__":
    unittest.main()
