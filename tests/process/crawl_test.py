"""The crawler on a real cluster: whatever is killed, every item is stored once and no shop is
asked too often; and what an operator does to a running crawl happens."""

import http.client
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import unittest

from cluster_case import BIN, ClusterCase, wait_for

PORTS = (27000, 27999)  # below the ports the kernel gives out by itself
STAGES = ("fetch", "extract", "store")


class CrawlTest(ClusterCase):
    def start_cluster(self):
        self.master = self.start_master()
        self.agent = self.start_crawl_agent()

    def start_crawl_agent(self):
        agent = self.start("agent", [
            BIN / "bourse-agent", f"--master=127.0.0.1:{self.link_port}", "--port=0",
            f"--work-dir={self.dir}/a", f"--run-dir={self.dir}/ar",
            f"--resources=cpus:16;mem:8192;disk:10000;ports:[{PORTS[0]}-{PORTS[1]}]"])
        agent.line("ready")
        return agent

    def start_web(self, shops, items, *flags):
        self.web = self.start("shops", [
            BIN / "bourse-shopweb", "--port=0", f"--shops={shops}", f"--items={items}", "--json",
            f"--truth={self.dir}/truth", f"--hosts={self.dir}/hosts", *flags])
        self.address = json.loads(self.web.line("{"))["address"]

    def start_crawler(self, *flags):
        return self.start("crawler", [
            BIN / "bourse-crawler", f"--master=127.0.0.1:{self.link_port}",
            f"--hosts={self.dir}/hosts", f"--output={self.dir}/out", "--progress=json", *flags])

    # -- looking

    def seen_by_shops(self):
        connection = http.client.HTTPConnection(self.address, timeout=10)
        try:
            connection.request("GET", "/stats", headers={"Host": "control.shopweb"})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def requests_to(self, host):
        return next(row["requests"] for row in self.seen_by_shops()["shops"] if row["shop"] == host)

    def stored(self):
        """Items that are durable."""
        count = 0
        for path in (self.dir / "out").glob("items-*.sqlite"):
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10) as database:
                try:
                    count += database.execute("SELECT count(*) FROM item").fetchone()[0]
                except sqlite3.OperationalError:
                    pass  # its table is being made
            database.close()
        return count

    def wait_for_more_items(self, more):
        start = self.stored()
        wait_for(f"{more} more items than {start}", lambda: self.stored() >= start + more)

    def workers(self, stage):
        """Pids of the workers of a stage on this cluster."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                cwd = os.readlink(entry / "cwd")
            except OSError:
                continue
            ours = os.path.basename(words[0]) == "bourse-crawl-worker" and words[1:2] == [stage]
            if ours and cwd.startswith(str(self.dir)):
                found.append(int(entry.name))
        return found

    def status(self):
        return json.loads(self.cli("crawl", "--json"))

    def wait_status(self, what, condition):
        return wait_for(what, lambda: condition(self.status()))

    def stage(self, status, name):
        return next(row for row in status["stages"] if row["name"] == name)

    def check(self, expect):
        """What the check says of result and manners."""
        stats = self.dir / "stats"
        stats.write_text(json.dumps(self.seen_by_shops()))
        done = subprocess.run(
            [str(BIN / "bourse-crawl-check"), f"--truth={self.dir}/truth",
             f"--output={self.dir}/out", f"--stats={stats}", "--json"],
            capture_output=True, text=True)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return json.loads(done.stdout)

    # -- the tests

    def test_whatever_is_killed_every_item_is_stored_once_and_no_shop_is_asked_too_often(self):
        self.start_web(12, 30)
        self.start_cluster()
        crawler = self.start_crawler()
        for stage in STAGES:
            self.wait_for_more_items(15)
            old = self.workers(stage)
            self.assertTrue(old, f"no worker of {stage}")
            os.kill(old[0], signal.SIGKILL)
            wait_for(f"another worker of {stage}", lambda: [
                pid for pid in self.workers(stage) if pid not in old])
        self.wait_for_more_items(15)
        crawler.kill()
        crawler = self.start_crawler()
        self.wait_for_more_items(15)
        self.master.kill()
        self.master = self.start_master()
        self.wait_for_more_items(15)
        self.agent.kill()
        self.agent = self.start_crawl_agent()
        self.assertEqual(crawler.popen.wait(90), 0, crawler.errors[-5:])
        found = self.check(expect=0)
        self.assertTrue(found["exact"])
        self.assertEqual(found["items_found"], 360)
        self.assertEqual(found["items_duplicate"], 0)
        self.assertEqual(found["pacing_violations"], 0)

    def test_pages_flow_while_master_and_agent_stand_still(self):
        self.start_web(8, 60)
        self.start_cluster()
        self.start_crawler()
        self.wait_for_more_items(10)
        for daemon in (self.master, self.agent):
            daemon.popen.send_signal(signal.SIGSTOP)
        try:
            self.wait_for_more_items(60)
        finally:
            for daemon in (self.master, self.agent):
                daemon.popen.send_signal(signal.SIGCONT)
        # Workers are reached on ports that their tasks were offered.
        for task in self.call({"type": "GET_TASKS"})["get_tasks"]["tasks"]:
            ports = next(r for r in task["resources"] if r["name"] == "ports")["ranges"]["range"]
            self.assertEqual(len(ports), 1)
            self.assertTrue(PORTS[0] <= ports[0]["begin"] == ports[0]["end"] <= PORTS[1], ports)
            self.assertIn(ports[0]["begin"], self.listening())

    def listening(self):
        """The ports that somebody listens on here."""
        lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
        rows = [line.split() for line in lines]
        return {int(row[1].rsplit(":", 1)[1], 16) for row in rows if row[3] == "0A"}

    def test_an_operator_pauses_scales_slows_and_drains_a_running_crawl(self):
        self.start_web(5, 200)
        self.start_cluster()
        crawler = self.start_crawler("--extract=1")
        self.wait_for_more_items(5)
        self.pause_and_resume_all()
        self.pause_and_resume_a_stage()
        self.scale()
        self.slow_down()
        self.drain()
        self.assertIn("nobody.test", self.cli("crawl", "drain", "nobody.test", expect=1))
        self.assertIn("usage", self.cli("crawl", "dance", expect=2))
        crawler.popen.send_signal(signal.SIGINT)
        self.assertEqual(crawler.popen.wait(30), 3)
        self.assertEqual(self.seen_by_shops()["violations"], 0)

    def pause_and_resume_all(self):
        self.cli("crawl", "pause")
        self.wait_status("the crawl rests", lambda s: s["run"]["state"] == "paused" and all(
            row["in_flight"] == 0 for row in s["sites"]))
        before = self.seen_by_shops()["requests"]
        self.wait_two_reports()
        self.assertEqual(self.seen_by_shops()["requests"], before)
        self.cli("crawl", "resume")
        wait_for("requests again", lambda: self.seen_by_shops()["requests"] > before)

    def wait_two_reports(self):
        first = self.status()["time"]
        self.wait_status("two reports", lambda s: s["time"] > first + 1)

    def pause_and_resume_a_stage(self):
        self.cli("crawl", "pause", "store")
        self.wait_status("items wait for the store", lambda s: self.stage(s, "store")["paused"]
                         and self.stage(s, "store")["queue"] > 10)
        before = self.stored()
        self.wait_two_reports()
        self.assertEqual(self.stored(), before)
        self.cli("crawl", "resume", "store")
        self.wait_for_more_items(10)

    def scale(self):
        for wanted in (3, 1):
            self.cli("crawl", "scale", "extract", str(wanted))
            wait_for(f"{wanted} extract workers", lambda: len(self.workers("extract")) == wanted)
            self.wait_status("the same in the report", lambda s: self.stage(
                s, "extract")["workers"] == wanted)
        self.cli("crawl", "scale", "extract", "auto")

    def slow_down(self):
        self.cli("crawl", "rate", "shop-000.test", "0.2")
        slow, other = self.requests_to("shop-000.test"), self.requests_to("shop-001.test")
        wait_for("requests to another shop", lambda: self.requests_to("shop-001.test") > other + 30)
        self.assertLess(self.requests_to("shop-000.test") - slow, 10)
        self.cli("crawl", "rate", "shop-000.test", "3")
        slow = self.requests_to("shop-000.test")
        wait_for("its rate again", lambda: self.requests_to("shop-000.test") > slow + 10)

    def drain(self):
        host = "shop-002.test"
        self.cli("crawl", "drain", host)
        self.wait_status("the site is drained", lambda s: next(
            row["state"] == "draining" and row["in_flight"] == 0
            for row in s["sites"] if row["host"] == host))
        before, other = self.requests_to(host), self.requests_to("shop-001.test")
        wait_for("requests to another shop", lambda: self.requests_to("shop-001.test") > other + 10)
        self.assertEqual(self.requests_to(host), before)
        self.cli("crawl", "undrain", host)
        wait_for("requests again", lambda: self.requests_to(host) > before)

    def test_with_pacing_off_the_shops_report_violations_and_the_check_fails(self):
        self.start_web(4, 20)
        self.start_cluster()
        self.start_crawler("--no-pacing")
        wait_for("violations", lambda: self.seen_by_shops()["pacing_violations"] > 0)
        self.wait_for_more_items(1)
        found = self.check(expect=1)
        self.assertGreater(found["pacing_violations"], 0)
        self.assertFalse(found["exact"])


if __name__ == "__main__":
    unittest.main()
