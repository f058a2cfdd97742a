"""The reads of whole state that Mesos had before its v1 operator API, from real daemons: found by
every path that clients use, in the shapes that were recorded from Mesos. What differs is listed
here, each with its row in docs/mesos-compatibility.md: what differs and is not listed fails, and so
does what is listed and does not differ."""

import json
import os
import pathlib
import unittest
import urllib.parse

import mesos_recordings
from cluster_case import BIN, wait_for
from mesos_recordings import shape
from v1_scheduler import JSON, Scheduler, StreamCase, post, task

PAGE = pathlib.Path(os.environ["BOURSE_SOURCE"]) / "docs/mesos-compatibility.md"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
AGENT_ROUTES = ("state", "monitor/statistics", "containers", "flags")
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
    "healthy": "`healthy`, and updates because of it",
}
COUNTING = "`statistics` of `/monitor/statistics` and `/containers`"
OF_AGENT = {
    "completed_executors":
        "`completed_executors` and `completed_frameworks` of an agent's `/state`",
    "cpus_soft_limit": COUNTING,
    "mem_soft_limit_bytes": COUNTING,
}
COUNTED = {"cpus_limit", "disk_limit_bytes", "cpus_nr_periods", "cpus_nr_throttled",
           "cpus_throttled_time_secs", "mem_total_bytes", "mem_anon_bytes", "mem_cache_bytes",
           "mem_file_bytes", "mem_mapped_file_bytes", "mem_unevictable_bytes", "threads"}

ADDED_METRICS = ("slave/tasks_error",)
ABSENT_METRICS = ("containerizer/", "gc/", "resource_provider_manager/", "slave/recovery_",
                  "slave/container_launch_errors", "slave/executor_directory_max_allowed_age_secs",
                  "slave/executors_preempted", "slave/executors_terminated", "slave/invalid_",
                  "slave/valid_")


def get(port, path, method="GET", headers=()):
    return post(port, "", headers, path, method)


def without_flags(value):
    """Which flags there are is each program's own."""
    return {**value, "flags": {}} if isinstance(value, dict) and "flags" in value else value


