"""Agents taken out of service and back: a real master, a real agent, and what runs there."""

import json
import unittest
import urllib.error
import urllib.request

import mesos_recordings
import v1_scheduler
from cluster_case import ClusterCase, wait_for

# Only SIGKILL ends it.
STUBBORN = "trap '' TERM; while :; do sleep 1; done"


class Maintenance(ClusterCase):
    def start_cluster(self):
        self.master = self.start_master()
        self.start_agent()
        self.scheduler = self.start_scheduler()
        return self.wait_agents(1)[0]["agent_info"]["id"]["value"]

    def agent_row(self):
        return wait_for("the agent's row", lambda: (self.agents() or [None])[0])

    def drain_state(self):
        rows = self.agents()
        return rows[0].get("drain_info", {}).get("state") if rows else None

    def launch(self, task_id, command):
        self.scheduler.say(f"launch {task_id} 1000 64 {command}")
        self.scheduler.line(f"update {task_id} TASK_RUNNING")

    def test_a_deactivated_agent_keeps_its_tasks_and_is_offered_again_once_reactivated(self):
        agent = self.start_cluster()
        self.launch("t1", "exec sleep 1000")
        pids = self.processes_of("t1")
        self.assertTrue(pids)
        self.assertIn("is deactivated", self.cli("agents", "deactivate", agent))
        row = self.agent_row()
        self.assertTrue(row["deactivated"])
        self.assertNotIn("offered_resources", {k: v for k, v in row.items() if v})
        self.assertIn("deactivated", self.cli("agents"))
        self.scheduler.say("launch t2 1000 64 exec sleep 1000")
        # Another agent has no room for it. Each task there takes an offer of it, the second one
        # made when the second is over in which an agent is not offered again: whoever could be
        # offered has been.
        self.start_agent("b", "--resources=cpus:0.5;mem:256;disk:100")
        for small in ("t3", "t4"):
            self.scheduler.say(f"launch {small} 100 32 exec sleep 1000")
            self.scheduler.line(f"update {small} TASK_RUNNING")
        self.assertEqual(self.processes_of("t1"), pids)
        self.assertFalse([line for line in self.scheduler.lines if line.startswith("update t2")])
        self.assertIn("offered again", self.cli("agents", "reactivate", agent))
        self.scheduler.line("update t2 TASK_RUNNING")
        self.assertEqual(self.processes_of("t1"), pids)
        self.assertIn("nothing to end", self.cli("agents", "reactivate", agent, expect=1))
        self.assertIn("not in the registry", self.cli("agents", "gone", "nobody", expect=1))

    def test_a_drain_keeps_its_cap_and_outlives_the_master(self):
        agent = self.start_cluster()
        self.launch("t1", STUBBORN)
        pids = self.processes_of("t1")
        self.assertTrue(pids)
        self.cli("agents", "drain", agent, "--max-grace=2")
        self.assertEqual(self.drain_state(), "DRAINING")
        self.master.kill()
        self.start_master()
        self.assertIn("AGENT_DRAINING", self.scheduler.line("update t1 TASK_KILLED"))
        wait_for("drained", lambda: self.drain_state() == "DRAINED")
        self.assertEqual(self.processes_of("t1"), [])
        self.assertIn("drained", self.cli("agents"))
        self.cli("agents", "reactivate", agent)
        self.wait_agents(1)
        self.launch("t2", "exec sleep 1000")

    def test_an_agent_marked_gone_ends_what_runs_and_stops(self):
        agent = self.start_cluster()
        self.launch("t1", "exec sleep 1000")
        pids = self.processes_of("t1")
        self.assertTrue(pids)
        self.assertIn("gone for ever", self.cli("agents", "gone", agent))
        wait_for("its end is told", lambda: [
            line for line in self.scheduler.lines
            if line.startswith("update t1 TASK_GONE_BY_OPERATOR")
            or line.startswith("update t1 TASK_LOST")])
        process = [p for p in self.processes if p.name == "agent a"][0]
        wait_for("the agent stops", lambda: process.popen.poll() is not None)
        wait_for("nothing runs", lambda: not self.processes_of("t1"))
        self.assertEqual(self.agents(), [])
        self.assertIn("for ever", self.cli("agents", "reactivate", agent, expect=1))

    def test_an_agent_drained_to_be_gone_is_gone_for_ever_once_it_is_empty(self):
        agent = self.start_cluster()
        self.launch("t1", STUBBORN)
        self.cli("agents", "drain", agent, "--mark-gone", "--max-grace=4")
        self.assertEqual(self.drain_state(), "DRAINING")
        self.assertTrue(self.agent_row()["drain_info"]["config"]["mark_gone"])
        self.assertTrue(self.processes_of("t1"))
        # That it shall be gone is as durable as the drain.
        self.master.kill()
        self.start_master()
        told = self.scheduler.line("update t1 TASK_GONE_BY_OPERATOR")
        self.assertIn("AGENT_DRAINING", told)
        process = [p for p in self.processes if p.name == "agent a"][0]
        wait_for("the agent stops", lambda: process.popen.poll() is not None)
        self.assertEqual(self.processes_of("t1"), [])
        wait_for("it is gone", lambda: self.agents() == [])
        self.assertIn("for ever", self.cli("agents", "reactivate", agent, expect=1))

    def status(self):
        return self.call({"type": "GET_MAINTENANCE_STATUS"})["get_maintenance_status"]["status"]

    def test_a_machine_is_planned_taken_down_and_up_and_frameworks_are_asked(self):
        self.start_cluster()
        self.launch("t1", "exec sleep 1000")
        self.launch("t2", "exec sleep 1000")
        host = self.agent_row()["agent_info"]["hostname"]
        self.assertIn("no maintenance", self.cli("maintenance", "schedule"))
        self.assertIn("in no window", self.cli("maintenance", "start", host, expect=1))
        self.cli("maintenance", "schedule", host.upper(), "--in=1", "--for=2")
        self.assertIn(host, self.cli("maintenance", "schedule"))
        inverse = self.scheduler.line("inverse").split()
        self.assertEqual(inverse[2:], [host, "for", "7200000"])
        self.assertIn("nothing yet", self.cli("maintenance", "status"))
        self.scheduler.say(f"stay {inverse[1]}")
        wait_for("its answer", lambda: "it stays" in self.cli("maintenance", "status"))
        (machine,) = self.status()["draining_machines"]
        self.assertEqual(machine["id"], {"hostname": host})
        self.assertEqual([(one["status"], one["framework_id"]["value"])
                          for one in machine["statuses"]],
                         [("DECLINE", self.scheduler.framework_id)])
        again = self.scheduler.line("inverse", skip=1).split()
        self.scheduler.say(f"leave {again[1]}")
        wait_for("its answer", lambda: "it leaves" in self.cli("maintenance", "status"))

        self.cli("maintenance", "start", host)
        self.assertEqual(self.status(), {"down_machines": [{"hostname": host}]})
        self.scheduler.line("update t1 TASK_UNREACHABLE")
        self.scheduler.line("update t2 TASK_UNREACHABLE")
        wait_for("what ran is told to end", lambda: not self.processes_of("t1")
                 and not self.processes_of("t2"))
        self.assertIn("is left out", self.cli("maintenance", "schedule", host, "--remove",
                                              expect=1))
        self.master.kill()
        self.start_master()
        self.assertEqual(self.status(), {"down_machines": [{"hostname": host}]})
        self.assertEqual(self.agents(), [])
        self.cli("maintenance", "stop", host)
        self.assertEqual(self.status(), {})
        self.scheduler.line("update t1 TASK_KILLED")
        self.wait_agents(1)

    def test_the_older_routes_say_the_same(self):
        self.start_cluster()
        host = self.agent_row()["agent_info"]["hostname"]
        window = {"machine_ids": [{"hostname": host}],
                  "unavailability": {"start": {"nanoseconds": 1795361784597169152},
                                     "duration": {"nanoseconds": 3600000000000}}}
        self.assertEqual(self.route("/master/maintenance/schedule"), {})
        self.route("/maintenance/schedule", {"windows": [window]})
        self.assertEqual(self.route("/maintenance/schedule"), {"windows": [window]})
        self.assertEqual(self.route("/maintenance/status"),
                         {"draining_machines": [{"id": {"hostname": host}}]})
        self.assertIn("names neither", self.route("/machine/down", [{}], expect=400))
        self.assertIn("is in no window", self.route("/machine/up", [{"ip": "10.1.1.1"}],
                                                    expect=409))
        self.route("/machine/down", [{"hostname": host}])
        self.assertEqual(self.route("/maintenance/status"),
                         {"down_machines": [{"hostname": host}]})
        self.route("/machine/up", [{"hostname": host}])
        self.assertEqual(self.route("/maintenance/schedule"), {})

    def test_a_framework_over_http_is_asked_to_leave_and_says_what_it_does(self):
        self.start_master()
        self.start_agent()
        agent = self.wait_agents(1)[0]["agent_info"]
        window = {"machine_ids": [{"hostname": agent["hostname"]}],
                  "unavailability": {"start": {"nanoseconds": 1795361784597169152}}}
        self.route("/maintenance/schedule", {"windows": [window]})
        scheduler = v1_scheduler.Scheduler(self.http_port)
        self.addCleanup(scheduler.close)
        offer = scheduler.offer()
        self.assertEqual(offer["unavailability"], window["unavailability"])
        asked = scheduler.wait("INVERSE_OFFERS")["inverse_offers"]["inverse_offers"][0]
        self.assertEqual(asked["unavailability"], window["unavailability"])
        self.assertEqual(asked["agent_id"], agent["id"])
        self.assertEqual(asked["framework_id"]["value"], scheduler.framework_id)
        shown = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]["frameworks"][0]
        self.assertEqual(shown["inverse_offers"], [asked])
        self.assertEqual(shown["offers"][0]["unavailability"], window["unavailability"])
        answer = scheduler.call("ACCEPT_INVERSE_OFFERS", {
            "inverse_offer_ids": [asked["id"]], "filters": {"refuse_seconds": 1.0}})
        self.assertEqual((answer.status, answer.body), (202, b""))
        (machine,) = wait_for("its answer", lambda: [
            one for one in self.status()["draining_machines"]
            if one.get("statuses", [{}])[0].get("status") == "ACCEPT"])
        self.assertEqual(machine["statuses"][0]["framework_id"]["value"], scheduler.framework_id)
        again = scheduler.wait("INVERSE_OFFERS", skip=1)["inverse_offers"]["inverse_offers"][0]
        self.route("/maintenance/schedule", {"windows": []})
        rescinded = scheduler.wait("RESCIND_INVERSE_OFFER")["rescind_inverse_offer"]
        self.assertEqual(rescinded, {"inverse_offer_id": again["id"]})
        wrong = scheduler.call("ACCEPT_INVERSE_OFFERS", {"inverse_offer_ids": [{"value": ""}]})
        self.assertEqual(wrong.status, 400)
        self.assertIn("inverse_offer_ids", wrong.text)
        refused = v1_scheduler.Stream(self.http_port, {"type": "SUBSCRIBE", "subscribe": {
            "framework_info": {"user": "root", "name": "b", "labels": {"labels": [
                {"key": "bourse.disruption_budget", "value": "two"}]}}}})
        self.addCleanup(refused.close)
        self.assertIn("'two'", refused.wait("ERROR")["error"]["message"])

    def test_what_was_recorded_of_mesos_is_answered_alike(self):
        self.start_master()
        asked = 0
        for name in ("operator-master-empty-cluster.txt", "operator-writes.txt"):
            for exchange in mesos_recordings.read(name):
                if not isinstance(exchange, mesos_recordings.Exchange):
                    continue
                if "maintenance" not in (exchange.path + exchange.body).lower():
                    continue
                asked += 1
                headers = {key: value for key, value in exchange.headers.items()
                           if key != "Content-Length"}
                request = urllib.request.Request(
                    f"http://127.0.0.1:{self.http_port}{exchange.path}",
                    exchange.body.encode() or None, headers, method=exchange.method)
                with self.subTest(exchange.body or exchange.path), \
                        urllib.request.urlopen(request, timeout=10) as answer:
                    text = answer.read().decode()
                    self.assertEqual(answer.status, exchange.status)
                    self.assertEqual(bool(text), bool(exchange.answer))
                    if not text:
                        continue
                    ours = json.loads(text)
                    ours.pop("sequence", None)
                    self.assertEqual(ours, json.loads(exchange.answer))
        self.assertGreaterEqual(asked, 7)

    def route(self, path, body=None, expect=200):
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{path}",
                                         None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text, status = answer.read().decode(), answer.status
        except urllib.error.HTTPError as error:
            text, status = error.read().decode(), error.code
        self.assertEqual(status, expect, text)
        return json.loads(text) if status == 200 and text else text

    def test_a_drain_waits_for_a_budget_in_sight_of_operators_and_is_forced(self):
        self.master = self.start_master()
        self.start_agent()
        self.scheduler = self.start_scheduler(
            label=("bourse.disruption_budget", "max_away=1,of=2"))
        agent = self.wait_agents(1)[0]["agent_info"]["id"]["value"]
        self.launch("t1", "exec sleep 1000")
        self.launch("t2", "exec sleep 1000")
        self.cli("agents", "drain", agent)
        self.scheduler.line("update t")
        ended = [line.split()[1] for line in wait_for("one ends", lambda: [
            line for line in self.scheduler.lines if "TASK_KILLED" in line])]
        waits = self.call({"type": "GET_AGENTS"})["get_agents"]["drains"]
        self.assertEqual(waits, [{
            "agent_id": {"value": agent},
            "waits": [{"framework_id": {"value": self.scheduler.framework_id}, "tasks": 1,
                       "running": 1,
                       "why": "waits for the budget of framework "
                              f"{self.scheduler.framework_id}: 1 of 1 away"}]}])
        self.assertIn("1 of 1 away", self.cli("agents"))
        self.master.kill()
        self.start_master()
        wait_for("it waits under the next master", lambda: "1 of 1 away" in self.cli("agents"))
        (left,) = {"t1", "t2"} - set(ended)
        self.assertTrue(self.processes_of(left))
        self.cli("agents", "drain", agent, "--force")
        self.scheduler.line(f"update {left} TASK_KILLED")
        wait_for("drained", lambda: self.drain_state() == "DRAINED")


if __name__ == "__main__":
    unittest.main()
