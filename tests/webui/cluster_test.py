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

from cluster_case import wait_for
from crawl_case import CrawlCase
from v1_scheduler import Scheduler, task

LIMIT_S = 150
# At 3 to 8 pages a second and shop that takes longer than all clicks.
SHOPS = 5
ITEMS = 500


def scalars(**amounts):
    return {name: {"value": value} for name, value in amounts.items()}


class WebCluster(CrawlCase):
    ports = (26000, 26999)  # not those of the crawls in other tests

    def setUp(self):
        super().setUp()
        self.start_web(SHOPS, ITEMS)
        self.master = self.start_master()
        self.plan()
        self.start_crawl_agent()
        self.start_crawler("--extract=1", f"--expect={SHOPS * ITEMS}")
        # The pages look for the crawl on the agent that is alone at its start.
        wait_for("a fetcher", lambda: self.workers("fetch"))
        self.start_agent("b")
        wait_for("all agents", lambda: len(self.agents()) == 3)
        self.talk()
        self.want()
        self.wait_for_more_items(3)

    def plan(self):
        """A host that is to be mended, whose drain waits for a framework's budget."""
        self.start_agent("c", "--hostname=mended.test")
        budget = {"key": "bourse.disruption_budget", "value": "min_running=1"}
        steady = self.subscribe("steady", ["eng"], labels={"labels": [budget]})
        offer = steady.offer()
        steady.launch(offer, task("stays", offer, "exec sleep 1000", cpus=1))
        steady.acknowledge(steady.reach("stays", "TASK_RUNNING"))
        steady.call("SUPPRESS")
        self.cli("maintenance", "schedule", "mended.test", "--in=1", "--for=2")
        self.cli("agents", "drain", offer["agent_id"]["value"])

    def talk(self):
        told = self.start_scheduler()
        told.say("launch talks 100 64 echo $$ >pid; echo nothing is wrong >&2; "
                 "while :; do i=$((i+1)); echo line $i of a task; sleep 0.1; done")
        told.line("update talks TASK_RUNNING")
        told.say("launch fails 100 32 exit 3")
        told.line("update fails TASK_FAILED")

    def want(self):
        """A role at its limit, and a framework in it that wants more than any agent has."""
        self.cli("quota", "set", "eng", "--guarantee=cpus=0.5", "--limit=cpus=4,mem=1024")
        self.cli("quota", "set", "batch", "--limit=cpus=0,mem=0")
        self.cli("weight", "set", "eng", "3")
        self.subscribe("nightly", ["batch/nightly"])
        greedy = self.subscribe("greedy", ["eng"])
        greedy.call("REQUEST", {"requests": [{"resources": [
            {"name": "cpus", "type": "SCALAR", "scalar": {"value": 64}}]}] * 2})

    def subscribe(self, name, roles, **info):
        stream = Scheduler(self.http_port, name=name, roles=roles, failover_timeout=3600,
                           capabilities=[{"type": "MULTI_ROLE"}], **info)
        self.addCleanup(stream.close)
        return stream

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
