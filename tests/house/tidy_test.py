"""tools/tidy.py catches a planted violation of each kind, and nothing in a clean tree."""

import pathlib
import tempfile
import unittest

from planted import HEADER, PlantedTree

import tidy
from tidy_rules import floors, headers, sizes, sources

LONG_FUNCTION = "int longer(int a) {\n" + "  a += 1;\n" * 80 + "  return a;\n}\n"


class TidyCase(PlantedTree):
    def findings(self):
        return [str(finding) for finding in tidy.run(self.root)[1]]

    def expect(self, *parts):
        found = self.findings()
        matching = [text for text in found if all(part in text for part in parts)]
        self.assertTrue(matching, f"nothing with {parts} in {found}")

    def expect_clean(self):
        self.assertEqual(self.findings(), [])


class FloorsTest(TidyCase):
    def test_a_clean_tree_has_no_findings(self):
        self.expect_clean()

    def test_an_include_may_look_down(self):
        self.plant_header("model/x.hpp", '#include "base/id.hpp"\n')
        self.expect_clean()

    def test_an_include_may_not_look_up(self):
        self.plant_header("model/x.hpp", "")
        self.plant({"base/id.cpp": '#include "base/id.hpp"\n\n#include "model/x.hpp"\n'})
        self.expect("base/id.cpp:3: floor:", "looks up", "model/x.hpp")

    def test_an_include_may_not_look_sideways(self):
        self.plant_header("agent/core/x.hpp", "")
        self.plant_header("executors/core/y.hpp", '#include "agent/core/x.hpp"\n')
        self.expect("executors/core/y.hpp:3: floor:", "looks sideways")

    def test_a_pure_room_may_not_include_the_world(self):
        self.plant_header("proto/codec/x.hpp", "")
        self.plant_header("master/core/y.hpp", '#include "proto/codec/x.hpp"\n')
        self.expect("master/core/y.hpp:3: floor:", "is pure")
        for header in ("unistd.h", "zmq.hpp", "google/protobuf/message.h", "thread", "fstream"):
            self.plant_header("master/core/z.hpp", f"#include <{header}>\n")
            self.expect("master/core/z.hpp:3: floor:", f"<{header}>")

    def test_the_simulator_may_not_include_runtime(self):
        self.plant_header("runtime/x.hpp", "")
        self.plant_header("sim/y.hpp", '#include "runtime/x.hpp"\n')
        self.expect("sim/y.hpp:3: floor:", "runtime is closed to sim")

    def test_a_header_with_a_heavy_library_stays_in_its_room(self):
        self.plant_header("runtime/x.hpp", "#include <boost/asio/io_context.hpp>\n")
        self.plant_header("runtime/z.hpp", '#include "runtime/x.hpp"\n')
        self.plant({"runtime/CMakeLists.txt": "x.cpp z.cpp"})
        self.expect_clean()
        self.plant_header("cli/y.hpp", '#include "runtime/z.hpp"\n')
        self.expect("cli/y.hpp:3: floor:", "private to runtime: it brings boost")

    def test_a_file_outside_every_room_is_caught(self):
        self.plant({"attic/x.cpp": "", "attic/CMakeLists.txt": "x.cpp"})
        self.expect("attic/x.cpp:1: floor:", "no room")

    def test_an_include_of_nothing_is_caught(self):
        self.plant_header("model/x.hpp", '#include "id.hpp"\n')
        self.expect("model/x.hpp:3: floor:", "not in the tree")

    def test_an_unknown_library_is_caught(self):
        self.plant_header("runtime/x.hpp", "#include <surprise/lib.hpp>\n")
        self.expect("runtime/x.hpp:3: floor:", "no external group")


