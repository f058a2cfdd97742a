"""What the pages, the presets and the one door promise is there."""

import concurrent.futures
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import tomllib
import unittest
import zlib

from planted import HEADER, ROOT, PlantedTree

PAGES = {
    "README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "docs/STYLE.md", "docs/TESTING.md",
    "docs/GLOSSARY.md", "docs/life-of-a-task.md", "docs/process-tree.md", "docs/proof.md",
    "docs/decisions/README.md",
}
PRESETS = ("release", "debug", "asan-ubsan", "tsan", "clang")
SANITIZED = {"asan-ubsan": ["address,undefined"], "tsan": ["thread"]}
VERBS = ("build", "test", "demo", "up", "down", "bench", "sim", "fmt", "lint")


def text_of(path):
    return (ROOT / path).read_text()


class DocsTest(unittest.TestCase):
    def test_every_page_that_a_newcomer_is_sent_to_is_there(self):
        for page in PAGES:
            self.assertGreater(len(text_of(page).splitlines()), 10, page)
        index = text_of("docs/README.md")
        for page in sorted((ROOT / "docs").glob("*.md")):
            if page.name != "README.md":
                self.assertIn(f"({page.name})", index, "docs/README.md does not list it")

    def test_the_readme_shows_a_screenshot_of_the_page(self):
        shown = re.search(r"!\[[^]]+\]\((docs/images/\S+\.png)\)", text_of("README.md")).group(1)
        self.assertIn(f"({shown.removeprefix('docs/')})", text_of("docs/ui.md"))
        image = (ROOT / shown).read_bytes()
        self.assertLess(len(image), 400_000, "README.md is to load at once")
        width, height, depth, rows = self.decode(image)
        self.assertEqual((width, depth), (1440, 8))
        self.assertGreaterEqual(height, 900)
        # A page with cards, charts and text: few of its rows are equal. A blank one has one row.
        self.assertGreater(len(set(rows)), height // 2)

    def decode(self, image):
        """Width, height, bits of a channel and the rows of a PNG; every byte of it is checked."""
        self.assertEqual(image[:8], b"\x89PNG\r\n\x1a\n")
        chunks, at = [], 8
        while at < len(image):
            size, kind = struct.unpack(">I4s", image[at : at + 8])
            body = image[at + 8 : at + 8 + size]
            (crc,) = struct.unpack(">I", image[at + 8 + size : at + 12 + size])
            self.assertEqual(zlib.crc32(kind + body), crc, kind)
            chunks.append((kind, body))
            at += 12 + size
        self.assertEqual(chunks[-1][0], b"IEND")
        width, height, depth, colours = struct.unpack(">IIBB", chunks[0][1][:10])
        channels = {0: 1, 2: 3, 3: 1, 6: 4}[colours]
        pixels = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
        row = 1 + width * channels * depth // 8
        self.assertEqual(len(pixels), row * height)
        return width, height, depth, [pixels[i : i + row] for i in range(0, len(pixels), row)]

    def test_the_page_is_made_of_what_is_named_in_exact_versions_and_of_nothing_forsaken(self):
        wanted = json.loads(text_of("webui/package.json"))
        lock = json.loads(text_of("webui/package-lock.json"))["packages"]
        shipped = {path.removeprefix("node_modules/"): package["version"]
                   for path, package in lock.items() if path and not package.get("dev")}
        self.assertEqual(shipped, wanted["dependencies"])
        parts = re.findall(r"^\| (\w+)", text_of("webui/THIRD_PARTY.md"), re.MULTILINE)[1:]
        self.assertEqual(len(parts), len(shipped), parts)
        for part in parts:
            self.assertTrue([name for name in shipped if part.lower() in name], part)
        # What nobody mends any more, in the page or in what builds it.
        for path in lock:
            self.assertNotRegex(path, r"(^|/)(angular|jquery|bootstrap|moment)(/|$)")

    def test_a_working_scheduler_is_about_forty_lines(self):
        lines = [line.strip() for line in text_of("examples/hello/hello.cpp").splitlines()]
        code = [one for one in lines if one and not one.startswith(("//", "#include"))]
        self.assertLessEqual(len(code), 45)

    def test_everything_a_framework_author_sees_says_what_it_is(self):
        headers = sorted((ROOT / "framework-sdk/include/bourse").glob("*.hpp"))
        self.assertGreater(len(headers), 2)
        for header in headers:
            lines = header.read_text().splitlines()
            self.assertTrue(lines[0].startswith("// "), header.name)
            for number, line in enumerate(lines):
                if re.match(r"(class|struct|enum class) \w+ ?[:{]", line):
                    said = lines[number - 1].startswith("//") or "//" in line
                    self.assertTrue(said, f"{header.name}:{number + 1}: {line}")

    def test_every_function_that_a_framework_author_calls_or_writes_says_what_it_does(self):
        functions = 0
        for header in sorted((ROOT / "framework-sdk/include/bourse").glob("*.hpp")):
            lines = header.read_text().splitlines()
            named = ""  # the one before: overloads say it once
            for number, line in enumerate(lines):
                found = re.match(r"  (?:virtual )?[\w:]+(?:<.*>)?&? (\w+)\(", line)
                if line.startswith("   ") or not found or "= delete" in line:
                    continue
                functions += 1
                said = lines[number - 1].lstrip().startswith("//") or "  // " in line
                self.assertTrue(said or found[1] == named, f"{header.name}:{number + 1}: {line}")
                named = found[1]
        self.assertGreater(functions, 35)

    def test_every_room_is_on_the_architecture_page(self):
        page = text_of("docs/ARCHITECTURE.md")
        rooms = tomllib.loads(text_of("tools/floors.toml"))["room"]
        for room in rooms:
            if not (ROOT / room["path"]).exists():
                continue
            parents = [room["path"]]
            while "/" in parents[-1]:
                parents.append(parents[-1].rsplit("/", 1)[0])
            self.assertTrue(any(f"`{path}/`" in page for path in parents), room["path"])

    def test_every_decision_is_listed_with_a_line(self):
        index = text_of("docs/decisions/README.md")
        for page in (ROOT / "docs/decisions").glob("[0-9]*.md"):
            self.assertRegex(index, rf"\| \[{page.stem}\]\({page.name}\) \| \S")


class DoorTest(unittest.TestCase):
    def dev(self, *words):
        return subprocess.run(
            [sys.executable, "-B", str(ROOT / "tools/dev"), *words],
            capture_output=True, text=True, timeout=50)

    def test_every_verb_of_the_one_door_is_listed_and_explains_itself(self):
        listed = self.dev("help").stdout
        for verb in VERBS:
            self.assertRegex(listed, rf"(?m)^  {verb} ")
            done = self.dev(verb, "--help")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"usage: ./dev {verb}", done.stdout)

    def test_every_preset_has_its_name_at_the_door(self):
        presets = json.loads(text_of("CMakePresets.json"))
        for kind in ("configurePresets", "buildPresets", "testPresets"):
            names = {one["name"] for one in presets[kind] if not one.get("hidden")}
            self.assertEqual(names, set(PRESETS), kind)
        for name in PRESETS:
            self.assertIn(name, self.dev("build", "--help").stdout)

    def test_every_preset_configures_the_whole_tree_and_builds_a_room_of_it(self):
        """The whole of each takes a quarter of an hour: ./dev test --preset P."""
        with tempfile.TemporaryDirectory() as box, \
                concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            said = dict(zip(PRESETS, pool.map(lambda name: self.built(box, name), PRESETS)))
        for name, command in said.items():
            sanitized = re.findall(r"-fsanitize=(\S+)", command)
            self.assertEqual(sanitized, SANITIZED.get(name, []), name)
            self.assertEqual("clang++" in command.split()[0], name == "clang", name)

    def built(self, box, preset):
        """How base/result.cpp was compiled."""
        directory = f"{box}/{preset}"
        for command in (["cmake", "--preset", preset, "-B", directory],
                        ["ninja", "-C", directory, "bourse_base"]):
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        database = json.loads(pathlib.Path(directory, "compile_commands.json").read_text())
        return next(one["command"] for one in database
                    if one["file"] == str(ROOT / "base/result.cpp"))

    def test_continuous_integration_does_what_a_person_does(self):
        lines = [line for line in text_of(".ci/run").splitlines() if not line.startswith("#")]
        self.assertEqual(lines, ["set -eu", 'cd "$(dirname "$0")/.."', 'exec ./dev test "$@"'])


