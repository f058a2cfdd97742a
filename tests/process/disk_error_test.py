"""An agent and a master whose disk fails under them (EIO), and is whole again: what could not be
stored is not done and not promised, and nothing of what was stored is lost."""

import json
import unittest
import urllib.error
import urllib.request

from agent_case import AgentCase, alive
from cluster_case import BIN, ClusterCase, wait_for
from disk_error import NOTHING, SYNCS, WRITES, DiskError

TERMINAL = ("TASK_FINISHED", "TASK_FAILED", "TASK_DROPPED", "TASK_LOST", "TASK_KILLED")


class FailingDisk:
    def disk_of(self, name):
        """What lets the disk of its work directory fail."""
        work = self.dir / name
        work.mkdir()
        disk = DiskError(self.dir / f"{name}.disk", work)
        self.addCleanup(disk.close)
        return disk

    def ended(self, daemon):
        """What it said when it ended by itself, as somebody who cannot go on."""
        status = wait_for(f"{daemon.name} ends", lambda: daemon.popen.poll() is not None
                          and (daemon.popen.returncode,))[0]
        self.assertEqual(status, 1)
        for thread in daemon.collectors:
            thread.join(2)
        return "\n".join(daemon.errors)


class AgentDisk(FailingDisk, AgentCase):
    def begin_on(self, disk):
        self.start_master("--agent-heartbeat=200ms", "--agent-silence=1secs")
        return self.agent_on(disk), self.start_scheduler()

    def agent_on(self, disk):
        agent = self.start("agent a", self.agent_argv(), env=disk.environment)
        agent.line("ready")
        return agent

    def runs_of(self, task):
        """How often its program began, by its own word."""
        book = self.dir / f"runs-{task}"
        return len(book.read_text().splitlines()) if book.exists() else 0

    def launch(self, scheduler, task):
        scheduler.say(f"launch {task} 100 32 echo began >> {self.dir}/runs-{task}")

    @staticmethod
    def states(scheduler, task):
        return [line.split()[2] for line in scheduler.lines if line.startswith(f"update {task} ")]

    def test_what_a_failing_disk_does_not_take_is_refused_and_told_only_once_it_is_stored(self):
        disk = self.disk_of("a")
        agent, scheduler = self.begin_on(disk)
        pid = self.run_task(scheduler, "one")
        ending = self.run_task(scheduler, "two", "while ! [ -e go ]; do sleep 0.05; done; exit 3")
        before = self.agent_id()
        sandbox = next((self.dir / "a").glob("slaves/*/frameworks/*/executors/two/runs/latest"))
        disk.fail(WRITES)
        self.launch(scheduler, "refused")
        self.assertIn("store", scheduler.line("update refused TASK_DROPPED"))
        self.assertGreater(disk.failed(), 0)
        (sandbox / "go").touch()
        wait_for("the end of two", lambda: not alive(ending))
        self.launch(scheduler, "refused-too")
        scheduler.line("update refused-too TASK_DROPPED")
        self.assertNotIn("TASK_FAILED", self.states(scheduler, "two"))
        self.assertIsNone(agent.popen.poll())
        disk.fail(NOTHING)
        self.assertIn("status 3", scheduler.line("update two TASK_FAILED"))
        self.launch(scheduler, "three")
        scheduler.line("update three TASK_FINISHED")
        # What was refused is in no checkpoint either.
        agent.kill()
        self.agent_on(disk)
        self.assertEqual(self.agent_id(), before)
        scheduler.say("kill one")
        scheduler.line("update one TASK_KILLED")
        wait_for("the end of one", lambda: not alive(pid))
        self.assertEqual([self.runs_of(t) for t in ("refused", "refused-too", "three")], [0, 0, 1])

    def test_an_agent_that_cannot_know_what_is_stored_ends_and_takes_its_tasks_back(self):
        disk = self.disk_of("a")
        agent, scheduler = self.begin_on(disk)
        pid = self.run_task(scheduler, "one")
        before = self.agent_id()
        disk.fail(SYNCS)
        self.launch(scheduler, "open")
        self.assertIn("checkpoint.db", self.ended(agent))
        self.assertEqual((self.runs_of("open"), alive(pid)), (0, True))
        # As long as it is so none lives that could promise something.
        self.assertIn("checkpoint.db", self.run_agent(expect=1, env=disk.environment))
        self.assertTrue(alive(pid))
        disk.fail(NOTHING)
        self.agent_on(disk)
        self.assertEqual(self.agent_id(), before)
        wait_for("the end of what was open", lambda: any(
            state in TERMINAL for state in self.states(scheduler, "open")))
        # It was stored or it was not: told as run if it ran, and then once.
        finished = "TASK_FINISHED" in self.states(scheduler, "open")
        self.assertEqual(self.runs_of("open"), int(finished), self.states(scheduler, "open"))
        self.assertTrue(alive(pid))
        scheduler.say("kill one")
        scheduler.line("update one TASK_KILLED")
        self.assertEqual([s for s in self.states(scheduler, "one") if s in TERMINAL],
                         ["TASK_KILLED"])


