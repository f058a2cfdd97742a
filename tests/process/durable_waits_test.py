"""How often real daemons wait for their disks on the way of a task: counted at the system calls."""

import os
import struct
import unittest

from cluster_case import BIN, wait_for
from executor_api_test import ExecutorCase
from v1_scheduler import Scheduler

QUIET_LOOKS = 15


class DurableWaits(ExecutorCase):
    def counter(self, name):
        """The environment that makes a daemon count, and the look at its count."""
        file = self.dir / name
        file.write_bytes(bytes(8))
        # A sanitizer wants to be loaded first, and need not be for this.
        options = [*filter(None, [os.environ.get("ASAN_OPTIONS")]), "verify_asan_link_order=0"]
        environment = {"LD_PRELOAD": str(BIN / "libsync-count.so"), "BOURSE_SYNC_COUNT": str(file),
                       "ASAN_OPTIONS": ":".join(options)}
        return environment, lambda: struct.unpack("q", file.read_bytes())[0]

    def settled(self, count):
        """Once it has not grown for some looks: what came before is written."""
        looks = []

        def still():
            looks.append(count())
            return len(looks) > QUIET_LOOKS and len(set(looks[-QUIET_LOOKS:])) == 1
        wait_for("quiet", still)
        return count()

    def test_from_a_launch_to_its_first_update_the_agent_waits_twice_and_the_master_never(self):
        master_environment, of_master = self.counter("master-waits")
        agent_environment, of_agent = self.counter("agent-waits")
        self.start_master(env=master_environment)
        agent = self.start("agent", [
            BIN / "bourse-agent", f"--master=127.0.0.1:{self.link_port}", "--port=0",
            f"--work-dir={self.dir}/a", f"--run-dir={self.dir}/ar",
            "--resources=cpus:4;mem:2048;disk:1000"], env=agent_environment)
        self.agent_port = int(agent.line("ready").rsplit(":", 1)[1])
        self.wait_agents(1)
        scheduler = Scheduler(self.http_port)
        self.streams.append(scheduler)
        self.assertGreater(self.settled(of_master), 0)  # it counts: admission and framework
        at_agent, at_master = self.settled(of_agent), of_master()
        # The test is the executor, so that nothing follows the first update of its own accord.
        self.own_executor(scheduler)
        self.assertEqual(self.settled(of_agent) - at_agent, 1)  # the task
        self.subscribe(scheduler).wait("SUBSCRIBED")
        self.assertEqual(self.post(self.update(scheduler)).status, 202)
        status = scheduler.update("t", "TASK_RUNNING")
        self.assertEqual(of_agent() - at_agent, 2)  # and what it has come to
        scheduler.acknowledge(status)
        self.settled(of_agent)
        self.assertEqual(of_master() - at_master, 0)


if __name__ == "__main__":
    unittest.main()
