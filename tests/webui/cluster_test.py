"""The web page of a real cluster: a master, two agents, a crawl and another framework on free
ports; then headless Chromium clicks through the pages. Its screenshots are kept as artefacts."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "process"))

from crawl_case import CrawlCase

LIMIT_S = 150
# At 3 to 8 pages a second and shop that takes longer than all clicks.
SHOPS = 5
ITEMS = 500


class WebCluster(CrawlCase):
    ports = (26000, 26999)  # not those of the crawls in other tests

    def setUp(self):
        super().setUp()
        self.start_web(SHOPS, ITEMS)
        self.start_cluster()
        self.start_agent("b")
        self.start_crawler("--extract=1", f"--expect={SHOPS * ITEMS}")
        self.wait_agents(2)
        self.scheduler = self.start_scheduler()
        self.scheduler.say(
            "launch talks 100 64 echo $$ >pid; echo nothing is wrong >&2; "
            "while :; do i=$((i+1)); echo line $i of a task; sleep 0.1; done")
        self.scheduler.line("update talks TASK_RUNNING")
        self.scheduler.say("launch fails 100 32 exit 3")
        self.scheduler.line("update fails TASK_FAILED")
        self.wait_for_more_items(3)

    def click(self, script):
        """Runs the tests of a script against this cluster; its report, once all passed."""
        done = subprocess.run(
            [os.environ["NODE"], "--test", "--test-reporter=tap", str(HERE / script)],
            cwd=HERE, capture_output=True, text=True, timeout=LIMIT_S,
            env={**os.environ, "BOURSE_URL": f"http://127.0.0.1:{self.http_port}"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return {name: int(count)
                for name, count in re.findall(r"^# (pass|fail|skipped) (\d+)$", done.stdout, re.M)}

    def test_every_page_of_a_real_cluster_shows_it(self):
        report = self.click("cluster_test.mjs")
        self.assertGreaterEqual(report["pass"], 7)
        self.assertEqual(report["skipped"], 0)

    def test_what_the_replayed_cluster_is_clicked_for_holds_on_a_real_one(self):
        self.assertGreaterEqual(self.click("pages_test.mjs")["pass"], 10)


if __name__ == "__main__":
    unittest.main()