class FormatTest(PlantedTree):
    def check(self):
        return subprocess.run(
            [sys.executable, "-B", str(ROOT / "tools/check_format.py"), "--root", str(self.root)],
            capture_output=True, text=True)

    def test_a_file_that_is_not_as_clang_format_writes_it_is_caught(self):
        self.plant({".clang-format": text_of(".clang-format"),
                    "base/id.cpp": '#include "base/id.hpp"\nint id() {\n  return 1;\n}\n'})
        self.assertEqual(self.check().returncode, 0)
        self.plant({"base/id.hpp": HEADER + "int   id( );\n"})
        done = self.check()
        self.assertEqual(done.returncode, 1)
        self.assertIn("base/id.hpp: not as clang-format writes it: ./dev fmt", done.stdout)

    def test_clang_tidy_looks_into_the_headers_of_every_room(self):
        rooms = tomllib.loads(text_of("tools/floors.toml"))["room"]
        wanted = re.search(r"HeaderFilterRegex: '(.*)'", text_of(".clang-tidy"))[1]
        looked_into = [f"/x/{room['path']}/y.hpp" for room in rooms
                       if any((ROOT / room["path"]).rglob("*.hpp"))]
        self.assertGreater(len(looked_into), 20)
        self.assertEqual([path for path in looked_into if not re.search(wanted, path)], [])

    def test_the_list_of_clang_tidy_is_short_and_each_check_an_error(self):
        settings = text_of(".clang-tidy")
        checks = [line for line in settings.splitlines() if re.match(r"  [a-z-]+\S*,?$", line)]
        self.assertLess(len(checks), 60)
        self.assertIn("WarningsAsErrors: '*'", settings)


if __name__ == "__main__":
    unittest.main()
