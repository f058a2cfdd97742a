"""The reads of before the v1 operator API, of a cluster without tasks and of a sandbox's files,
asked again of real daemons as they were asked of Mesos: codes, headers, names and types. What
differs is listed here, each with its row in docs/mesos-compatibility.md: what differs and is not
listed fails, and so does what is listed and does not differ."""

import json
import os
import re
import unittest
import urllib.parse

import mesos_recordings
from classic_case import ClassicCase, without_flags
from mesos_recordings import Differences, headers_that_matter, shape
from v1_scheduler import post, task

HEALTH = "`Content-Type` of `/health`, and its `charset` of `/`"
FILES = "`/files` of a master"
OUTSIDE = "A path that leads out of its sandbox"
BUILD = "Answers of `/version` and `/state`"
OF_BUILD = {(f".build_{what}", kind) for what, kind in (
    ("date", "text"), ("time", "number"), ("user", "text"))}
METRICS = re.compile(r"/metrics/snapshot(\?timeout=5secs)?")
VERSIONED = re.compile(r"(/master|/slave\(1\)|/slave%281%29)?/(state|version)(\?jsonp=cb)?")
MASTER = {
    ("/health", "Content-Type"): ("text/plain; charset=utf-8", HEALTH),
    ("/", "Content-Type"): ("text/html; charset=utf-8", HEALTH),
    ("/files/browse", "status"): (404, FILES),
    ("/files/read", "status"): (404, FILES),
    ("/master/state.json", "status"): (200, "`X.json` as a name of `X`"),
}


def parsed(text):
    """JSON, as it is or as a function's argument; None if it is neither."""
    text = text.strip()
    if text.startswith("cb("):
        text = text[len("cb("):text.rindex(")")]
    try:
        return without_flags(json.loads(text))
    except ValueError:
        return None


class RecordedReads(ClassicCase):
    def replay(self, recording, port, listed):
        differences = Differences(self, listed)
        for exchange in mesos_recordings.read(recording):
            path = exchange.path
            with self.subTest(path, method=exchange.method):
                headers = {k: v for k, v in exchange.headers.items() if k != "Content-Length"}
                answer = post(port, exchange.body, headers, path, exchange.method)
                differences.same((path, "status"), exchange.status, answer.status)
                if answer.status != exchange.status:
                    continue
                self.same_headers(differences, path, exchange, answer)
                theirs, ours = parsed(exchange.answer), parsed(answer.text)
                self.assertEqual(theirs is None, ours is None, answer.text)
                # Which metrics there are is compared where there is something to count.
                if theirs is None or METRICS.fullmatch(path):
                    continue
                theirs, ours = shape(theirs), shape(ours)
                if VERSIONED.fullmatch(path):
                    self.assertEqual((theirs - ours, ours - theirs),
                                     (OF_BUILD, {(".bourse_version", "text")}))
                    continue
                self.assertEqual(ours, theirs)
        self.assertIn(f"\n| {BUILD} |", mesos_recordings.PAGE.read_text())
        differences.check()

    def same_headers(self, differences, path, exchange, answer):
        theirs = headers_that_matter(exchange.answer_headers)
        ours = headers_that_matter(answer.headers)
        if theirs["Location"]:  # with the address of this run
            theirs["Location"] = theirs["Location"].replace("127.0.0.1:5150",
                                                            f"127.0.0.1:{self.http_port}")
        for name, value in theirs.items():
            differences.same((path, name), value, ours[name])

    def test_recorded_reads_of_a_master_without_frameworks_are_answered_alike(self):
        self.start_master()
        self.begin_agent("--resources=cpus:4;mem:8192;disk:8192;ports:[31000-32000]")
        self.wait_agents(1)
        self.replay("master-get-empty-cluster.txt", self.http_port, MASTER)
        self.replay("master-get-variants.txt", self.http_port, {})

    def test_recorded_reads_of_an_agent_without_tasks_are_answered_alike(self):
        self.start_master()
        port = self.begin_agent("--resources=cpus:4;mem:8192;disk:8192;ports:[31000-32000]")
        self.wait_agents(1)
        self.replay("agent-get-empty.txt", port,
                    {key: value for key, value in MASTER.items() if key[0] == "/health"})

    def test_recorded_reads_of_a_sandbox_are_answered_alike(self):
        self.start_master()
        port = self.begin_agent()
        self.run_to(self.framework(), "TASK_FINISHED", lambda offer: task("t", offer, "echo hello"))
        latest = next((self.dir / "a/slaves").glob("*/frameworks/*/executors/t/runs/latest"))
        mine = str(latest.parent / os.readlink(latest))
        recorded = mesos_recordings.read("agent-files.txt")
        theirs = recorded[0].path.partition("path=")[2]
        self.assertEqual(len(recorded), 8)
        differences = Differences(self, {"/..": (403, OUTSIDE)})
        for exchange in recorded:
            path = exchange.path.replace(theirs, mine)
            with self.subTest(path):
                answer = post(port, "", (), path, exchange.method)
                differences.same(path[-3:], exchange.status, answer.status)
                self.assertEqual(headers_that_matter(answer.headers),
                                 headers_that_matter(exchange.answer_headers))
                told = parsed(exchange.answer)
                if told is None:
                    if answer.status == 200:
                        self.assertEqual(answer.text.strip(), exchange.answer.strip())
                    continue
                self.assertEqual(shape(parsed(answer.text)), shape(told))
                if "/files/read" in path:
                    self.assertEqual(parsed(answer.text), told)
        differences.check()

    def test_a_file_is_saved_under_a_name_that_is_no_more_than_a_name(self):
        self.start_master()
        port = self.begin_agent()
        self.run_to(self.framework(), "TASK_FINISHED", lambda offer: task(
            "t", offer, r"""echo x > 'a"; x=y é.txt'"""))
        latest = next((self.dir / "a/slaves").glob("*/frameworks/*/executors/t/runs/latest"))
        answer = post(port, "", (), "/files/download?path=" + urllib.parse.quote(
            f"{latest.parent / os.readlink(latest)}/a\"; x=y é.txt"), "GET")
        self.assertEqual((answer.status, answer.text), (200, "x\n"))
        self.assertEqual(answer.headers["Content-Disposition"],
                         "attachment; filename=a___x_y___.txt")


if __name__ == "__main__":
    unittest.main()
