"""Whose work directory it is: a copy of one, one that was moved, and one whose containers are
elsewhere. And what stands in it of a container that will not go."""

import os
import pathlib
import shutil
import unittest

from agent_case import SOMEBODY_MUST_LOOK, AgentCase, alive
from cluster_case import wait_for


class WorkDir(AgentCase):
    def copy(self):
        """Everything but sockets, as `cp -a` of a work directory that is in use makes it."""
        shutil.copytree(self.dir / "a", self.dir / "b", symlinks=True)

    def refused(self, *flags):
        said = self.run_agent(*flags, expect=SOMEBODY_MUST_LOOK)
        self.assertEqual(len(said.strip().splitlines()), 1, said)
        return said

    def test_an_agent_from_a_copied_work_directory_is_refused_and_the_first_ones_tasks_run_on(self):
        agent, scheduler = self.begin()
        pid = self.run_task(scheduler, "one")
        before = self.agent_id()
        self.copy()
        copied = (f"--work-dir={self.dir}/b", f"--run-dir={self.dir}/br")
        for first_runs in (True, False):
            if not first_runs:
                agent.kill()
            said = self.refused(*copied)
            for words in (f"{self.dir}/b is a copy of {self.dir}/a", "start it from",
                          f"remove {self.dir}/b/meta"):
                self.assertIn(words, said)
            self.assertTrue(alive(pid))
        # Nobody told the task as failed, and its agent takes it back.
        agent = self.start_agent()
        self.assertEqual(self.agent_id(), before)
        self.assertFalse([line for line in scheduler.lines if "TASK_FAILED" in line])
        # Once the first shall not start again, the copy may: it then looks for what runs.
        agent.kill()
        shutil.rmtree(self.dir / "a" / "meta")
        self.assertIn(f"start it with --run-dir={self.dir}/ar", self.refused(*copied))
        self.assertTrue(alive(pid))
        self.start_agent("b", f"--run-dir={self.dir}/ar")
        self.assertEqual(self.agent_id(), before)
        scheduler.say("kill one 0")
        scheduler.line("update one TASK_KILLED")
        self.assertFalse(alive(pid))

    def test_a_copy_without_its_record_is_a_new_agent(self):
        self.begin()
        first = self.agent_id()
        self.copy()
        shutil.rmtree(self.dir / "b" / "meta")
        self.start_agent("b")
        ids = {agent["agent_info"]["id"]["value"] for agent in self.wait_agents(2)}
        self.assertIn(first, ids)
        self.assertEqual(len(ids), 2)

    def test_a_work_directory_that_was_moved_goes_on_with_its_tasks(self):
        agent, scheduler = self.begin()
        pid = self.run_task(scheduler, "one")
        before = self.agent_id()
        agent.kill()
        os.rename(self.dir / "a", self.dir / "b")
        agent = self.start_agent("b", f"--run-dir={self.dir}/ar")
        self.assertEqual(self.agent_id(), before)
        # To another disk, say: the same files under another number.
        agent.kill()
        shutil.copytree(self.dir / "b", self.dir / "c", symlinks=True)
        shutil.rmtree(self.dir / "b")
        self.start_agent("c", f"--run-dir={self.dir}/ar")
        self.assertEqual(self.agent_id(), before)
        self.assertTrue(alive(pid))
        scheduler.say("kill one 0")
        scheduler.line("update one TASK_KILLED")

    def test_a_start_with_another_run_directory_is_refused_while_containers_are_in_the_first(self):
        agent, scheduler = self.begin()
        pid = self.run_task(scheduler, "one")
        agent.kill()
        said = self.refused(f"--run-dir={self.dir}/other")
        self.assertIn(f"the containers of {self.dir}/a are in {self.dir}/ar", said)
        self.assertTrue(alive(pid))
        agent = self.start_agent()
        scheduler.say("kill one 0")
        scheduler.line("update one TASK_KILLED")
        left = self.dir / "ar" / "containers" / "containers"
        wait_for("nothing to be left", lambda: not list(left.iterdir()))
        agent.kill()
        self.start_agent("a", f"--run-dir={self.dir}/other")
        self.wait_agents(1)


@unittest.skipIf(os.geteuid(), "making cgroups needs root")
class Leaked(AgentCase):
    FLAGS = ("--cgroups-destroy-timeout=200ms",)

    def below(self, pid):
        """Cgroups deeper than an agent looks: they stand for anything that does not go."""
        for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            root = pathlib.Path("/sys/fs/cgroup") / controllers.removeprefix("name=")
            top = root / path.lstrip("/")
            if "/bourse-" in path and top.is_dir():
                made = [top.joinpath(*["d"] * depth) for depth in range(1, 13)]
                for each in made:
                    each.mkdir()
                return made[::-1]
        self.skipTest("no usable cgroup")

    def fits(self, scheduler, name):
        scheduler.say(f"launch {name} 1000 32 true")
        scheduler.line(f"update {name} TASK_FINISHED")

    def test_what_a_leaked_container_holds_is_held_after_restarts_of_agent_and_master(self):
        master = self.start_master("--agent-heartbeat=200ms", "--agent-silence=1secs")
        agent = self.start_agent("a", *self.FLAGS)
        scheduler = self.start_scheduler()
        scheduler.say("launch stuck 3000 32 echo $$ > pid-stuck; exec sleep 1000")
        scheduler.line("update stuck TASK_RUNNING")
        pid = wait_for("process of stuck", lambda: self.outer_pid("stuck"))
        rest = self.below(pid)
        self.addCleanup(lambda: [each.rmdir() for each in rest if each.is_dir()])
        scheduler.say("kill stuck 0")
        scheduler.line("update stuck TASK_KILLED")
        self.assertFalse(alive(pid))
        self.fits(scheduler, "before")
        agent.kill()
        master.kill()
        self.start_master("--agent-heartbeat=200ms", "--agent-silence=1secs")
        agent = self.start_agent("a", *self.FLAGS)
        self.wait_agents(1)
        self.fits(scheduler, "after")
        scheduler.say("launch big 2000 32 true")
        self.fits(scheduler, "beside")
        self.assertFalse([line for line in scheduler.lines if line.startswith("update big")])
        for each in rest:
            each.rmdir()
        agent.kill()  # its next start looks at once whether it is gone
        self.start_agent("a", *self.FLAGS)
        scheduler.line("update big TASK_FINISHED")


if __name__ == "__main__":
    unittest.main()
