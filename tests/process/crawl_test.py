"""The crawler on a real cluster: whatever is killed, every item is stored once and no shop is
asked too often; and what an operator does to a running crawl happens."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import unittest
import urllib.parse
import zlib

from cluster_case import BIN, wait_for
from crawl_case import CrawlCase

STAGES = ("fetch", "extract", "store")
PROGRESS = {"state", "seconds", "items", "pages", "pages_per_second", "errors", "retries", "queued",
            "stages"}  # of `--progress json`: ./dev demo and others read them by name


# In a network of its own, where port 80 is free: one page, and a crawl of it.
FOUND_BY_NAME = """
import http.server, json, subprocess, sys, threading

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        hosts.add(self.headers["Host"])
        item = {"@type": "Product", "sku": "S1", "name": "Lamp",
                "offers": {"price": "9.50", "priceCurrency": "EUR"}}
        body = "<html><script type='application/ld+json'>%s</script></html>" % json.dumps(item)
        body = b"" if self.path == "/robots.txt" else body.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if body else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

hosts = set()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 80), Page)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(subprocess.run(sys.argv[1:], capture_output=True, text=True).stdout, hosts)
"""


class CrawlTest(CrawlCase):
    @unittest.skipUnless(os.geteuid() == 0, "needs root for a network of its own")
    def test_a_crawl_begins_at_a_seed_whose_host_is_found_by_its_name(self):
        crawl = [BIN / "bourse-crawl-local", "--seed=http://localhost/", f"--dir={self.dir}"]
        done = subprocess.run(
            ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "-", sys.executable,
             "-c", FOUND_BY_NAME, *crawl], capture_output=True, text=True, timeout=60)
        self.assertIn(" 1 items", done.stdout, done.stderr)
        self.assertIn("{'localhost'}", done.stdout)

    def test_a_crawl_of_nothing_and_a_seed_that_is_no_address_are_one_sentence(self):
        for words, said in (((), "nothing to crawl: give --seed=URL, --hosts=FILE or both"),
                            (("--seed=shop.test",), "--seed: "),
                            (("--seed=http://shop.test:8080/",), "names a port; a host that is at"),
                            (("--hosts=/nonexistent",), "/nonexistent: cannot be read")):
            for command in ([BIN / "bourse-crawl-local", f"--dir={self.dir}"],
                            [BIN / "bourse-crawler", "--master=127.0.0.1:1", "--output=/none"]):
                done = subprocess.run([*command, *words], capture_output=True, text=True,
                                      timeout=20)
                self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)

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
            low, high = self.ports
            self.assertTrue(low <= ports[0]["begin"] == ports[0]["end"] <= high, ports)
            self.assertIn(ports[0]["begin"], self.listening())

    def test_stages_are_tasks_of_three_shapes_and_progress_is_said_in_the_promised_words(self):
        self.start_web(4, 60)
        self.start_cluster()
        crawler = self.start_crawler("--extract=2")
        self.wait_for_more_items(5)
        tasks = self.call({"type": "GET_TASKS"})["get_tasks"]["tasks"]
        shapes = {}
        for task in tasks:
            scalars = {r["name"]: r["scalar"]["value"] for r in task["resources"]
                       if "scalar" in r}
            shapes.setdefault(task["name"], []).append(scalars)
        fetch, extract = {"cpus": 0.5, "mem": 256.0}, {"cpus": 0.8, "mem": 256.0}
        store = {"cpus": 0.2, "mem": 128.0, "disk": 64.0}
        self.assertEqual(set(shapes), set(STAGES))
        for stage, wanted in (("fetch", fetch), ("extract", extract), ("store", store)):
            for shape in shapes[stage]:
                self.assertEqual(shape, wanted, stage)
        report = json.loads(wait_for("progress with items", lambda: next(
            (line for line in crawler.lines if json.loads(line)["items"] > 0), None)))
        self.assertEqual(set(report), PROGRESS)
        self.assertEqual(set(report["stages"]), set(STAGES))
        for row in report["stages"].values():
            self.assertEqual(set(row), {"workers", "queue"})
        said = (pathlib.Path(os.environ["BOURSE_SOURCE"]) / "docs/crawler.md").read_text()
        promised = re.search(r"one object a second on standard output: `([^`]*)`", said)[1]
        words = set(re.findall(r"\w+", promised.split("stages")[0]))
        self.assertEqual(words | {"stages"}, PROGRESS)

    def wait_page(self):
        """Until it has subscribed and published."""
        asked = [BIN / "bourse", "crawl", "--json", f"--master=127.0.0.1:{self.http_port}"]
        wait_for("its page", lambda: subprocess.run(asked, capture_output=True).returncode == 0)

    def test_a_crawler_over_http_has_its_page_too(self):
        self.start_web(2, 20)
        self.start_cluster()
        crawler = self.start_crawler("--extract=1", master=f"http://127.0.0.1:{self.http_port}")
        self.wait_page()
        status = wait_for("items on its page", lambda: next(
            (now for now in [self.status()] if now["run"]["items"] > 0), None))
        self.assertEqual({row["name"] for row in status["stages"]}, set(STAGES))
        self.assertEqual(crawler.popen.wait(90), 0, crawler.errors[-5:])
        self.check(0)

    def test_each_kept_page_unpacks_alone_and_no_host_is_asked_for_more_than_its_budget(self):
        self.start_web(3, 60)
        self.start_cluster()
        crawler = self.start_crawler("--warc", "--pages-per-host=12")
        self.assertEqual(crawler.popen.wait(90), 0, crawler.errors[-5:])
        pages = {}
        for record in self.warc_records():
            head, _, page = record.partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            fields = dict(line.split(": ", 1) for line in lines[1:])
            self.assertEqual((lines[0], fields["WARC-Type"]), ("WARC/1.1", "response"))
            self.assertEqual(int(fields["Content-Length"]), len(page) - len(b"\r\n\r\n"))
            self.assertTrue(page.startswith(b"HTTP/1.1 200"), page[:40])
            url = urllib.parse.urlsplit(fields["WARC-Target-URI"])
            pages.setdefault(url.hostname, set()).add(url.path + "?" + url.query)
        self.assertEqual(len(pages), 3)
        for host, addresses in pages.items():
            self.assertLessEqual(len(addresses), 12, host)
            self.assertGreater(len(addresses), 6, host)
        last = json.loads(crawler.lines[-1])
        self.assertEqual(last["state"], "done")
        self.assertGreaterEqual(sum(map(len, pages.values())), last["items"])
        self.assertGreater(last["items"], 0)
        self.assertLess(last["items"], 3 * 12)

    def warc_records(self):
        """The members of all its files, each unpacked by itself, as a WARC tool would."""
        records = []
        for path in (self.dir / "out").glob("pages-*.warc.gz"):
            rest = path.read_bytes()
            while rest:
                member = zlib.decompressobj(16 + zlib.MAX_WBITS)
                records.append(member.decompress(rest))
                self.assertTrue(member.eof, path)
                rest = member.unused_data
        return records

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
