"""./dev demo with stand-ins for the programs: it tells the truth, and ends without a trace."""

import json
import os
import shutil
import signal
import unittest

from local_case import LocalCase

from local_cluster import processes

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
