"""What once happened to clusters of this kind, with real processes here (docs/RELIABILITY.md)."""

import base64
import fcntl
import os
import pathlib
import socket
import subprocess
import threading
import unittest

import v1_scheduler
from cluster_case import BIN, wait_for

CANARY = "canary-71c0d1f2a9"


def http_request(path, body):
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


class Incidents(v1_scheduler.StreamCase):
    def agent_argv(self, name, port):
        return [BIN / "bourse-agent", f"--master=127.0.0.1:{self.link_port}", f"--port={port}",
                f"--work-dir={self.dir}/{name}", f"--run-dir={self.dir}/{name}r",
                "--resources=cpus:4;mem:2048;disk:1000"]

    def agent_at(self, name, port):
        agent = self.start(f"agent {name}", self.agent_argv(name, port))
        return agent, int(agent.line("ready").rsplit(":", 1)[1])

    def active(self):
        return {a["agent_info"]["id"]["value"]: a["agent_info"]["port"]
                for a in self.agents() if a["active"]}

    def test_two_agents_at_one_address_one_after_the_other_are_two_agents(self):
        self.start_master("--agent-heartbeat=200ms", "--agent-silence=1secs")
        first, port = self.agent_at("first", 0)
        scheduler = self.start_scheduler()
        scheduler.say("launch t1 100 32 echo $$ > pid; exec sleep 1000")
        scheduler.line("update t1 TASK_RUNNING")
        pid = self.pid_of("t1")
        [first_id] = self.active()
        # At the same time they cannot be: the second one says so.
        done = subprocess.run([str(word) for word in self.agent_argv("second", port)],
                              capture_output=True, text=True, timeout=30)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"{port}", done.stderr)
        # One after the other they are two, whatever their address is.
        first.kill()
        wait_for("the first one is missed", lambda: not self.active())
        self.agent_at("second", port)
        wait_for("the second one", lambda: len(self.active()) == 1)
        [(second_id, at)] = self.active().items()
        self.assertNotEqual(second_id, first_id)
        self.assertEqual(at, port)
        # The first one returns at another address with what it has, and takes nothing away.
        _, elsewhere = self.agent_at("first", 0)
        wait_for("both", lambda: self.active() == {first_id: elsewhere, second_id: port})
        os.kill(pid, 0)
        scheduler.say("kill t1 0")
        scheduler.line("update t1 TASK_KILLED")
        self.assertFalse([line for line in scheduler.lines if "LOST" in line or "GONE" in line])

    def test_many_connections_that_ask_and_do_not_read_hold_up_neither_master_nor_agent(self):
        self.start_master()
        agent, port = self.agent_at("a", 0)
        self.wait_agents(1)
        scheduler = self.start_scheduler()
        for index in range(20):
            scheduler.say(f"launch s{index} 50 32 exec sleep 1000")
            scheduler.line(f"update s{index} TASK_RUNNING")
        # Containers are measured for each answer; and the master writes its whole state.
        streams = []
        for target, call in ((port, "GET_CONTAINERS"), (self.http_port, "GET_STATE")):
            for _ in range(200):
                stream = socket.socket()
                self.addCleanup(stream.close)
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                stream.connect(("127.0.0.1", target))
                stream.sendall(http_request("/api/v1", f'{{"type":"{call}"}}') * 20)
                streams.append(stream)
        for target in (port, self.http_port):
            answer = v1_scheduler.post(target, "", path="/health", method="GET")
            self.assertEqual(answer.status, 200)
        scheduler.say("launch works 100 32 true")
        scheduler.line("update works TASK_FINISHED")
        self.assertEqual(len(self.active()), 1)
        self.assertIsNone(agent.popen.poll())

    def test_a_hundred_thousand_calls_on_one_connection_need_no_more_stack_than_one(self):
        # What calls itself for each of them would be out of this.
        small = ["prlimit", "--stack=262144"]
        master = self.start("master", [*small, BIN / "bourse-master", "--port=0", "--agent-port=0",
                                       f"--work-dir={self.dir}/master"])
        ready = dict(word.split("=") for word in master.line("ready").split()[1:])
        self.http_port, self.link_port = (
            int(ready[name].rsplit(":", 1)[1]) for name in ("http", "link"))
        agent = self.start("agent", [*small, *self.agent_argv("a", 0)])
        port = int(agent.line("ready").rsplit(":", 1)[1])
        self.wait_agents(1)
        call = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for target in (self.http_port, port):
            with socket.create_connection(("127.0.0.1", target), 30) as stream:
                writer = threading.Thread(target=stream.sendall, args=(call * 50_000,), daemon=True)
                writer.start()
                answered, rest = 0, b""
                while answered < 50_000:
                    block = stream.recv(1 << 16)
                    self.assertTrue(block, f"it ended after {answered} answers")
                    answered += (rest + block).count(b"HTTP/1.1 200")
                    rest = block[-11:]
                writer.join()
        # As many records at once to one framework, and the answers of as many updates.
        scheduler = self.start_scheduler()
        for index in range(3000):
            scheduler.say(f"reconcile nobody{index}")
        scheduler.line("update nobody2999 TASK_UNKNOWN")
        self.assertIsNone(master.popen.poll())
        self.assertIsNone(agent.popen.poll())

    # -- what a container must not reach

    @unittest.skipIf(os.geteuid() != 0, "only root could")
    def test_the_program_that_watches_a_container_cannot_be_written_to_by_root_either(self):
        self.start_master()
        self.start_agent()
        scheduler = self.start_scheduler()
        scheduler.say("launch t 100 32 echo $$ > pid; exec sleep 1000")
        scheduler.line("update t TASK_RUNNING")
        shims = [pid for pid in self.below(self.processes[1].popen.pid)
                 if b"--container" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]
        self.assertTrue(shims)
        for pid in shims:
            # Not the file that others are started from, but a copy that nobody can change.
            program = f"/proc/{pid}/exe"
            self.assertTrue(os.readlink(program).startswith("/memfd:bourse-shim"))
            with open(program, "rb") as file:
                seals = fcntl.fcntl(file, fcntl.F_GET_SEALS)
            for seal in (fcntl.F_SEAL_WRITE, fcntl.F_SEAL_SHRINK, fcntl.F_SEAL_SEAL):
                self.assertTrue(seals & seal)
            with self.assertRaises(OSError):
                open(program, "r+b").close()

    def below(self, pid):
        """Processes that this one started, and those that they did."""
        children = [int(word) for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()
                    for word in (thread / "children").read_text().split()]
        return children + [one for child in children for one in self.below(child)]

    # -- secrets

    def said_and_stored(self):
        """Where something secret might be found: what daemons said, who runs with what arguments,
        and every file that others than its owner can read."""
        for process in self.processes:
            yield f"the log of {process.name}", "\n".join(process.lines + process.errors).encode()
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    yield f"arguments of {entry.name}", (entry / "cmdline").read_bytes()
                except OSError:
                    continue
        for file in self.dir.rglob("*"):
            if file.is_file() and file.stat().st_mode & 0o077:
                yield str(file), file.read_bytes()

    def assert_told_to_nobody(self, secret):
        for where, text in self.said_and_stored():
            self.assertFalse(secret in text, where)

    def environment_with(self, word):
        """That of a process in whose environment this word stands."""
        for entry in pathlib.Path("/proc").iterdir():
            try:
                words = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if word in words and any(str(self.dir).encode() in one for one in words):
                return dict(one.split(b"=", 1) for one in words if b"=" in one)
        return {}

    def test_what_a_task_is_trusted_with_stands_in_no_log_and_in_no_argument(self):
        self.start_master("--log-level=debug")
        self.agent_at("a", 0)
        self.wait_agents(1)
        scheduler = self.start_scheduler()
        scheduler.say(f"launch-with e under 100 32 {BIN / 'told-executor'}")
        scheduler.line("update under TASK_RUNNING")
        given = self.environment_with(b"MESOS_EXECUTOR_ID=e")
        token = given[b"MESOS_EXECUTOR_AUTHENTICATION_TOKEN"]
        self.assertGreater(len(token), 16)
        stream = v1_scheduler.Scheduler(self.http_port)
        self.streams.append(stream)
        offer = stream.offer()
        task = v1_scheduler.task("t", offer, "sleep 1000")
        task["command"]["environment"] = {"variables": [{"name": "PASSWORD", "value": CANARY}]}
        self.assertEqual(stream.launch(offer, task).status, 202)
        stream.reach("t", "TASK_RUNNING")

        wait_for("the task has it", lambda: self.environment_with(b"MESOS_TASK_ID=t").get(
            b"PASSWORD") == CANARY.encode())
        # An agent that restarts must know both: they stand in files of its own.
        self.assert_told_to_nobody(CANARY.encode())
        self.assert_told_to_nobody(token)
        # By value it is not even taken, and the refusal does not repeat it.
        secret = v1_scheduler.task("s", offer, "true")
        value = base64.b64encode(CANARY.encode()).decode()
        secret["command"]["environment"] = {"variables": [{
            "name": "PASSWORD", "type": "SECRET",
            "secret": {"type": "VALUE", "value": {"data": value}}}]}
        answer = stream.launch(offer, secret)
        self.assertEqual(answer.status, 400)
        self.assertIn("secret", answer.text)
        self.assertNotIn(value, answer.text)
        self.assertNotIn(CANARY, answer.text)


if __name__ == "__main__":
    unittest.main()
