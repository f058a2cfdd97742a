"""A real cluster for a test: master, agents and a told scheduler as processes in a directory of
their own, on free ports. Everything is ended with the test, whatever happened, and what was said
is shown when it failed."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

from local_cluster.traces import remove_cgroup

BIN = pathlib.Path(os.environ["BOURSE_BIN"])
DEADLINE_S = 30
AGENTS_CGROUPS = "cgroups"  # the file in which an agent notes its corners


def wait_for(what, condition, deadline_s=DEADLINE_S):
    """Polls until the condition gives something true, and returns it."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s} s: {what}")
        time.sleep(0.02)  # between two looks at the condition, not instead of one


def damage(path, chance, flip):
    """One bit of a file is another, or the file ends there: where, is returned."""
    content = bytearray(path.read_bytes())
    at = chance.randrange(len(content))
    if flip:
        content[at] ^= 1 << chance.randrange(8)
    else:
        content = content[:at]
    path.write_bytes(content)
    return at


class Process:
    """A daemon whose standard output is collected line by line."""

    def __init__(self, name, argv, stdin=False, env=None):
        self.name = name
        self.lines = []
        self.popen = subprocess.Popen(
            [str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            env={**os.environ, **(env or {})})
        self.errors = []
        self.collectors = []
        for stream, into in ((self.popen.stdout, self.lines), (self.popen.stderr, self.errors)):
            thread = threading.Thread(target=self._collect, args=(stream, into), daemon=True)
            thread.start()
            self.collectors.append(thread)

    @staticmethod
    def _collect(stream, into):
        for line in stream:
            into.append(line.rstrip("\n"))

    def line(self, start, deadline_s=DEADLINE_S, skip=0):
        def look():
            found = [line for line in list(self.lines) if line.startswith(start)]
            return found[skip] if len(found) > skip else None
        return wait_for(f"'{start}' from {self.name}; it said {self.lines[-5:]} {self.errors[-5:]}",
                        look, deadline_s)

    def say(self, line):
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()

    def kill(self):
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait()

    def end(self, deadline_s=10):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(deadline_s)
            except subprocess.TimeoutExpired:
                self.kill()
        for thread in self.collectors:
            thread.join(2)
        for stream in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if stream is not None:
                stream.close()
        return self.popen.returncode


class ClusterCase(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="bourse-", dir="/tmp"))
        self.processes = []
        self.http_port = 0
        self.link_port = 0

    def tearDown(self):
        outcome = getattr(self._outcome, "result", None)
        failed = outcome is not None and any(
            test is self for test, _ in outcome.failures + outcome.errors)
        for process in reversed(self.processes):
            process.end()
        self.kill_containers()
        self.remove_cgroups()
        if failed:
            for process in self.processes:
                print(f"--- {process.name}\n" + "\n".join(process.errors[-40:]))
        shutil.rmtree(self.dir, ignore_errors=True)

    def kill_containers(self):
        """Shims outlive their agents by design; a test's end is theirs too."""
        mark = str(self.dir)
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
                cwd = os.readlink(entry / "cwd")
            except OSError:
                continue
            if mark in command or cwd.startswith(mark):
                try:
                    os.kill(int(entry.name), signal.SIGKILL)
                except OSError:
                    pass

    def remove_cgroups(self):
        """An agent that ends while its containers go on leaves its corners to its next start."""
        corners = {match for file in self.dir.rglob(AGENTS_CGROUPS)
                   for match in re.findall(r"/\S+/bourse-\w+", file.read_text(errors="replace"))}
        for corner in corners:
            wait_for(f"{corner} is gone", lambda at=corner: remove_cgroup(at))

    # -- processes

    def start(self, name, argv, stdin=False, env=None):
        process = Process(name, argv, stdin, env)
        self.processes.append(process)
        return process

    def start_master(self, *flags, env=None):
        master = self.start("master", [
            BIN / "bourse-master", f"--port={self.http_port}", f"--agent-port={self.link_port}",
            f"--work-dir={self.dir}/master", *flags], env=env)
        ready = dict(word.split("=") for word in master.line("ready").split()[1:])
        self.http_port = int(ready["http"].rsplit(":", 1)[1])
        self.link_port = int(ready["link"].rsplit(":", 1)[1])
        return master

    def start_agent(self, name="a", *flags, program=BIN / "bourse-agent"):
        agent = self.start(f"agent {name}", [
            program, f"--master=127.0.0.1:{self.link_port}", "--port=0",
            f"--work-dir={self.dir}/{name}", f"--run-dir={self.dir}/{name}r",
            "--resources=cpus:4;mem:2048;disk:1000", *flags])
        agent.line("ready")
        return agent

    def start_scheduler(self, framework_id=None, label=(), env=None, master=None):
        """`master`: how it finds the master; over the link unless told otherwise."""
        master = master or f"127.0.0.1:{self.link_port}"
        argv = [BIN / "told-scheduler", master, framework_id or "-", *label]
        scheduler = self.start("scheduler", argv, True, env)
        scheduler.framework_id = scheduler.line("registered").split()[1]
        return scheduler

    # -- looking

    def call(self, body, expect=200):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}/api/v1", json.dumps(body).encode(),
            {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text, status = answer.read(), answer.status
        except urllib.error.HTTPError as error:
            text, status = error.read(), error.code
        self.assertEqual(status, expect, text)
        return json.loads(text) if status == 200 else text.decode()

    def agents(self):
        return self.call({"type": "GET_AGENTS"})["get_agents"].get("agents", [])

    def wait_agents(self, count, active=True):
        return wait_for(f"{count} agents active={active}", lambda: (
            lambda found: found if len(found) == count else None)(
                [a for a in self.agents() if a["active"] == active]))

    def cli(self, *words, expect=0):
        done = subprocess.run(
            [str(BIN / "bourse"), *words], capture_output=True, text=True, timeout=30,
            env={**os.environ, "BOURSE_MASTER": f"127.0.0.1:{self.http_port}"})
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout if expect == 0 else done.stderr

    def pid_of(self, task_id):
        """What the task wrote into its sandbox's `pid`."""
        return int(wait_for(f"pid of {task_id}", lambda: self.cli(
            "logs", task_id, "--file=pid") if self._has_pid(task_id) else None))

    def processes_of(self, task_id):
        """Its processes that live, by the numbers outside its container."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                environment = (entry / "environ").read_bytes()
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if (f"MESOS_TASK_ID={task_id}\0".encode() in environment and state != "Z"
                    and str(self.dir).encode() in environment):
                found.append(int(entry.name))
        return sorted(found)

    def _has_pid(self, task_id):
        done = subprocess.run(
            [str(BIN / "bourse"), "logs", task_id, "--file=pid"], capture_output=True, text=True,
            env={**os.environ, "BOURSE_MASTER": f"127.0.0.1:{self.http_port}"})
        return done.returncode == 0 and done.stdout.strip() != ""
