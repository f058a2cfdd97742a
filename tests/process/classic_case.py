"""The reads of whole state that Mesos had before its v1 operator API, from real daemons: how tests
ask for them, and how they are compared with what was recorded from Mesos."""

import json
import os
import pathlib

from cluster_case import wait_for
from mesos_recordings import shape
from v1_scheduler import JSON, Scheduler, StreamCase, post, task

PAGE = pathlib.Path(os.environ["BOURSE_SOURCE"]) / "docs/mesos-compatibility.md"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MASTER_ROUTES = ("state", "state-summary", "slaves", "frameworks", "tasks")
TASK_LISTS = ("tasks", "unreachable_tasks", "completed_tasks")

# The last parts of what is here and not there, or the other way round; and the row that says why.
MORE = {
    "bourse_version": "Answers of `/version` and `/state`",
    "executor_pid": "`container_status.executor_pid` of a status",
}
LESS = {
    "build_date": "Answers of `/version` and `/state`",
    "build_time": "Answers of `/version` and `/state`",
    "build_user": "Answers of `/version` and `/state`",
}


def get(port, path, method="GET", headers=()):
    return post(port, "", headers, path, method)


def without_flags(value):
    """Which flags there are is each program's own."""
    return {**value, "flags": {}} if isinstance(value, dict) and "flags" in value else value


class ClassicCase(StreamCase):
    def setUp(self):
        super().setUp()
        self.met = set()

    def read(self, path, port=None):
        answer = get(port or self.http_port, path)
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, JSON), answer.text)
        return json.loads(answer.text)

    def framework(self, **info):
        self.streams.append(Scheduler(self.http_port, **{"failover_timeout": 60.0, **info}))
        return self.streams[-1]

    def begin_agent(self, *flags):
        return int(self.start_agent("a", *flags).line("ready").rsplit(":", 1)[1])

    def run_to(self, framework, state, wanted):
        """Launches on what is offered; in the end all is acknowledged."""
        offer = framework.offer()
        self.assertEqual(framework.launch(offer, wanted(offer)).status, 202)
        status = framework.reach(wanted(offer)["task_id"]["value"], state)
        framework.acknowledge(status)
        return status

    def each_way(self, port, names, route):
        """By every way that clients take: the same answer."""
        ways = [f"/{name}{route}" for name in ("", *(f"{n}/" for n in names))]
        ways += [way + "/" for way in ways] + [way + ".json" for way in ways]
        ways += [ways[0] + "?_ts=1&unknown=x"]
        for way in ways:
            for method, headers in (("GET", {}), ("POST", FORM)):
                with self.subTest(way, method=method):
                    answer = get(port, way, method, headers)
                    self.assertEqual(answer.status, 200, answer.text)
                    self.assertEqual(answer.headers["Content-Type"], JSON)
                    yield json.loads(answer.text)
        with self.subTest(route, jsonp=True):
            answer = get(port, f"/{route}?jsonp=angular.callbacks._0")
            self.assertEqual(answer.headers["Content-Type"], "text/javascript")
            self.assertTrue(answer.text.startswith("angular.callbacks._0("), answer.text[:80])
            self.assertTrue(answer.text.endswith(");"))
            yield json.loads(answer.text[len("angular.callbacks._0("):-2])
        self.assertEqual(get(port, f"/{route}?jsonp=alert(1)//").status, 400)

    def compare(self, recorded, value, more=(), less=()):
        """Names, presence and types are those that Mesos gave."""
        theirs = shape(without_flags(json.loads(recorded.answer)))
        ours = shape(without_flags(value))
        for listed, parts in (({*MORE, *more}, ours - theirs), ({*LESS, *less}, theirs - ours)):
            for at, kind in parts:
                names = {part.rstrip("[]") for part in at.split(".")} & listed
                self.assertTrue(names, f"{recorded.path}: {at} {kind}")
                self.met |= names

    def launched_as_recorded(self):
        """One that fails, one that finishes and one that runs, with all that can be told."""
        self.start_master("--reoffer-min=100ms")
        port = self.begin_agent("--resources=cpus:4;mem:8192;disk:8192;ports:[31000-32000]")
        framework = self.framework(name="plain", checkpoint=True, labels={
            "labels": [{"key": "a", "value": "b"}]})
        ports = {"ports": [{"number": 31005, "name": "http", "protocol": "tcp"}]}
        offers = iter(range(100))

        def launch(name, command, state, **more):
            offer = framework.offer(skip=next(offers))
            self.assertEqual(framework.launch(offer, task(name, offer, command, **more)).status,
                             202)
            framework.acknowledge(framework.reach(name, state))
        launch("t2", "exit 3", "TASK_FAILED")
        launch("t3", "true", "TASK_FINISHED")
        launch("t1", "sleep 1000", "TASK_RUNNING",
               labels={"labels": [{"key": "k", "value": "v"}]},
               discovery={"visibility": "CLUSTER", "name": "sl", "ports": ports},
               health_check={"type": "COMMAND", "command": {"value": "true"}, "delay_seconds": 0,
                             "interval_seconds": 1, "timeout_seconds": 20,
                             "consecutive_failures": 3, "grace_period_seconds": 10})
        framework.acknowledge(framework.wait(
            "UPDATE", lambda event: event["update"]["status"].get("healthy"))["update"]["status"])

        def settled():
            mine = self.read("/frameworks")["frameworks"][0]
            return ([len(mine[name]) for name in TASK_LISTS] == [1, 0, 2] and mine["offers"])
        wait_for("what ended is settled, and the rest is on offer", settled)
        return framework, port
