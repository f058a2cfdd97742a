"""Files of a room that are compiled as one: what is in it, and what stays as it was without."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from planted import ROOT

PROJECT = f"""
cmake_minimum_required(VERSION 3.25)
project(Small LANGUAGES C CXX)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
include({ROOT}/cmake/Bourse.cmake)
set(bourse_root ${{CMAKE_CURRENT_SOURCE_DIR}})
file(WRITE ${{CMAKE_BINARY_DIR}}/written.cpp "int written() {{ return 0; }}\\n")
bourse_library(NAME room SOURCES a.cpp b.cpp c.cpp alone.cpp ${{CMAKE_BINARY_DIR}}/written.cpp)
bourse_batch(room FILES 2 ALONE alone.cpp)
bourse_executable(NAME program SOURCES main.cpp DEPS room)
"""


class BatchTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="bourse-batch-")
        self.addCleanup(directory.cleanup)
        self.tree = pathlib.Path(directory.name).resolve()
        (self.tree / "CMakeLists.txt").write_text(PROJECT)
        for name in ("a", "b", "c", "alone"):
            (self.tree / f"{name}.cpp").write_text(f"int {name}() {{ return 1; }}\n")
        (self.tree / "main.cpp").write_text("int a(); int b();\nint main() { return a() + b(); }\n")

    def run_it(self, *command):
        done = subprocess.run(command, cwd=self.tree, capture_output=True, text=True,
                              env={**os.environ, "CCACHE_DISABLE": "1"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def configure(self, batches):
        self.run_it("cmake", "-G", "Ninja", "-B", "build", f"-DBOURSE_BATCHES={batches}")
        database = json.loads((self.tree / "build/compile_commands.json").read_text())
        return {entry["file"].removeprefix(f"{self.tree}/") for entry in database}

    def compiled(self):
        """What the library is made of."""
        self.run_it("cmake", "--build", "build", "--target", "program")
        objects = self.run_it("ar", "t", "build/libroom.a").split()
        return sorted(name.removesuffix(".cpp.o") for name in objects)

    def test_a_room_is_compiled_in_batches_less_what_is_alone_or_written_by_the_build(self):
        known = self.configure("ON")
        self.assertEqual(self.compiled(), ["alone", "room_1", "room_2", "written"])
        # Each file is still told how it would be compiled alone, and no path of this machine is
        # in what is compiled.
        self.assertLessEqual({"a.cpp", "b.cpp", "c.cpp", "alone.cpp", "main.cpp"}, known)
        batches = [(self.tree / f"build/batches/room_{i}.cpp").read_text() for i in (1, 2)]
        self.assertEqual("".join(batches),
                         '#include "a.cpp"\n#include "b.cpp"\n#include "c.cpp"\n')

    def test_a_change_of_one_file_is_seen(self):
        self.configure("ON")
        self.compiled()
        self.assertEqual(subprocess.run([self.tree / "build/bin/program"]).returncode, 2)
        (self.tree / "b.cpp").write_text("int b() { return 4; }\n")
        self.compiled()
        self.assertEqual(subprocess.run([self.tree / "build/bin/program"]).returncode, 5)

    def test_other_presets_compile_each_file_alone(self):
        self.configure("OFF")
        self.assertEqual(self.compiled(), ["a", "alone", "b", "c", "written"])


if __name__ == "__main__":
    unittest.main()