class ClassicRoutes(StreamCase):
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

    # -- paths

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

    def test_a_master_s_state_is_found_by_every_path_that_clients_use(self):
        self.start_master()
        for route in MASTER_ROUTES:
            answers = list(self.each_way(self.http_port, ["master"], route))
            self.assertEqual(len(answers), 15)
            for answer in answers:
                self.assertEqual(answer, answers[0])

    def test_an_agent_s_state_is_found_by_every_path_that_clients_use(self):
        self.start_master()
        port = self.begin_agent()
        self.wait_agents(1)
        for route in AGENT_ROUTES:
            answers = list(self.each_way(port, ["slave(1)", "slave%281%29"], route))
            self.assertEqual(len(answers), 21)
            for answer in answers:
                self.assertEqual(answer, answers[0])

    def test_files_of_a_sandbox_are_read_by_pages_of_other_origins(self):
        self.start_master()
        port = self.begin_agent()
        framework = self.framework()
        self.run_to(framework, "TASK_FINISHED", lambda offer: task("t", offer, "echo hello"))
        directory = next((self.dir / "a" / "slaves").glob("*/frameworks/*/executors/t/runs/latest"))
        directory = directory.parent / os.readlink(directory)
        for path, said in (
            (f"/files/browse?path={directory}", lambda found: {
                entry["path"].rsplit("/", 1)[-1] for entry in found} >= {"stdout", "stderr"}),
            (f"/files/read?path={directory}/stdout&offset=0", lambda found: found == {
                "data": "hello\n", "offset": 0}),
        ):
            with self.subTest(path):
                self.assertTrue(said(self.read(path, port)))
                answer = get(port, path + "&jsonp=cb")
                self.assertEqual(answer.headers["Content-Type"], "text/javascript")
                self.assertTrue(said(json.loads(answer.text[len("cb("):-2])), answer.text)

    def test_every_daemon_says_the_same_two_versions(self):
        self.start_master()
        port = self.begin_agent()
        said = {"version": "1.11.0", "bourse_version": "0.1.0"}
        for at in (self.http_port, port):
            self.assertEqual(self.read("/version", at), said)
            call = post(at, {"type": "GET_VERSION"}, {"Content-Type": JSON}, "/api/v1")
            self.assertEqual(json.loads(call.text)["get_version"]["version_info"]["version"],
                             said["version"])
            self.assertEqual(self.read("/state", at)["version"], said["version"])

    def test_every_daemon_says_how_it_was_started_and_keeps_credentials_to_itself(self):
        self.start_master("--zk=zk://user:hunter2@127.0.0.1:1/bourse")
        # Nobody leads there, and the agent finds nobody: what is its own it says all the same.
        agent = self.start("agent", [
            BIN / "bourse-agent", "--master=zk://user:hunter2@127.0.0.1:1/bourse", "--port=0",
            f"--work-dir={self.dir}/a", f"--run-dir={self.dir}/ar", "--resources=cpus:1"])
        port = int(agent.line("ready").rsplit(":", 1)[1])
        told = self.read("/flags", port)["flags"]
        self.assertEqual(told["master"], "zk://***@127.0.0.1:1/bourse")
        self.assertEqual(told["resources"], "cpus:1")
        call = post(port, {"type": "GET_FLAGS"}, {"Content-Type": JSON}, "/api/v1")
        listed = json.loads(call.text)["get_flags"]["flags"]
        self.assertEqual({one["name"]: one["value"] for one in listed}, told)
        self.assertEqual(self.read("/slave(1)/state.json", port)["flags"], told)

    def test_a_large_answer_is_compressed_for_who_takes_it(self):
        self.start_master()
        self.begin_agent()
        self.wait_agents(1)
        answer = get(self.http_port, "/slaves", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(answer.headers["Content-Encoding"], "gzip")
        self.assertEqual(answer.body[:2], b"\x1f\x8b")

    # -- shapes

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

        def settled():
            mine = self.read("/frameworks")["frameworks"][0]
            return ([len(mine[name]) for name in TASK_LISTS] == [1, 0, 2] and mine["offers"])
        wait_for("what ended is settled, and the rest is on offer", settled)
        return framework, port

    def test_a_master_says_its_state_as_mesos_says_it(self):
        framework, _ = self.launched_as_recorded()
        recorded = [e for e in mesos_recordings.read("master-get-with-tasks.txt")
                    if e.path.split("?")[0].rsplit("/", 1)[-1] in MASTER_ROUTES]
        self.assertEqual(len(recorded), 7)
        for exchange in recorded:
            path = exchange.path

            def alike(path=path):
                """An offer may come or go between."""
                value = self.read(path)
                mine = value.get("frameworks")
                return value if not mine or mine[0].get("offers", True) else None
            self.compare(exchange, wait_for(f"{path} with an offer", alike))
        page = PAGE.read_text()
        self.assertEqual({**MORE, **LESS}.keys() - self.met, set(), "listed, and did not come")
        for row in {*MORE.values(), *LESS.values()}:
            self.assertIn(f"\n| {row} |", page)
        # A command task has no executor, whatever runs it.
        for one in self.read("/tasks")["tasks"]:
            self.assertEqual(one["executor_id"], "")
            self.assertEqual(one["framework_id"], framework.framework_id)
            self.assertEqual(one["role"], "*")
            self.assertEqual(one["resources"], {"cpus": 0.1, "mem": 32.0, "disk": 0.0, "gpus": 0.0})
        summary = self.read("/state-summary")
        for row, other in ((summary["slaves"][0], "framework_ids"),
                           (summary["frameworks"][0], "slave_ids")):
            self.assertEqual([row[f"TASK_{s}"] for s in ("RUNNING", "FINISHED", "FAILED", "LOST")],
                             [1, 1, 1, 0])
            self.assertEqual(len(row[other]), 1)

    def test_an_agent_says_its_state_as_mesos_says_it(self):
        framework, port = self.launched_as_recorded()
        found = {e.path: e for e in mesos_recordings.read("agent-get-with-tasks.txt")}
        state = self.read("/slave(1)/state", port)
        self.compare(found["/state"], state, less=OF_AGENT)
        page = PAGE.read_text()
        mine = state["frameworks"][0]
        self.assertEqual((mine["id"], mine["role"]), (framework.framework_id, "*"))
        running = [e for e in mine["executors"] if e["tasks"]]
        self.assertEqual([e["id"] for e in running], ["t1"])
        self.assertEqual(running[0]["tasks"][0]["executor_id"], "")
        self.assertEqual(running[0]["source"], "t1")
        self.assertEqual(running[0]["labels"], [{"key": "k", "value": "v"}])
        self.assertEqual((running[0]["resources"]["cpus"], running[0]["resources"]["mem"]),
                         (0.1, 32.0))
        # Where clients look for what it has written.
        directory = pathlib.Path(running[0]["directory"])
        self.assertEqual(directory.name, running[0]["container"])
        self.assertTrue((directory / "stdout").exists())
        self.assertEqual(state["unreserved_resources_allocated"]["cpus"], 0.1)
        self.assertEqual(state["unreserved_resources"]["cpus"], 4.0)
        self.assertEqual(state["master_hostname"], "127.0.0.1")
        self.assertEqual(state["pid"], f"slave(1)@127.0.0.1:{port}")
        self.assertEqual(state["flags"]["work_dir"], f"{self.dir}/a")
        for route in ("monitor/statistics", "containers"):
            told = self.read("/" + route, port)
            self.compare(found["/" + route], told, more=COUNTED, less={
                *OF_AGENT, "cpus_user_time_secs", "cpus_system_time_secs", "mem_rss_bytes"})
            self.assertEqual([c["executor_id"] for c in told], ["t1"])
            self.assertEqual(told[0]["statistics"]["mem_limit_bytes"], 32 << 20)
            self.assertEqual(told[0]["statistics"]["cpus_limit"], 0.1)
        self.assertEqual(OF_AGENT.keys() - self.met, set(), "listed, and did not come")
        for row in set(OF_AGENT.values()):
            self.assertIn(f"\n| {row} |", page)

    def test_an_agent_counts_under_the_names_that_mesos_has(self):
        _, port = self.launched_as_recorded()
        recorded = next(e for e in mesos_recordings.read("agent-get-with-tasks.txt")
                        if e.path == "/metrics/snapshot")
        told = self.read("/metrics/snapshot", port)
        for name, value in told.items():
            self.assertIsInstance(value, float, name)
            self.assertTrue(name in json.loads(recorded.answer) or name in ADDED_METRICS, name)
        absent = {name for name in json.loads(recorded.answer) if name not in told}
        self.assertEqual({name for name in absent if not name.startswith(ABSENT_METRICS)}, set())
        for name, value in (("registered", 1), ("tasks_running", 1), ("tasks_finished", 1),
                            ("tasks_failed", 1), ("tasks_killed", 0), ("executors_running", 1),
                            ("frameworks_active", 1), ("cpus_total", 4), ("cpus_used", 0.1),
                            ("cpus_percent", 0.025), ("mem_used", 32), ("cpus_revocable_total", 0)):
            with self.subTest(name):
                self.assertEqual(told["slave/" + name], value)
        prometheus = get(port, "/metrics").text
        self.assertIn("bourse_mesos_slave_tasks_running 1.0\n", prometheus)
        self.assertIn("\n| Metrics of an agent |", PAGE.read_text())

    def test_a_timeout_of_a_snapshot_is_a_duration(self):
        self.start_master()
        for at in (self.http_port, self.begin_agent()):
            self.assertEqual(get(at, "/metrics/snapshot?timeout=5secs").status, 200)
            refused = get(at, "/metrics/snapshot?timeout=bad")
            self.assertEqual(refused.status, 400)
            self.assertIn("timeout: 'bad' is not a duration", refused.text)

    def test_an_agent_says_what_the_kernel_counts_of_a_container(self):
        if os.geteuid() != 0:
            self.skipTest("the kernel counts for root's containers alone")
        self.start_master()
        port = self.begin_agent("--cgroups")
        framework = self.framework()
        self.run_to(framework, "TASK_RUNNING", lambda offer: task(
            "t", offer, "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; sleep 1000"))

        def counted():
            told = self.read("/monitor/statistics", port)
            used = told[0]["statistics"] if told else {}
            time = used.get("cpus_user_time_secs", 0) + used.get("cpus_system_time_secs", 0)
            return used if time > 0 and used.get("mem_rss_bytes", 0) > 0 else None
        used = wait_for("what a busy container used", counted)
        self.assertGreater(used["mem_total_bytes"], 0)
        self.assertGreater(used["threads"], 0)
        self.assertGreater(used["timestamp"], 1.7e9)

    def test_a_master_says_who_leads_when_it_began_and_how_it_was_started(self):
        self.start_master("--cluster=here", "--offer-lifetime=90secs")
        state = self.read("/state")
        pid = f"master@127.0.0.1:{self.http_port}"
        self.assertEqual((state["pid"], state["leader"], state["cluster"]), (pid, pid, "here"))
        self.assertEqual(state["leader_info"]["port"], self.http_port)
        self.assertEqual(state["leader_info"]["id"], state["id"])
        self.assertLessEqual(state["start_time"], state["elected_time"])
        self.assertEqual(state["flags"]["offer_lifetime"], "90secs")
        self.assertEqual(state["flags"]["work_dir"], f"{self.dir}/master")
        self.assertEqual(state["activated_slaves"], 0.0)
        self.assertEqual(self.read("/master/flags"), {"flags": state["flags"]})
        listed = self.call({"type": "GET_FLAGS"})["get_flags"]["flags"]
        self.assertEqual({one["name"]: one["value"] for one in listed}, state["flags"])

    def test_resources_are_flat_and_told_apart_by_whose_they_are(self):
        self.start_master()
        self.begin_agent("--resources=cpus:4;mem:2048;disk:1000;ports:[31000-31009,31020-31029];"
                         "cpus(eng/web):2;licences:{b,a}", "--attributes=rack:r1;level:3;"
                         "ids:[1-2,5-5]", "--region=r", "--zone=z")
        self.wait_agents(1)
        agent = self.read("/slaves")["slaves"][0]
        self.assertEqual(agent["resources"], {
            "cpus": 6.0, "mem": 2048.0, "disk": 1000.0, "gpus": 0.0,
            "ports": "[31000-31009, 31020-31029]", "licences": "{a, b}"})
        self.assertEqual(agent["reserved_resources"], {
            "eng/web": {"cpus": 2.0, "mem": 0.0, "disk": 0.0, "gpus": 0.0}})
        self.assertEqual(agent["unreserved_resources"]["cpus"], 4.0)
        self.assertEqual(agent["used_resources"], {
            "cpus": 0.0, "mem": 0.0, "disk": 0.0, "gpus": 0.0})
        self.assertEqual(agent["attributes"], {"rack": "r1", "level": 3.0, "ids": "[1-2, 5-5]"})
        self.assertEqual(agent["domain"], {"fault_domain": {"region": {"name": "r"},
                                                            "zone": {"name": "z"}}})
        self.assertEqual([r["role"] for r in agent["reserved_resources_full"]["eng/web"]],
                         ["eng/web"])
        self.assertRegex(agent["pid"], r"^slave\(1\)@127\.0\.0\.1:\d+$")

    # -- what is asked

    def test_lists_are_of_whom_and_as_long_as_the_request_says(self):
        self.start_master("--reoffer-min=100ms")
        self.begin_agent()
        agent_id = self.wait_agents(1)[0]["agent_info"]["id"]["value"]
        framework = self.framework()
        offer = framework.offer()
        other = self.framework(name="other")
        names = [f"t{i}" for i in range(3)]
        framework.launch(offer, *(task(name, offer, "sleep 1000") for name in names))
        for name in names:
            framework.reach(name, "TASK_RUNNING")

        def tasks(**query):
            return [t["id"] for t in self.read("/tasks?" + urllib.parse.urlencode(query))["tasks"]]
        newest = names[::-1]
        for query, said in (
            ({}, newest), ({"limit": 2}, newest[:2]), ({"limit": 2, "offset": 1}, newest[1:]),
            ({"limit": -1}, newest), ({"limit": 0}, []), ({"offset": 9}, []),
            ({"order": "asc"}, names), ({"order": "des"}, newest),
            ({"order": "asc", "limit": 1, "offset": 1}, names[1:2]),
            ({"task_id": "t1"}, ["t1"]), ({"task_id": "none"}, []),
            ({"framework_id": framework.framework_id}, newest),
            ({"framework_id": other.framework_id}, []),
        ):
            with self.subTest(query):
                self.assertEqual(tasks(**query), said)
        for query in ("limit=many", "limit=-2", "offset=-1", "offset=1.5",
                      "limit=99999999999999999999"):
            with self.subTest(query):
                answer = get(self.http_port, "/tasks?" + query)
                self.assertEqual(answer.status, 400)
                self.assertIn("is not a whole number", answer.text)
        self.assertEqual([f["id"] for f in self.read(
            f"/frameworks?framework_id={other.framework_id}")["frameworks"]], [other.framework_id])
        self.assertEqual(len(self.read("/frameworks")["frameworks"]), 2)
        self.assertEqual(len(self.read(f"/slaves?slave_id={agent_id}")["slaves"]), 1)
        self.assertEqual(self.read("/slaves?slave_id=none"),
                         {"slaves": [], "recovered_slaves": []})

    def test_a_framework_that_is_gone_is_completed_and_its_tasks_with_it(self):
        self.start_master()
        self.begin_agent()
        framework = self.framework()
        offer = framework.offer()
        framework.launch(offer, task("t", offer, "sleep 1000"))
        framework.reach("t", "TASK_RUNNING")
        framework.call("TEARDOWN")

        def completed():
            state = self.read("/state")
            return not state["frameworks"] and state["completed_frameworks"]
        gone = wait_for("the framework is gone", completed)[0]
        self.assertEqual((gone["id"], gone["active"]), (framework.framework_id, False))
        self.assertGreaterEqual(gone["unregistered_time"], gone["registered_time"])
        self.assertEqual(gone["tasks"], [])
        self.assertEqual([t["id"] for t in gone["completed_tasks"]], ["t"])

    def test_orphans_stand_with_their_framework_and_orphan_tasks_stays_empty(self):
        master = self.start_master()
        self.begin_agent()
        framework = self.framework()
        offer = framework.offer()
        framework.launch(offer, task("stays", offer, "sleep 1000"))
        framework.reach("stays", "TASK_RUNNING")
        framework.close()
        self.assertEqual(self.read("/state")["orphan_tasks"], [])
        master.kill()
        self.start_master()
        self.wait_agents(1)

        def orphan():
            state = self.read("/state")
            self.assertEqual(state["orphan_tasks"], [])
            self.assertEqual(state["unregistered_frameworks"], [])
            mine = [f for f in state["frameworks"] if f["id"] == framework.framework_id]
            return mine if mine and mine[0]["tasks"] else None
        mine = wait_for("the orphan", orphan)[0]
        self.assertEqual((mine["recovered"], mine["connected"]), (True, False))
        self.assertEqual([(t["id"], t["state"]) for t in mine["tasks"]],
                         [("stays", "TASK_RUNNING")])

    # -- who reads it

    def test_a_name_server_finds_where_tasks_are_as_it_does_on_mesos(self):
        """What clients of /state do to make addresses: the newest running status, else the agent;
        ports from what the task says of itself, else from what it holds."""
        self.launched_as_recorded()
        state = self.read("/master/state.json")
        agents = {a["id"]: a["pid"].split("@")[1].split(":")[0] for a in state["slaves"]}
        found = {}
        for framework in state["frameworks"]:
            for one in framework["tasks"]:
                if one["state"] != "TASK_RUNNING":
                    continue
                running = [s for s in one["statuses"] if s["state"] == "TASK_RUNNING"]
                newest = max(running, key=lambda s: s["timestamp"])
                infos = newest["container_status"]["network_infos"]
                address = infos[0]["ip_addresses"][0]["ip_address"] or agents[one["slave_id"]]
                ports = [p["number"] for p in one["discovery"]["ports"]["ports"]]
                found[f"{one['discovery']['name']}.{framework['name']}"] = (address, ports)
        self.assertEqual(found, {"sl.plain": ("127.0.0.1", [31005])})
        self.assertEqual(state["leader"].split("@")[1], f"127.0.0.1:{self.http_port}")


if __name__ == "__main__":
    unittest.main()