class TokensTest(TidyCase):
    WORLD = (
        "auto t = std::chrono::steady_clock::now();",
        "std::thread t;",
        "std::mutex m;",
        "std::ifstream f;",
        "std::random_device d;",
        "std::mt19937 g;",
        'printf("x");',
        'spdlog::info("x");',
        "std::cout << 1;",
        'getenv("HOME");',
        "::socket(1, 2, 3);",
        "throw 1;",
        "double d = 0;",
        "google::protobuf::Message* m;",
    )
    ANYWHERE = (
        "co_await x;",
        "assert(x);",
        "std::rand();",
        'std::format("x");',
        "using namespace std;",
    )

    def plant_line(self, room, line):
        text = f"void f() {{\n  {line}\n}}\n"
        self.plant({f"{room}/x.cpp": text, f"{room}/CMakeLists.txt": "x.cpp"})

    def test_each_world_token_is_caught_in_a_core(self):
        for line in self.WORLD:
            with self.subTest(line):
                self.plant_line("master/core", line)
                self.expect("master/core/x.cpp:2: token:")

    def test_world_tokens_are_free_in_runtime(self):
        for line in self.WORLD:
            with self.subTest(line):
                self.plant_line("runtime", line)
                self.expect_clean()

    def test_each_token_banned_anywhere_is_caught(self):
        for line in self.ANYWHERE:
            with self.subTest(line):
                self.plant_line("runtime", line)
                self.expect("runtime/x.cpp:2: token:")

    def test_secrets_compared_with_an_early_exit_are_caught(self):
        for line in ("return token == given;", "if (known.token_ != token) return;",
                     "return given == account->secret;", "return x.password() == y.password;"):
            with self.subTest(line):
                self.plant_line("runtime", line)
                self.expect("runtime/x.cpp:2: token:", "equal_secrets")
                self.plant({"runtime/x.cpp": "", "runtime/CMakeLists.txt": "x.cpp"})
                self.plant_line("tests/unit/base", line)
                self.expect_clean()

    def test_comparisons_beside_secrets_pass(self):
        lines = ("return tokens == 3 && token.size() == given.token.size() &&\n"
                 "  equal_secrets(token, given) && state == Read::secret_file;")
        self.plant_line("runtime", lines)
        self.expect_clean()

    def test_comments_and_strings_are_not_code(self):
        lines = '// std::thread\n/* throw */ const char* s = "double std::mutex"; long n = 1\'000;'
        self.plant_line("master/core", lines)
        self.expect_clean()

    def test_a_static_assert_is_no_assert(self):
        self.plant_line("master/core", "static_assert(1 == 1); ASSERT(true);")
        self.expect_clean()

    def test_an_exception_holds_for_its_file_alone(self):
        text = '#include <cstdio>\nvoid f() { std::fprintf(stderr, ""); }\n'
        self.plant({"base/assert.cpp": text})
        self.plant({"base/CMakeLists.txt": "id.cpp assert.cpp other.cpp"})
        self.plant({"base/other.cpp": "#include <cstdio>\n"})
        found = self.findings()
        self.assertEqual([text for text in found if "base/assert.cpp" in text], [])
        self.assertTrue([text for text in found if "base/other.cpp:1" in text])

    def test_a_sleep_in_a_test_is_caught(self):
        nap = "std::this_thread::sleep_for(x);"
        self.plant_line("tests/unit/base", nap)
        self.expect("tests/unit/base/x.cpp:2: token:", "deadline")
        self.plant({"tests/process/x.py": "import time\ntime." + "sleep(1)\n"})
        self.expect("tests/process/x.py:2: token:")

    def test_the_pause_of_a_polling_loop_is_no_such_sleep(self):
        lines = "while (!done()) {\n    std::this_thread::sleep_for(x);\n  }"
        self.plant_line("tests/unit/base", lines)
        self.expect_clean()


class WordsTest(TidyCase):
    def test_each_forbidden_word_is_caught(self):
        words = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "Clau" + "de", "co-auth" + "ored-by")
        places = ("/wor" + "k/main/x", "/tmp/bours" + "e/brief", "deb.deb" + "ian.org")
        for word in words + places:
            with self.subTest(word):
                self.plant({"notes.txt": f"first\nsecond {word} third\n"})
                self.expect("notes.txt:2: word:")

    def test_ordinary_words_pass(self):
        self.plant({"notes.txt": "a workshop, mktemp x.XXXXXX, TODOS, /proc/work\n"})
        self.expect_clean()

    def test_a_vague_file_name_is_caught(self):
        for name in ("utils.txt", "string_util.txt", "test_helpers.txt", "common.txt"):
            with self.subTest(name):
                self.plant({name: ""})
                self.expect(f"{name}:1: word:")


