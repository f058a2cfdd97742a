"""A cluster without root: master and agent are nobody, as on a laptop where nobody is asked for a
password. The programs are copied: the build may lie in a directory that is root's own."""

import os
import shutil
import unittest

from cluster_case import BIN, ClusterCase, wait_for

NOBODY = 65534
PROGRAMS = ("bourse-master", "bourse-agent", "bourse-shim")


class Rootless(ClusterCase):
    def setUp(self):
        super().setUp()
        self.programs = self.dir / "bin"
        self.programs.mkdir()
        for program in PROGRAMS:
            shutil.copy(BIN / program, self.programs)
            os.chmod(self.programs / program, 0o755)
        os.chmod(self.dir, 0o777)

    def start(self, name, argv, stdin=False, env=None):
        """Daemons are nobody's; a test that has no root anyway runs them as itself."""
        program = os.path.basename(str(argv[0]))
        if program in PROGRAMS:
            argv = [self.programs / program, *argv[1:]]
            if os.geteuid() == 0:
                argv = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                        *argv]
        return super().start(name, argv, stdin, env)

    def test_a_cluster_of_nobody_runs_kills_and_logs_tasks_and_says_that_it_has_no_root(self):
        master = self.start_master()
        agent = self.start_agent()
        for daemon in (master, agent):
            own = os.stat(f"/proc/{daemon.popen.pid}").st_uid
            self.assertEqual(own, NOBODY if os.geteuid() == 0 else os.geteuid())
        wait_for("the agent says what it cannot enforce", lambda: any(
            "no root: process groups and rlimits only" in line for line in list(agent.errors)))
        self.wait_agents(1)
        scheduler = self.start_scheduler()
        scheduler.say("launch quick 100 32 echo said; id -u; exit 3")
        self.assertIn("3", scheduler.line("update quick TASK_FAILED"))
        self.assertEqual(self.cli("logs", "quick").split(), [
            "said", str(NOBODY if os.geteuid() == 0 else os.geteuid())])
        scheduler.say("launch long 100 32 echo $$ > pid; trap '' TERM; sleep 1000 & wait; wait")
        scheduler.line("update long TASK_RUNNING")
        pid = self.pid_of("long")
        scheduler.say("kill long 100")
        scheduler.line("update long TASK_KILLED")
        wait_for("its process is gone", lambda: not os.path.exists(f"/proc/{pid}"))
        wait_for("nothing is held", lambda: not self.agents()[0].get("allocated_resources"))

    def test_tasks_of_an_agent_without_root_outlive_it(self):
        self.start_master()
        agent = self.start_agent()
        self.wait_agents(1)
        scheduler = self.start_scheduler()
        scheduler.say("launch long 100 32 echo $$ > pid; exec sleep 1000")
        scheduler.line("update long TASK_RUNNING")
        pid = self.pid_of("long")
        agent.kill()
        self.start_agent()
        self.wait_agents(1)
        self.assertTrue(os.path.exists(f"/proc/{pid}"))
        scheduler.say("kill long")
        scheduler.line("update long TASK_KILLED")
        wait_for("its process is gone", lambda: not os.path.exists(f"/proc/{pid}"))


if __name__ == "__main__":
    unittest.main()
