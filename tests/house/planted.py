"""A tree of a few files in a temporary folder, for planting one violation at a time."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

HEADER = "// What it is.\n#pragma once\n"
CLEAN = {
    "base/CMakeLists.txt": "bourse_library(NAME bourse_base SOURCES id.cpp)\n",
    "base/id.hpp": HEADER + "int id();\n",
    "base/id.cpp": '#include "base/id.hpp"\nint id() { return 1; }\n',
}


def git(root, *arguments):
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


class PlantedTree(unittest.TestCase):
    """Starts from a clean tree with the house's real floors.toml."""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="planted-"))
        self.addCleanup(shutil.rmtree, self.root)
        git(self.root, "init", "-q")
        self.plant(CLEAN)
        (self.root / "tools").mkdir()
        shutil.copy(ROOT / "tools/floors.toml", self.root / "tools/floors.toml")

    def plant(self, files):
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)

    def plant_header(self, path, text):
        """A header and a source that includes it, so that it is not found unused."""
        directory, name = path.rsplit("/", 1)
        source = name.replace(".hpp", ".cpp")
        self.plant(
            {
                path: HEADER + text,
                f"{directory}/{source}": f'#include "{path}"\n',
                f"{directory}/CMakeLists.txt": f"bourse_library(NAME x SOURCES {source})\n",
            }
        )

    def commit(self):
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", "planted")
