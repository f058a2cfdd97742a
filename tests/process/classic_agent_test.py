"""The state, statistics and metrics that an agent tells besides its v1 operator API, in the shapes
that were recorded from Mesos. What differs is listed here, each with its row in
docs/mesos-compatibility.md: what differs and is not listed fails, and so does what is listed and
does not differ."""

import json
import os
import pathlib
import unittest

import mesos_recordings
from classic_case import PAGE, ClassicCase, get
from cluster_case import BIN, wait_for
from v1_scheduler import JSON, post, task

AGENT_ROUTES = ("state", "monitor/statistics", "containers", "flags")
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
ADDED_METRICS = ("slave/tasks_error", "bourse/http_authentication/refused",
                 "bourse/http_authentication/limited", "bourse/http_authentication/wrong_passwords")
ABSENT_METRICS = ("containerizer/", "gc/", "resource_provider_manager/", "slave/recovery_",
                  "slave/executor_directory_max_allowed_age_secs", "slave/executors_terminated",
                  "slave/invalid_framework_", "slave/valid_framework_")


class ClassicAgent(ClassicCase):
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

    def test_an_agent_says_its_state_as_mesos_says_it(self):
        framework, port = self.launched_as_recorded()
        found = {e.path: e for e in mesos_recordings.read("agent-get-with-tasks.txt")}

        def acknowledged():
            state = self.read("/slave(1)/state", port)
            return None if state["frameworks"][0]["completed_executors"] else state
        state = wait_for("the agent has heard of all acknowledgements", acknowledged)
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
                            ("cpus_percent", 0.025), ("mem_used", 32), ("cpus_revocable_total", 0),
                            ("valid_status_updates", 9), ("invalid_status_updates", 0),
                            ("container_launch_errors", 0),
                            ("executors_preempted", 0)):
            with self.subTest(name):
                self.assertEqual(told["slave/" + name], value)
        prometheus = get(port, "/metrics").text
        self.assertIn("bourse_mesos_slave_tasks_running 1.0\n", prometheus)
        self.assertIn("\n| Metrics of an agent |", PAGE.read_text())

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


if __name__ == "__main__":
    unittest.main()
