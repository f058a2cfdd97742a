"""The reads of whole state that Mesos had before its v1 operator API, from real daemons: found by
every path that clients use, in the shapes that were recorded from Mesos. What differs is listed
here, each with its row in docs/mesos-compatibility.md: what differs and is not listed fails, and so
does what is listed and does not differ."""

import json
import unittest
import urllib.parse

import mesos_recordings
from classic_case import LESS, MASTER_ROUTES, MORE, PAGE, ClassicCase, get
from cluster_case import wait_for
from v1_scheduler import JSON, post, task


class ClassicRoutes(ClassicCase):
    # -- paths

    def test_a_master_s_state_is_found_by_every_path_that_clients_use(self):
        self.start_master()
        for route in MASTER_ROUTES:
            answers = list(self.each_way(self.http_port, ["master"], route))
            self.assertEqual(len(answers), 15)
            for answer in answers:
                self.assertEqual(answer, answers[0])

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

    def test_a_large_answer_is_compressed_for_who_takes_it(self):
        self.start_master()
        self.begin_agent()
        self.wait_agents(1)
        answer = get(self.http_port, "/slaves", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(answer.headers["Content-Encoding"], "gzip")
        self.assertEqual(answer.body[:2], b"\x1f\x8b")

    # -- shapes

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

    def test_a_timeout_of_a_snapshot_is_a_duration(self):
        self.start_master()
        for at in (self.http_port, self.begin_agent()):
            self.assertEqual(get(at, "/metrics/snapshot?timeout=5secs").status, 200)
            refused = get(at, "/metrics/snapshot?timeout=bad")
            self.assertEqual(refused.status, 400)
            self.assertIn("timeout: 'bad' is not a duration", refused.text)

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

    def test_a_framework_s_own_executor_is_told_with_its_command_and_its_tasks(self):
        self.start_master()
        port = self.begin_agent()
        framework = self.framework()
        offer = framework.offer()
        amounts = [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.2}},
                   {"name": "mem", "type": "SCALAR", "scalar": {"value": 48}}]
        own = {"executor_id": {"value": "own"}, "name": "mine", "resources": amounts, "command": {
            "value": "exec sleep 1000", "environment": {"variables": [
                {"name": "A", "value": "b"}]}}}
        wanted = task("t", offer, "")
        wanted.pop("command")
        self.assertEqual(framework.launch(offer, {**wanted, "executor": own}).status, 202)

        def launched():
            found = self.read("/frameworks")["frameworks"][0]
            return found if found["executors"] and found["tasks"] else None
        mine = wait_for("the executor", launched)
        executor = mine["executors"][0]
        self.assertEqual((executor["executor_id"], executor["name"], executor["slave_id"]),
                         ("own", "mine", offer["agent_id"]["value"]))
        self.assertEqual(executor["command"]["value"], "exec sleep 1000")
        self.assertEqual((executor["command"]["argv"], executor["command"]["uris"]), ([], []))
        self.assertEqual(executor["command"]["environment"]["variables"][0]["name"], "A")
        self.assertEqual((executor["resources"]["cpus"], executor["resources"]["mem"]), (0.2, 48.0))
        self.assertEqual(executor["role"], "*")
        self.assertEqual(mine["tasks"][0]["executor_id"], "own")
        self.assertEqual(mine["used_resources"]["cpus"], 0.3)

        def queued():
            found = self.read("/state", port)["frameworks"]
            return found and [t for e in found[0]["executors"] for t in e["queued_tasks"]]
        # It never subscribes: what it is to run waits.
        self.assertEqual([t["executor_id"] for t in wait_for("the queued task", queued)], ["own"])

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
