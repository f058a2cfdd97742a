"""./dev demo, up and down with the real programs: exact results, and no trace at the end."""

import errno
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ["BOURSE_SOURCE"])
sys.path.insert(0, str(SOURCE / "tools"))

from local_cluster import processes, traces

LIMIT_S = 100


class DemoProcessTest(unittest.TestCase):
    def setUp(self):
        self.box = pathlib.Path(tempfile.mkdtemp(prefix="demo-"))
        self.addCleanup(shutil.rmtree, self.box)
        self.addCleanup(self.end_what_a_failure_left)
        self.state_file = self.box / "state/state.json"
        self.seen = {}
        self.own_mounts = []
        self.children = []

    def end_what_a_failure_left(self):
        """A demo, and the keeper of a cluster, live on by themselves if a test fails half way."""
        for child in self.children:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
            child.communicate(timeout=LIMIT_S)
        if self.state_file.exists():
            self.start("cluster.py", "down").communicate(timeout=LIMIT_S)

    def start(self, script, *arguments, home=None, into=subprocess.PIPE):
        """`home`: where state and result go; `into`: a file for all that is said."""
        home = home or self.box
        self.state_file = home / "state/state.json"
        child = subprocess.Popen(
            [sys.executable, "-B", str(SOURCE / "tools" / script), *arguments],
            env=dict(
                os.environ,
                BOURSE_STATE_DIR=str(home / "state"),
                BOURSE_DEMO_OUT=str(home / "out"),
                TMPDIR=str(self.box),
            ),
            stdin=subprocess.DEVNULL,
            stdout=into,
            stderr=subprocess.PIPE if into == subprocess.PIPE else subprocess.STDOUT,
            text=True,
        )
        self.children.append(child)
        return child

    def finish(self, child):
        try:
            return child.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGTERM)
            child.communicate(timeout=LIMIT_S)
            raise

    def wait(self, what, condition):
        self.assertTrue(processes.wait_until(condition, LIMIT_S), what)

    def remember(self):
        """What the running cluster has, so that it can be looked for afterwards."""
        self.seen = json.loads(self.state_file.read_text())

    def expect_no_trace(self):
        self.assertEqual(processes.touching([self.box]), [])
        corners = {os.path.basename(corner) for corner in traces.cgroup_corners()}
        self.assertEqual(corners & set(self.seen["corners"]), set())
        self.assertEqual(traces.mounts_below([self.box]), self.own_mounts)
        self.assertEqual(traces.listening_ports() & set(self.seen["ports"]), set())
        self.assertFalse(self.state_file.exists())
        for row in self.seen["processes"]:
            self.assertFalse(processes.Identity(**row).alive())

    def workers(self):
        """Workers of the crawl on agents of ours: their sandboxes are below our directory."""
        found = processes.touching([self.box])
        names = [processes.program_of(identity.pid) for identity in found]
        return names.count("bourse-crawl-worker")

    def test_a_small_demo_finds_every_item_once_and_leaves_no_trace(self):
        child = self.start(
            "demo.py", "--shops=5", "--items=6", "--agents=2", "--port=0", "--json"
        )
        self.wait("workers run", lambda: child.poll() is not None or self.workers() > 0)
        if child.poll() is None:
            self.remember()
        out, err = self.finish(child)
        self.assertEqual(child.returncode, 0, err)
        answer = json.loads(out.splitlines()[-1])
        self.assertEqual(answer["items_expected"], 30)
        self.assertEqual(answer["items_found"], 30)
        self.assertEqual(answer["items_duplicate"], 0)
        self.assertEqual(answer["pacing_violations"], 0)
        self.assertTrue(answer["exact"])
        self.assertTrue(list(pathlib.Path(answer["result"]).glob("items*.sqlite")))
        self.expect_no_trace()

    def test_a_second_demo_starts_within_ten_seconds(self):
        """The first start of a machine builds; from then on this is all a start is."""
        begun = time.monotonic()
        child = self.start("demo.py", "--shops=5", "--items=2", "--agents=3", "--port=0")
        lines = []
        for line in child.stdout:
            lines.append(line)
            if line.startswith("shops"):
                break
        took = time.monotonic() - begun
        self.remember()
        child.send_signal(signal.SIGINT)
        self.finish(child)
        self.assertRegex("".join(lines), r"web UI +http://127\.0\.0\.1:\d+\n")
        self.assertLess(took, 10)
        self.expect_no_trace()

    def test_ctrl_c_in_the_middle_of_a_demo_leaves_no_trace(self):
        child = self.start("demo.py", "--shops=20", "--items=50", "--agents=2", "--port=0")
        self.wait("workers run", lambda: child.poll() is not None or self.workers() > 1)
        self.assertIsNone(child.poll())
        self.remember()
        child.send_signal(signal.SIGINT)
        self.finish(child)
        self.assertEqual(child.returncode, 130)
        self.expect_no_trace()

    def test_a_taken_port_is_one_sentence_and_starts_nothing(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            out, err = self.finish(child := self.start("demo.py", f"--port={port}"))
        self.assertEqual((child.returncode, out), (2, ""))
        self.assertEqual(err.count("\n"), 1)
        self.assertIn(f"port {port} is taken: choose another with --port P", err)
        self.assertEqual(processes.touching([self.box]), [])

    def fill_under_a_running_demo(self):
        """A demo on a small disk of its own that is now full; the demo, its words, the disk."""
        disk = self.box / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
        self.own_mounts = [str(disk)]
        said = self.box / "said"
        with open(said, "w", encoding="utf-8") as into:
            child = self.start("demo.py", "--shops=4", "--items=40", "--agents=2", "--port=0",
                               "--json", home=disk, into=into)
        self.wait("workers run", lambda: child.poll() is not None or self.workers() > 2)
        self.remember()
        with open(disk / "fill", "wb") as fill:
            try:
                while True:
                    fill.write(bytes(1 << 16))
                    fill.flush()
            except OSError as error:
                self.assertEqual(error.errno, errno.ENOSPC)
        self.wait("the sentence", lambda: child.poll() is not None
                  or "is full and the crawl waits: free some space" in said.read_text())
        self.assertIsNone(child.poll(), said.read_text())
        return child, said, disk

    @unittest.skipUnless(os.geteuid() == 0, "needs root for a small file system")
    def test_a_demo_on_a_full_disk_says_so_waits_and_ends_exactly_once_there_is_room(self):
        child, said, disk = self.fill_under_a_running_demo()
        (disk / "fill").unlink()
        self.finish(child)
        self.assertEqual(child.returncode, 0, said.read_text())
        answer = json.loads(said.read_text().splitlines()[-1])
        self.assertEqual((answer["items_found"], answer["items_duplicate"]), (160, 0))
        self.assertTrue(answer["exact"])
        self.assertEqual(said.read_text().count("is full and the crawl waits"), 2)  # state, result
        self.expect_no_trace()

    @unittest.skipUnless(os.geteuid() == 0, "needs root for a small file system")
    def test_ctrl_c_on_a_full_disk_leaves_no_trace(self):
        child, said, _ = self.fill_under_a_running_demo()
        child.send_signal(signal.SIGINT)
        self.finish(child)
        self.assertEqual(child.returncode, 130, said.read_text())
        self.assertNotIn("Traceback", said.read_text())
        self.expect_no_trace()

    def test_down_ends_a_cluster_and_leaves_no_trace(self):
        child = self.start("cluster.py", "up", "--agents=2", "--port=0", "--services")
        out, err = self.finish(child)
        self.assertEqual(child.returncode, 0, err)
        self.assertIn("ready: 2 agents", out)
        address = re.search(r"--service=([\d.]+:\d+)", out)[1]
        bourse = pathlib.Path(os.environ["BOURSE_BIN"]) / "bourse"
        subprocess.run([bourse, "app", "run", "web", f"--service={address}", "--wait",
                        "--command=exec sleep 1000", "--ready-after=0.1"],
                       check=True, capture_output=True, timeout=60)
        self.remember()
        child = self.start("cluster.py", "down")
        out, err = self.finish(child)
        self.assertEqual(out, "down: no process, cgroup, mount or port is left\n", err)
        self.expect_no_trace()


if __name__ == "__main__":
    unittest.main()
