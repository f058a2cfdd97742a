"""./dev demo with stand-ins for the programs: it tells the truth, and ends without a trace."""

import fcntl
import io
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import struct
import termios
import unittest
import unittest.mock

from local_case import LocalCase

from local_cluster import processes, progress

SMALL = ("--shops", "2", "--items", "5", "--agents", "2", "--port", "0")


class DemoTest(LocalCase):
    def demo(self, *arguments, **environment):
        return self.run_script("demo.py", *SMALL, *arguments, **environment)

    def test_with_json_the_last_line_is_one_object_with_what_was_found(self):
        status, out, err = self.demo("--json", FAKE_FOUND="10")
        self.assertEqual(status, 0, err)
        answer = json.loads(out.splitlines()[-1])
        self.assertEqual(answer["items_expected"], 10)
        self.assertEqual(answer["items_found"], 10)
        wanted = {"items_duplicate", "pacing_violations", "pages", "pages_per_second", "seconds"}
        self.assertLessEqual(wanted, set(answer))
        self.assertEqual(out.count("\n"), 1)
        self.expect_nothing_left()

    def test_each_knob_reaches_the_program_it_is_for(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        knobs = ("--shops", "5", "--items", "2", "--agents", "3", "--port", str(port))
        status, out, err = self.run_script("demo.py", *knobs, FAKE_FOUND="10")
        self.assertEqual(status, 0, err)
        self.assertIn("a master, 3 agents", out)
        self.assertRegex(out, rf"web UI +http://127\.0\.0\.1:{port}\n")
        self.assertEqual(len(self.commands("bourse-agent")), 3)
        self.assertIn(f"--port={port}", self.commands("bourse-master")[0])
        self.assertLessEqual({"--shops=5", "--items=2"}, set(self.commands("bourse-shopweb")[0]))
        self.assertIn("--expect=10", self.commands("bourse-crawler")[0])
        for program in ("bourse-shopweb", "bourse-crawler"):
            self.assertNotIn("--unthrottled", self.commands(program)[0])
        self.assertEqual(self.demo("--unthrottled", FAKE_FOUND="10")[0], 0)
        for program in ("bourse-shopweb", "bourse-crawler"):
            self.assertIn("--unthrottled", self.commands(program)[1])

    def test_a_knob_without_sense_is_one_sentence(self):
        for knob in ("--shops", "--items", "--agents"):
            status, _, err = self.demo(knob, "0")
            self.assertEqual(status, 2)
            self.assertIn(f"{knob} must be at least 1", err)
        status, _, err = self.demo("--port", "65536")
        self.assertEqual(status, 2)
        self.assertIn("--port must be 0 to 65535", err)

    def test_it_ends_with_a_summary_and_the_path_of_the_result(self):
        status, out, _ = self.demo(FAKE_FOUND="10")
        self.assertEqual(status, 0)
        self.assertIn("10 found of 10: 0 missing, 0 twice, 0 wrong", out)
        self.assertRegex(out, r"pages +40 in \d+\.\d s, [\d]+ a second")
        last = out.splitlines()[-1].split()
        self.assertEqual(last[0], "result")
        self.assertTrue(pathlib.Path(last[1]).is_dir())

    def drawn(self, columns, expected, report):
        """What a bar writes to a terminal of so many columns."""
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        terminal = Terminal()
        bar = progress.Progress(expected, terminal)
        size = os.terminal_size((columns, 50))
        with unittest.mock.patch.object(shutil, "get_terminal_size", lambda: size):
            bar.show(report)
        shown = terminal.getvalue()
        bar.done()
        self.assertTrue(terminal.getvalue().endswith("\r\x1b[J"))
        return shown

    def test_the_progress_bar_shows_items_pages_a_second_errors_and_each_stage(self):
        stages = {"fetch": {"workers": 2, "queue": 31}, "store": {"workers": 1, "queue": 0}}
        report = {"items": 199, "pages": 230, "pages_per_second": 41.6, "errors": 7}
        shown = self.drawn(200, 200, {**report, "stages": stages})
        self.assertTrue(shown.startswith("\r[" + "#" * 23 + ".]  99%"), shown)  # not 100 too early
        for part in ("199 items", "230 pages", "42 pages/s", "7 errors", "fetch 2x31", "store 1x0"):
            self.assertIn(part, shown)
        self.assertNotIn("\n", shown)

    def test_at_80_columns_the_bar_shows_the_same_on_two_rows(self):
        stages = {"fetch": {"workers": 16, "queue": 12345},
                  "extract": {"workers": 12, "queue": 12345},
                  "store": {"workers": 8, "queue": 12345}}
        for items, pages in ((29999, 31234), (9999999, 12345678)):
            report = {"items": items, "pages": pages, "pages_per_second": 620, "errors": 4321}
            shown = self.drawn(80, items + 1, {**report, "stages": stages})
            rows = re.sub(r"\x1b\[\d*[A-Z]", "", shown).removeprefix("\r").split("\n")
            self.assertEqual(len(rows), 2)
            for row in rows:
                self.assertLess(len(row), 80)
            self.assertRegex(rows[0], r"^\[#+\.\]  99%  ")
            for part in (f"{items} items", f"{pages} pages", "620 pages/s"):
                self.assertIn(part, rows[0])
            self.assertTrue(rows[0].endswith("  4321 errors"))
            self.assertEqual(rows[1], "fetch 16x12345  extract 12x12345  store 8x12345")
            self.assertTrue(shown.endswith("\x1b[J\x1b[1A"))  # the next is drawn over this one

    def test_on_a_terminal_it_draws_the_bar_and_takes_it_away_at_the_end(self):
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        with open(ours, "rb", buffering=0) as terminal:
            child = self.start("demo.py", *SMALL, stdout=its, FAKE_FOUND="10")
            os.close(its)
            shown = b""
            try:
                while more := terminal.read(65536):
                    shown += more
            except OSError:
                pass  # the last program that had it open has ended
            child.communicate(timeout=50)
        self.assertEqual(child.returncode, 0)
        bars = re.findall(rb"\r\[#*\.*\] +\d+% [^\r\n]*items[^\r\n]*", shown)
        self.assertTrue(bars, shown)
        self.assertIn(b"pages/s", bars[-1])
        taken_away = shown.index(b"\r\x1b[J", shown.index(bars[-1]))
        self.assertIn(b"10 found of 10", shown[taken_away:])

    def test_a_lost_item_fails_the_demo(self):
        status, out, _ = self.demo(FAKE_FOUND="9")
        self.assertEqual(status, 1)
        self.assertIn("9 found of 10", out)
        self.expect_nothing_left()

    def test_an_interruption_in_the_middle_leaves_nothing(self):
        nap = str(200000 + os.getpid())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                child = self.start("demo.py", *SMALL, FAKE_CRAWLER="hangs", FAKE_NAP=nap)
                crawler = self.box / "state/crawler.log"
                self.assertTrue(processes.wait_until(crawler.exists, 20))
                child.send_signal(number)
                child.communicate(timeout=40)
                self.assertEqual(child.returncode, 130)
                self.assertEqual(self.sleepers(nap), [])
                self.expect_nothing_left()
                shutil.rmtree(self.box / "state")

    def test_interruptions_again_and_again_do_not_disturb_the_cleaning_up(self):
        nap = str(210000 + os.getpid())
        child = self.start("demo.py", *SMALL, FAKE_CRAWLER="hangs", FAKE_NAP=nap)
        crawler = self.box / "state/crawler.log"
        self.assertTrue(processes.wait_until(crawler.exists, 20))

        def ended():
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
            return child.poll() is not None

        self.assertTrue(processes.wait_until(ended, 40))
        _, err = child.communicate()
        self.assertEqual((child.returncode, err), (130, ""))
        self.assertEqual(self.sleepers(nap), [])
        self.expect_nothing_left()

    def test_an_interruption_while_it_starts_leaves_nothing(self):
        child = self.start("demo.py", *SMALL, FAKE_CRAWLER="hangs")
        master = self.box / "state/master.out"
        self.assertTrue(processes.wait_until(master.exists, 20))
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=40)
        self.assertEqual(child.returncode, 130)
        self.expect_nothing_left()

    def test_a_demo_that_was_killed_is_tidied_up_by_the_next(self):
        child = self.start("demo.py", *SMALL, FAKE_CRAWLER="hangs")
        crawler = self.box / "state/crawler.log"
        self.assertTrue(processes.wait_until(crawler.exists, 20))
        child.kill()
        child.communicate()
        status, _, err = self.demo(FAKE_FOUND="10")
        self.assertEqual(status, 0, err)
        self.expect_nothing_left()

    def test_with_keep_it_stays_up_until_it_is_interrupted(self):
        child = self.start("demo.py", *SMALL, "--keep", FAKE_FOUND="10")
        for line in child.stdout:
            if line.startswith("still up"):
                break
        self.assertIsNone(child.poll())
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=40)
        self.assertEqual(child.returncode, 0)
        self.expect_nothing_left()


if __name__ == "__main__":
    unittest.main()
