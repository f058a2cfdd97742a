"""A header that is precompiled and then changed is what its room is compiled with."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from planted import ROOT

PROJECT = f"""
cmake_minimum_required(VERSION 3.25)
project(Small LANGUAGES C CXX)
set(CMAKE_CXX_STANDARD 20)
include({ROOT}/cmake/Cache.cmake)
include({ROOT}/cmake/Bourse.cmake)
set(bourse_standard_headers <string>)
set(BOURSE_PRECOMPILE ON)
bourse_precompile_shared()
bourse_library(NAME says SOURCES says.cpp)
bourse_precompile(says shared.hpp)
bourse_executable(NAME program SOURCES main.cpp DEPS says)
"""


class PrecompileTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="bourse-precompile-")
        self.addCleanup(directory.cleanup)
        self.tree = pathlib.Path(directory.name)
        (self.tree / "CMakeLists.txt").write_text(PROJECT)
        (self.tree / "says.cpp").write_text('#include "shared.hpp"\nint says() { return value; }\n')
        (self.tree / "main.cpp").write_text("int says();\nint main() { return says(); }\n")

    def say(self, value):
        (self.tree / "shared.hpp").write_text(
            f"#pragma once\ninline constexpr int value = {value};\n")

    def run_it(self, *command):
        return subprocess.run(
            command, cwd=self.tree, capture_output=True, text=True,
            env={**os.environ, "CCACHE_DIR": str(self.tree / "cache")})

    def says(self):
        built = self.run_it("cmake", "--build", "build", "--target", "program")
        self.assertEqual(built.returncode, 0, built.stdout + built.stderr)
        return self.run_it("build/bin/program").returncode

    def begin(self):
        shutil.rmtree(self.tree / "build", ignore_errors=True)
        ready = self.run_it("cmake", "-G", "Ninja", "-B", "build")
        self.assertEqual(ready.returncode, 0, ready.stdout + ready.stderr)

    def test_two_changes_of_one_precompiled_header_are_two_though_the_cache_knows_what_was(self):
        for changed in (2, 3):
            self.say(1)
            self.begin()
            self.assertEqual(self.says(), 1)
            self.say(changed)
            self.assertEqual(self.says(), changed)


if __name__ == "__main__":
    unittest.main()
