"""Agents taken out of service and back: a real master, a real agent, and what runs there."""

import pathlib
import unittest

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

    def processes_of(self, task_id):
        """Its processes that live, by the numbers outside its container."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                environment = (entry / "environ").read_bytes()
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if (f"MESOS_TASK_ID={task_id}\0".encode() in environment and state != "Z"
                    and str(self.dir).encode() in environment):
                found.append(int(entry.name))
        return sorted(found)

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


if __name__ == "__main__":
    unittest.main()
