"""`bourse logs -f` and what else means one task by its id: until it has ended, and whose it is."""

import os
import unittest

from cluster_case import BIN, ClusterCase, wait_for


class Logs(ClusterCase):
    def start_all(self):
        self.start_master()
        self.agent = self.start_agent()
        self.wait_agents(1)
        return self.start_scheduler()

    def gate(self, name):
        """What a task can wait at until something is written to it."""
        path = self.dir / name
        os.mkfifo(path)
        os.chmod(path, 0o666)
        os.chmod(self.dir, 0o755)
        return path

    def follow(self, *words):
        return self.start("logs -f", [BIN / "bourse", "logs", "-f", *words,
                                      f"--master=127.0.0.1:{self.http_port}"])

    def said_by(self, follower, status):
        """Everything a follower printed, which ended by itself."""
        follower.popen.wait(30)
        self.assertEqual(follower.end(), status, follower.errors)
        return follower.lines

    def test_a_follower_ends_with_its_task_and_has_printed_its_last_byte(self):
        scheduler = self.start_all()
        gate = self.gate("gate")
        scheduler.say(f"launch talks 100 32 echo first; read x < {gate}; seq 1 200000; echo $x")
        follower = wait_for("a task to follow", lambda: self.cli_or_none("logs", "talks")) and (
            self.follow("talks"))
        follower.line("first")
        gate.write_text("last\n")
        lines = self.said_by(follower, 0)
        self.assertEqual(lines, ["first", *map(str, range(1, 200001)), "last"])
        self.assertEqual(follower.errors, [])
        # One that begins afterwards has it all too, and goes at once.
        self.assertEqual(self.said_by(self.follow("talks"), 0), lines)

    def cli_or_none(self, *words):
        try:
            return self.cli(*words) or None
        except AssertionError:
            return None

    def test_a_follower_waits_for_a_master_and_an_agent_that_restart_and_goes_on(self):
        scheduler = self.start_all()
        gates = [self.gate(f"gate{number}") for number in range(2)]
        waits = "".join(f"read x < {gate}; echo $x; " for gate in gates)
        scheduler.say(f"launch talks 100 32 echo first; {waits}")
        scheduler.line("update talks TASK_RUNNING")
        follower = self.follow("talks")
        follower.line("first")
        self.agent.kill()
        self.agent.end()
        wait_for("what it waits for", lambda: any("; waiting" in line for line in follower.errors))
        self.assertIsNone(follower.popen.poll())
        gates[0].write_text("while the agent was away\n")
        self.agent = self.start_agent()
        follower.line("while the agent was away")
        master = self.processes[0]
        master.kill()
        master.end()
        wait_for("what it waits for", lambda: any("no master" in line for line in follower.errors))
        gates[1].write_text("while the master was away\n")
        self.start_master()
        lines = self.said_by(follower, 0)
        self.assertEqual(lines, ["first", "while the agent was away", "while the master was away"])
        self.assertEqual(len(follower.errors), len(set(follower.errors)))  # said once, not each try

    def test_a_follower_of_a_file_that_is_never_made_ends_with_its_task_and_says_so(self):
        scheduler = self.start_all()
        gate = self.gate("gate")
        scheduler.say(f"launch talks 100 32 read x < {gate}")
        scheduler.line("update talks TASK_RUNNING")
        follower = self.follow("talks", "--file=never")
        wait_for("what it waits for", lambda: any("; waiting" in line for line in follower.errors))
        gate.write_text("x\n")
        self.assertEqual(self.said_by(follower, 1), [])
        self.assertEqual(len(follower.errors), 2)
        self.assertNotIn("; waiting", follower.errors[-1])

    def test_an_id_that_several_frameworks_use_is_refused_with_their_names(self):
        one = self.start_all()
        two = self.start_scheduler()
        for scheduler, word in ((one, "of-one"), (two, "of-two")):
            scheduler.say(f"launch same 100 32 echo {word}; exec sleep 1000")
            scheduler.line("update same TASK_RUNNING")
        for words in (("logs", "same"), ("logs", "-f", "same"), ("exec", "same", "--", "true")):
            said = self.cli(*words, expect=1)
            self.assertIn("several frameworks have a task 'same': name one of them with "
                          "--framework: ", said)
            self.assertIn(one.framework_id, said)
            self.assertIn(two.framework_id, said)
        for scheduler, word in ((one, "of-one"), (two, "of-two")):
            mine = f"--framework={scheduler.framework_id}"
            wait_for("its output", lambda: self.cli("logs", "same", mine) == word + "\n")
            self.cli("exec", "same", mine, "--", "true")
        self.cli("kill", "same", f"--framework={two.framework_id}")
        two.line("update same TASK_KILLED")
        # Of one that lives and one that has ended the living one is meant, as by kill.
        wait_for("its end", lambda: "TASK_KILLED" in self.cli("tasks", "--state=TASK_KILLED"))
        self.assertEqual(self.cli("logs", "same"), "of-one\n")
        self.cli("kill", "same")
        one.line("update same TASK_KILLED")
        wait_for("both ends", lambda: self.cli("tasks") == "no tasks\n")
        self.assertIn("several frameworks", self.cli("logs", "same", expect=1))


if __name__ == "__main__":
    unittest.main()
