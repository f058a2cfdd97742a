"""./dev up and down with stand-ins for the daemons: ready means ready, down leaves nothing."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from planted import ROOT

from local_cluster import processes


class ClusterTest(unittest.TestCase):
    def setUp(self):
        self.box = pathlib.Path(tempfile.mkdtemp(prefix="updown-"))
        self.addCleanup(shutil.rmtree, self.box)
        (self.box / "bin").mkdir()
        for name in ("bourse-master", "bourse-agent"):
            shutil.copy(ROOT / "tests/house/fake_daemon.py", self.box / "bin" / name)
            (self.box / "bin" / name).chmod(0o755)
        self.addCleanup(self.dev, "down")

    def dev(self, *arguments, **environment):
        return subprocess.run(
            [sys.executable, "-B", str(ROOT / "tools/cluster.py"), *arguments],
            env=dict(
                os.environ,
                BOURSE_BIN=str(self.box / "bin"),
                BOURSE_STATE_DIR=str(self.box / "state"),
                TMPDIR=str(self.box),
                **environment,
            ),
            capture_output=True,
            text=True,
            timeout=50,
        )

    def state(self):
        return json.loads((self.box / "state/state.json").read_text())

    def up(self, agents=2, **environment):
        return self.dev("up", "--agents", str(agents), "--port", "0", **environment)

    def expect_nothing_left(self):
        self.assertEqual(processes.touching([self.box]), [])
        self.assertEqual([name for name in os.listdir(self.box) if name.startswith("bourse-")], [])
        self.assertFalse((self.box / "state/state.json").exists())

    def test_up_returns_when_every_agent_is_registered_and_down_leaves_nothing(self):
        done = self.up()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ready: 2 agents, web UI and API at http://127.0.0.1:", done.stdout)
        self.assertEqual(len(processes.touching([self.box / "state"])) >= 5, True)
        done = self.dev("down")
        self.assertEqual(done.stdout, "down: no process, cgroup, mount or port is left\n")
        self.expect_nothing_left()
        self.assertEqual(self.dev("down").stdout, "no local cluster is up\n")

    def test_a_second_up_is_refused_with_the_address_of_the_first(self):
        self.up(1)
        done = self.up(1)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"a cluster is up already at http://{self.state()['http']}", done.stderr)

    def test_a_taken_port_is_one_sentence(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            done = self.dev("up", "--port", port)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"./dev: port {port} is taken: choose another with --port", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)

    def test_an_agent_that_dies_is_quoted_and_nothing_is_left(self):
        done = self.up(FAKE_AGENT="dies")
        self.assertEqual(done.returncode, 2)
        self.assertIn("ended before it was ready: cannot read the moon", done.stderr)
        self.expect_nothing_left()

    def test_down_finds_orphans_that_touch_nothing_of_the_cluster(self):
        nap = str(100000 + os.getpid())
        self.assertEqual(self.up(FAKE_AGENT="hides", FAKE_NAP=nap).returncode, 0)
        self.assertEqual(len(self.sleepers(nap)), 2)
        self.assertEqual(self.dev("down").returncode, 0)
        self.assertEqual(self.sleepers(nap), [])

    def test_down_cleans_up_after_a_keeper_that_was_killed(self):
        self.up()
        os.kill(self.state()["keeper"]["pid"], signal.SIGKILL)
        done = self.dev("down")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.expect_nothing_left()

    def test_up_starts_afresh_after_a_keeper_that_was_killed(self):
        self.up()
        os.kill(self.state()["keeper"]["pid"], signal.SIGKILL)
        done = self.up(1)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ready: 1 agents", done.stdout)

    @staticmethod
    def sleepers(nap):
        found = []
        for pid in processes.all_pids():
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[:2] == [b"sleep", nap.encode()]:
                found.append(pid)
        return found


if __name__ == "__main__":
    unittest.main()
