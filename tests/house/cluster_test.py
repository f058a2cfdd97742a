"""./dev up and down with stand-ins for the daemons: ready means ready, down leaves nothing."""

import contextlib
import io
import os
import re
import signal
import socket
import unittest
import unittest.mock

from local_case import LocalCase

import cluster as verbs
from local_cluster import processes


class ClusterTest(LocalCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.down)

    def up(self, agents=2, **environment):
        flags = ("--agents", str(agents), "--port", "0")
        return self.run_script("cluster.py", "up", *flags, **environment)

    def down(self):
        return self.run_script("cluster.py", "down")

    def test_up_returns_when_every_agent_is_registered_and_down_leaves_nothing(self):
        status, out, err = self.up()
        self.assertEqual(status, 0, err)
        self.assertIn("ready: 2 agents, web UI and API at http://127.0.0.1:", out)
        self.assertGreaterEqual(len(processes.touching([self.box / "state"])), 5)
        self.assertEqual(self.down()[1], "down: no process, cgroup, mount or port is left\n")
        self.expect_nothing_left()
        self.assertEqual(self.down()[1], "no local cluster is up\n")

    def test_a_second_up_is_refused_with_the_address_of_the_first(self):
        self.up(1)
        status, _, err = self.up(1)
        self.assertEqual(status, 2)
        self.assertIn(f"a cluster is up already at http://{self.state()['http']}", err)

    def test_no_two_agents_of_any_cluster_here_offer_the_same_port(self):
        self.assertEqual(self.up(2)[0], 0)
        other = str(self.box / "other")
        self.addCleanup(self.run_script, "cluster.py", "down", BOURSE_STATE_DIR=other)
        self.assertEqual(self.up(2, BOURSE_STATE_DIR=other)[0], 0)
        offered = set()
        for flags in self.commands("bourse-agent"):
            first, last = re.search(r"ports:\[(\d+)-(\d+)\]", " ".join(flags)).groups()
            ports = set(range(int(first), int(last) + 1))
            self.assertGreater(len(ports), 100)
            self.assertFalse(offered & ports)
            offered |= ports

    def test_a_taken_port_is_one_sentence(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            status, _, err = self.run_script("cluster.py", "up", "--port", port)
        self.assertEqual(status, 2)
        self.assertIn(f"./dev: port {port} is taken: choose another with --port", err)
        self.assertEqual(err.count("\n"), 1)

    def test_an_agent_that_dies_is_quoted_and_nothing_is_left(self):
        status, _, err = self.up(FAKE_AGENT="dies")
        self.assertEqual(status, 2)
        self.assertIn("ended before it was ready: cannot read the moon", err)
        self.expect_nothing_left()

    def test_down_finds_orphans_that_touch_nothing_of_the_cluster(self):
        nap = str(100000 + os.getpid())
        self.assertEqual(self.up(FAKE_AGENT="hides", FAKE_NAP=nap)[0], 0)
        self.assertEqual(len(self.sleepers(nap)), 2)
        self.assertEqual(self.down()[0], 0)
        self.assertEqual(self.sleepers(nap), [])

    def test_down_cleans_up_after_a_keeper_that_was_killed(self):
        self.up()
        os.kill(self.state()["keeper"]["pid"], signal.SIGKILL)
        status, _, err = self.down()
        self.assertEqual(status, 0, err)
        self.expect_nothing_left()

    def test_up_starts_afresh_after_a_keeper_that_was_killed(self):
        self.up()
        os.kill(self.state()["keeper"]["pid"], signal.SIGKILL)
        status, out, err = self.up(1)
        self.assertEqual(status, 0, err)
        self.assertIn("ready: 1 agents", out)

    def down_here(self):
        """`down` of this checkout, whose demo has its state in our box."""
        out, err = io.StringIO(), io.StringIO()
        with unittest.mock.patch.object(verbs, "STATE", self.box / "none"), \
                unittest.mock.patch.object(verbs, "DEMO_STATE", self.box / "state"), \
                contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            self.assertEqual(verbs.down(None), 0)
        return out.getvalue(), err.getvalue()

    def test_down_leaves_a_demo_in_another_terminal_running_and_tidies_up_after_a_dead_one(self):
        demo = self.start("demo.py", "--shops=2", "--items=5", "--agents=1", "--port=0",
                          FAKE_CRAWLER="hangs")
        self.addCleanup(demo.communicate)
        self.addCleanup(demo.terminate)
        crawler = self.box / "state/crawler.log"
        self.assertTrue(processes.wait_until(crawler.exists, 20))
        out, err = self.down_here()
        self.assertIsNone(demo.poll())
        self.assertEqual(out, "no local cluster is up\n")
        self.assertIn(f"a demo runs at http://{self.state()['http']} and goes on: end it with "
                      f'Ctrl-C in its terminal, or with "kill {demo.pid}"', err)
        demo.kill()
        demo.communicate()
        self.assertEqual(self.down_here()[0], "down: no process, cgroup, mount or port is left\n")
        self.expect_nothing_left()


if __name__ == "__main__":
    unittest.main()
