"""Each function that decodes bytes from outside is called by a fuzz target."""

import re
import unittest

from planted import ROOT

# name(std::string_view ...) in a header: what it takes may be anything.
DECODER = re.compile(r"\b((?:decode|parse|read)_\w+)\(\s*std::string_view")
ROOMS = ("agent", "api", "base", "cli", "coordination", "examples", "executors", "framework-sdk",
         "frameworks", "gateway", "link", "master", "model", "proto", "runtime")
# Reached through the decoders above them.
INNER = {"decode_base64", "parse_bounded", "parse_frame", "parse_known", "parse_payload",
         "read_uuid"}
# Fed by flags and files of the operator who starts the program, and by nobody else.
OF_THE_OPERATOR = {
    "parse_hosts", "parse_http_masters", "parse_http_url", "parse_log_level",
    "parse_masters_or_ensemble", "parse_truth", "parse_utc",
}
NOT_FROM_OUTSIDE = INNER | OF_THE_OPERATOR


class FuzzTest(unittest.TestCase):
    def test_each_decoder_of_bytes_from_outside_has_a_fuzz_target(self):
        targets = "".join(
            path.read_text() for path in (ROOT / "tests/fuzz/targets").glob("*.cpp")
            if path.name != "write_seeds.cpp")
        words = set(re.findall(r"\w+", targets))
        found, excused = set(), set()
        for room in ROOMS:
            headers = list((ROOT / room).rglob("*.hpp"))
            self.assertTrue(headers, f"{room} has no headers: is it called otherwise now?")
            for header in headers:
                for name in DECODER.findall(header.read_text()):
                    if name in NOT_FROM_OUTSIDE:
                        excused.add(name)
                        continue
                    found.add(name)
                    self.assertTrue(name in words, f"{header}: {name} is not fuzzed")
        self.assertGreater(len(found), 40)
        self.assertEqual(excused, NOT_FROM_OUTSIDE, "a name that no header has any more")

    def test_each_fuzz_target_is_run(self):
        listed = (ROOT / "tests/fuzz/CMakeLists.txt").read_text()
        for path in (ROOT / "tests/fuzz/targets").glob("*.cpp"):
            if path.name != "write_seeds.cpp":
                self.assertRegex(listed, rf"\b{path.stem}\b")


if __name__ == "__main__":
    unittest.main()
