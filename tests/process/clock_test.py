"""A master whose wall clock is set while it runs and between two lives: nothing expires early and
nobody is lost. The clock of the machine is left alone."""

import os
import time
import unittest

from cluster_case import ClusterCase
from wall_clock import HOUR_S, WallClock

DAY_S, YEARS_S = 24 * HOUR_S, 10 * 365 * 24 * HOUR_S


class Clock(ClusterCase):
    def setUp(self):
        super().setUp()
        self.clock = WallClock(self.dir / "clock")
        self.addCleanup(self.clock.close)

    def seconds_ahead(self):
        """The master's clock less this machine's, from when it says a new framework came."""
        scheduler = self.start_scheduler()
        frameworks = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]["frameworks"]
        came = next(int(one["registered_time"]["nanoseconds"]) / 1e9 for one in frameworks
                    if one["framework_info"]["id"]["value"] == scheduler.framework_id)
        scheduler.say("teardown")
        return came - time.time()

    def launch(self, scheduler, task):
        scheduler.say(f"launch {task} 100 32 echo $$ > pid; exec sleep 1000")
        scheduler.line(f"update {task} TASK_RUNNING")

    def expect_untouched(self, scheduler, pids):
        for task, pid in pids.items():
            self.assertEqual(self.pid_of(task), pid)
            os.kill(pid, 0)
        ends = [line for line in scheduler.lines if line.startswith("update")
                and any(task in line for task in pids)
                and "RUNNING" not in line and "STARTING" not in line]
        self.assertEqual(ends, [])

    def test_a_master_whose_clock_jumps_while_it_runs_loses_nobody(self):
        self.start_master("--agent-heartbeat=1secs", "--agent-silence=4secs",
                          "--agent-timeout=15secs", env=self.clock.environment)
        self.start_agent()
        agent_id = self.wait_agents(1)[0]["agent_info"]["id"]["value"]
        scheduler = self.start_scheduler()
        self.launch(scheduler, "before")
        pids = {"before": self.pid_of("before")}
        for number, ahead_s in enumerate((-DAY_S, HOUR_S, -HOUR_S, YEARS_S, 0)):
            with self.subTest(ahead_s):
                self.clock.set(ahead_s)
                self.assertAlmostEqual(self.seconds_ahead(), ahead_s, delta=600)
                self.launch(scheduler, f"after{number}")
                scheduler.say(f"kill after{number} 0")
                scheduler.line(f"update after{number} TASK_KILLED")
        self.assertEqual([a["agent_info"]["id"]["value"] for a in self.wait_agents(1)],
                         [agent_id])
        self.expect_untouched(scheduler, pids)

    def test_a_master_that_begins_anew_a_day_earlier_takes_back_everybody(self):
        master = self.start_master(env=self.clock.environment)
        self.start_agent()
        agent_id = self.wait_agents(1)[0]["agent_info"]["id"]["value"]
        scheduler = self.start_scheduler()
        self.launch(scheduler, "before")
        pids = {"before": self.pid_of("before")}
        for ahead_s in (-DAY_S, YEARS_S):
            master.kill()
            scheduler.line("disconnected")
            self.clock.set(ahead_s)
            master = self.start_master(env=self.clock.environment)
            self.assertEqual([a["agent_info"]["id"]["value"] for a in self.wait_agents(1)],
                             [agent_id])
            self.launch(scheduler, f"at{ahead_s}")
        self.expect_untouched(scheduler, pids)


if __name__ == "__main__":
    unittest.main()
