"""Runs tools/cluster.py or tools/demo.py with stand-ins for the daemons, in a box of its own."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from planted import ROOT

from local_cluster import processes

PROGRAMS = (
    "bourse-master",
    "bourse-agent",
    "bourse-shopweb",
    "bourse-crawler",
    "bourse-crawl-check",
)


class LocalCase(unittest.TestCase):
    def setUp(self):
        self.box = pathlib.Path(tempfile.mkdtemp(prefix="local-"))
        self.addCleanup(shutil.rmtree, self.box)
        (self.box / "bin").mkdir()
        for name in PROGRAMS:
            shutil.copy(ROOT / "tests/house/fake_daemon.py", self.box / "bin" / name)
            (self.box / "bin" / name).chmod(0o755)

    def start(self, script, *arguments, stdout=subprocess.PIPE, **environment):
        return subprocess.Popen(
            [sys.executable, "-B", str(ROOT / "tools" / script), *arguments],
            env={
                **os.environ,
                "BOURSE_BIN": str(self.box / "bin"),
                "BOURSE_STATE_DIR": str(self.box / "state"),
                "BOURSE_DEMO_OUT": str(self.box / "out"),
                "TMPDIR": str(self.box),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run_script(self, script, *arguments, **environment):
        """(exit status, standard output, standard error)"""
        child = self.start(script, *arguments, **environment)
        try:
            out, err = child.communicate(timeout=50)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
        return child.returncode, out, err

    def state(self):
        return json.loads((self.box / "state/state.json").read_text())

    def commands(self, program):
        """The command lines this program was started with, in no order."""
        lines = (self.box / "bin/commands").read_text().splitlines()
        return [line.split()[1:] for line in lines if line.split()[0] == program]

    def expect_nothing_left(self):
        self.assertEqual(processes.touching([self.box]), [])
        self.assertEqual([name for name in os.listdir(self.box) if name.startswith("bourse-")], [])
        self.assertFalse((self.box / "state/state.json").exists())

    @staticmethod
    def sleepers(nap):
        """Pids of orphans that stand-ins for agents started with this nap."""
        found = []
        for pid in processes.all_pids():
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[:2] == [b"sleep", nap.encode()]:
                found.append(pid)
        return found