class SizesTest(TidyCase):
    def plant_long(self, text=LONG_FUNCTION):
        self.plant({"base/id.cpp": '#include "base/id.hpp"\n' + text})

    def test_a_long_function_is_caught(self):
        self.plant_long()
        self.expect("base/id.cpp:2: size: longer has 83 lines, the limit is 70")

    def test_a_long_member_lambda_and_test_are_measured(self):
        body = "  a += 1;\n" * 80
        text = (
            "namespace n {\nclass X : public Y {\n public:\n"
            "  X(int a) : a_{a}, b_(a) {\n" + body + "  }\n"
            "  template <class T>\n  auto go(T t) const -> int {\n" + body + "  }\n};\n"
            'TEST_CASE("a long one", "[x]") {\n' + body + "}\n}\n"
        )
        functions = sizes.cpp_functions(sources.Source("x.cpp", text))
        self.assertEqual([name for name, _, lines in functions if lines > 80],
                         ["X", "go", "a long one"])

    def test_a_table_is_no_function(self):
        text = "constexpr int kTable[] = {\n" + "  f(1),\n" * 90 + "};\nint g() { return 1; }\n"
        functions = sizes.cpp_functions(sources.Source("x.cpp", text))
        self.assertEqual(functions, [("g", 93, 1)])

    def test_the_labels_of_a_switch_are_not_counted(self):
        cases = "    case E::a:\n      return 1;\n" * 60
        text = "int f(E e) {\n  switch (e) {\n" + cases + "  }\n}\n"
        functions = sizes.cpp_functions(sources.Source("x.cpp", text))
        self.assertEqual(functions, [("f", 1, 64)])

    def test_a_long_python_function_is_caught(self):
        self.plant({"tools/x.py": "def longer():\n" + "    print()\n" * 80})
        self.expect("tools/x.py:1: size: longer has 81 lines")

    def test_a_long_file_and_a_long_line_are_caught(self):
        self.plant_long("\n" * 600 + "// " + "x" * 100 + "\n")
        self.expect("base/id.cpp:1: size: has 602 lines, the limit is 500")
        self.expect("base/id.cpp:602: columns: 103 columns")

    def test_the_baseline_lets_what_is_known_pass_with_a_warning(self):
        self.plant_long()
        self.plant({sizes.BASELINE: "function base/id.cpp longer 83\n"})
        self.commit()
        self.expect_clean()
        self.assertEqual(len(tidy.run(self.root)[2]), 1)

    def test_what_is_known_may_not_get_worse(self):
        self.plant_long()
        self.plant({sizes.BASELINE: "function base/id.cpp longer 82\n"})
        self.commit()
        self.expect("longer has 83 lines", "it had 82")

    def test_the_baseline_may_not_grow(self):
        self.plant({sizes.BASELINE: ""})
        self.commit()
        self.plant_long()
        self.plant({sizes.BASELINE: "function base/id.cpp longer 83\n"})
        self.expect("the baseline may only shrink")
        self.commit()
        self.expect("the baseline may only shrink")

    def test_shrinking_lowers_and_never_raises(self):
        self.plant_long()
        rows = "file gone.cpp 700\nfunction base/id.cpp longer 90\nfunction base/id.cpp other 80\n"
        self.plant({sizes.BASELINE: "# why\n" + rows})
        sizes.shrink(sources.Tree.read(self.root), self.plan())
        after = (self.root / sizes.BASELINE).read_text()
        self.assertEqual(after, "# why\nfunction base/id.cpp longer 83\n")

    def plan(self):
        text = (self.root / "tools/floors.toml").read_text()
        return floors.Plan(tidy.tomllib.loads(text))


class UnusedTest(TidyCase):
    def test_a_source_nobody_builds_is_caught(self):
        self.plant({"base/orphan.cpp": ""})
        self.expect("base/orphan.cpp:1: unused:")

    def test_a_python_test_nobody_runs_is_caught(self):
        self.plant({"tests/process/orphan_test.py": ""})
        self.expect("tests/process/orphan_test.py:1: unused:")

    def test_a_header_nobody_includes_is_caught(self):
        self.plant({"base/orphan.hpp": HEADER})
        self.expect("base/orphan.hpp:1: unused:")

    def test_a_page_nobody_links_is_caught(self):
        self.plant({"docs/decisions/0009-x.md": "# X\n", "docs/README.md": "nothing\n"})
        self.expect("docs/decisions/0009-x.md:1: unused:")
        self.plant({"docs/decisions/README.md": "[x](0009-x.md)\n"})
        self.assertEqual([t for t in self.findings() if "0009" in t], [])

    def test_a_link_to_nothing_is_caught(self):
        self.plant({"README.md": "one\n[x](docs/gone.md)\n"})
        self.expect("README.md:2: link: docs/gone.md")


class HeadersTest(TidyCase):
    def test_a_header_without_a_comment_or_guard_is_caught(self):
        self.plant({"base/id.hpp": "int id();\nint other();\n// late\n"})
        self.expect("base/id.hpp:1: header: has no #pragma once")
        self.expect("base/id.hpp:1: header: starts with a comment")

    def test_a_header_that_needs_another_first_is_caught(self):
        self.plant_header("model/x.hpp", "inline std::vector<int> all;\n")
        self.plant({"model/x.cpp": '#include <vector>\n#include "model/x.hpp"\n'})
        with tempfile.TemporaryDirectory() as build_dir:
            _, findings, _ = tidy.run(self.root, build_dir)
            self.assertTrue([f for f in findings if "does not compile alone" in f.text])
            text = "#include <vector>\ninline std::vector<int> all;\n"
            self.plant({"model/x.hpp": HEADER + text})
            _, findings, _ = tidy.run(self.root, build_dir)
            self.assertEqual(findings, [])

    def test_a_header_is_compiled_again_when_what_it_includes_changes(self):
        self.plant_header("model/x.hpp", '#include "base/id.hpp"\ninline int two = id();\n')
        self.plant({"model/x.cpp": '#include <vector>\n#include "model/x.hpp"\n'})
        with tempfile.TemporaryDirectory() as build_dir:
            tree = sources.Tree.read(self.root)
            self.assertEqual(headers.check(tree, pathlib.Path(build_dir)), [])
            self.plant({"base/id.hpp": HEADER + "int renamed();\n"})
            tree = sources.Tree.read(self.root)
            found = [f.path for f in headers.check(tree, pathlib.Path(build_dir))]
            self.assertEqual(found, ["model/x.hpp"])


if __name__ == "__main__":
    unittest.main()
