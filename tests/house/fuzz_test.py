"""Each function that decodes bytes from outside is called by a fuzz target."""

import re
import unittest

from planted import ROOT

# name(std::string_view ...) in a header: what it takes may be anything.
DECODER = re.compile(r"\b((?:decode|parse)_\w+)\(std::string_view")
ROOMS = ("agent/isolation", "executors/batch", "master/record", "master/view", "model",
         "proto/codec", "runtime")
# Reached through the decoders above them, or fed by an operator's own flags only.
NOT_FROM_OUTSIDE = {
    "decode_base64", "parse_bounded", "parse_frame", "parse_http_url", "parse_log_level",
    "parse_payload",
}


class FuzzTest(unittest.TestCase):
    def test_each_decoder_of_bytes_from_outside_has_a_fuzz_target(self):
        targets = "".join(
            path.read_text() for path in (ROOT / "tests/fuzz/targets").glob("*.cpp")
            if path.name != "write_seeds.cpp")
        found = 0
        for room in ROOMS:
            for header in (ROOT / room).glob("*.hpp"):
                for name in DECODER.findall(header.read_text()):
                    if name in NOT_FROM_OUTSIDE:
                        continue
                    found += 1
                    self.assertTrue(name + "(" in targets, f"{header}: {name} is not fuzzed")
        self.assertGreater(found, 15)

    def test_each_fuzz_target_is_run(self):
        listed = (ROOT / "tests/fuzz/CMakeLists.txt").read_text()
        for path in (ROOT / "tests/fuzz/targets").glob("*.cpp"):
            if path.name != "write_seeds.cpp":
                self.assertRegex(listed, rf"\b{path.stem}\b")


if __name__ == "__main__":
    unittest.main()