class RegistryDisk(FailingDisk, ClusterCase):
    def master_on(self, disk):
        return self.start_master(env=disk.environment)

    def begin_on(self, disk):
        master = self.master_on(disk)
        self.start_agent()
        scheduler = self.start_scheduler()
        scheduler.say("launch one 100 32 echo $$ > pid; exec sleep 1000")
        scheduler.line("update one TASK_RUNNING")
        return master, scheduler

    def set_limit(self, role, cpus):
        """The answer to somebody who sets a quota: its status and words; none if there is none."""
        call = {"type": "UPDATE_QUOTA", "update_quota": {"quota_configs": [
            {"role": role, "limits": {"cpus": {"value": cpus}}}]}}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}/api/v1", json.dumps(call).encode(),
            {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return None

    def limits(self):
        configs = self.call({"type": "GET_QUOTA"})["get_quota"]["status"].get("configs", [])
        return {one["role"]: one["limits"]["cpus"]["value"] for one in configs}

    def test_a_write_that_a_failing_disk_does_not_take_is_answered_so_and_promises_nothing(self):
        disk = self.disk_of("master")
        master, scheduler = self.begin_on(disk)
        running = self.processes_of("one")
        disk.fail(WRITES)
        status, words = self.set_limit("eng", 2)
        self.assertEqual(status, 503, words)
        self.assertIn("quota of role 'eng'", words)
        self.assertGreater(disk.failed(), 0)
        self.assertEqual(self.limits(), {})
        # Nor is an agent promised that it is one of the cluster.
        other = self.start("agent b", [
            BIN / "bourse-agent", f"--master=127.0.0.1:{self.link_port}", "--port=0",
            f"--work-dir={self.dir}/b", f"--run-dir={self.dir}/br", "--resources=cpus:1;mem:64"])
        wait_for("a refusal", lambda: any("agent.refused" in line for line in other.errors))
        self.assertEqual(len(self.agents()), 1)
        # What needs no write goes on.
        scheduler.say("launch two 100 32 true")
        scheduler.line("update two TASK_FINISHED")
        self.assertIsNone(master.popen.poll())
        disk.fail(NOTHING)
        self.wait_agents(2)
        self.assertEqual(self.set_limit("ops", 3)[0], 200)
        master.kill()
        self.master_on(disk)
        self.wait_agents(2)
        self.assertEqual(self.limits(), {"ops": 3})
        self.assertEqual(self.processes_of("one"), running)

    def test_a_master_that_cannot_know_what_is_stored_ends_without_an_answer_that_promises(self):
        disk = self.disk_of("master")
        master, scheduler = self.begin_on(disk)
        self.assertEqual(self.set_limit("ops", 3)[0], 200)
        running = self.processes_of("one")
        disk.fail(SYNCS)
        answer = self.set_limit("eng", 2)
        self.assertTrue(answer is None or answer[0] >= 500, answer)
        self.assertIn("registry.db: disk I/O error", self.ended(master))
        # As long as it is so none leads.
        again = self.start("master", [BIN / "bourse-master", "--port=0", "--agent-port=0",
                                      f"--work-dir={self.dir}/master"], env=disk.environment)
        self.assertIn("registry.db: disk I/O error", self.ended(again))
        disk.fail(NOTHING)
        self.master_on(disk)
        self.wait_agents(1)
        # It was stored or it was not; what was promised before is there.
        self.assertIn(self.limits(), [{"ops": 3}, {"ops": 3, "eng": 2}])
        self.assertEqual(self.processes_of("one"), running)
        self.assertEqual(self.set_limit("eng", 1)[0], 200)
        scheduler.say("launch two 100 32 true")
        scheduler.line("update two TASK_FINISHED")


if __name__ == "__main__":
    unittest.main()
