"""Wrong, truncated, oversized and unknown messages on every socket of real daemons. Whoever sends
them loses the connection or is told what is wrong; the cluster goes on."""

import http.client
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

import zmtp
from cluster_case import BIN, ClusterCase, wait_for

AGENT, FRAMEWORK = b"bourse-agent/1", b"bourse-framework/1"
FRAME_LIMIT = 8 << 20


class Hostile(ClusterCase):
    def expect_working(self, agents=1):
        """A task runs and ends: whatever was sent has broken nothing."""
        self.wait_agents(agents)
        scheduler = self.start_scheduler()
        scheduler.say("launch works 100 32 true")
        scheduler.line("update works TASK_FINISHED")
        scheduler.say("teardown")

    def http(self, method, path, body=b"", port=None, **headers):
        """(status, text) of one request; headers are written with underscores."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.http_port, timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        connection.close()
        return answer.status, text

    # -- the master's link

    def test_what_does_not_parse_on_the_masters_link_costs_its_sender_the_connection(self):
        self.start_master()
        self.start_agent()
        unknown = zmtp.batch(zmtp.field(99, b"from a later version"))
        wrong = {
            "no preamble": [b"hello"],
            "a later preamble": [b"bourse-agent/9"],
            "an empty message": [AGENT, b""],
            "a frame that is cut": [AGENT, zmtp.varint(100) + b"short"],
            "a length that never ends": [FRAMEWORK, b"\x80" * 11],
            "a frame of no message": [AGENT, zmtp.batch(b"\xff\xff\xff")],
            "a kind nobody knows": [AGENT, unknown],
            "an agent's message from a framework": [
                FRAMEWORK, zmtp.batch(zmtp.field(1, 5) + zmtp.field(4, b"\x08\x01"))],
            "random bytes": [FRAMEWORK, os.urandom(5000)],
            "a call without an id": [
                FRAMEWORK, zmtp.batch(zmtp.field(4, zmtp.field(2, 6)))],
            "a message over the limit": [AGENT, bytes(FRAME_LIMIT + 1)],
        }
        why = {"a later preamble": b"not a preamble this master knows",
               "a frame that is cut": b"frame", "random bytes": b"frame"}
        for what, messages in wrong.items():
            with self.subTest(what), zmtp.Peer.connect(self.link_port) as peer:
                try:
                    for message in messages:
                        peer.send(message)
                except ConnectionError:
                    continue  # closed while it was still sending
                if what == "an empty message":
                    continue  # no frames: nothing is wrong with it
                said = peer.wait_closed()
                if what in why:
                    self.assertTrue(said and said[-1].startswith(b"bourse-closing/1 ") and
                                    why[what] in said[-1], said)
        with zmtp.Peer.connect(self.link_port) as peer:
            peer.send(AGENT)
            peer.send(b"one", zmtp.MORE)
            peer.send(b"two")
            peer.wait_closed()
        self.expect_working()

    def test_half_a_message_and_silence_hold_nobody_up(self):
        self.start_master()
        self.start_agent()
        with zmtp.Peer.connect(self.link_port) as peer:
            peer.send(FRAMEWORK)
            peer.socket.sendall(b"\x02" + struct.pack(">Q", 1 << 20) + b"the first few bytes")
            self.expect_working()

    def subscribe(self, name):
        """A framework of its own making: its connection, and the id it was given."""
        info = zmtp.field(1, "root") + zmtp.field(2, name)
        subscribe = zmtp.field(2, 1) + zmtp.field(3, zmtp.field(1, info))
        peer = zmtp.Peer.connect(self.link_port)
        self.addCleanup(peer.close)
        peer.send(FRAMEWORK)
        peer.send(zmtp.batch(zmtp.field(1, 1) + zmtp.field(4, subscribe)))
        own_id = wait_for("its subscription", lambda: [
            one["framework_info"]["id"]["value"] for one in self.frameworks()
            if one["framework_info"]["name"] == name])[0]
        return peer, own_id

    def frameworks(self):
        return self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"].get("frameworks", [])

    @staticmethod
    def reconcile(own_id, number):
        """A megabyte: what became of 5,000 tasks that nobody knows?"""
        tasks = b"".join(
            zmtp.field(1, zmtp.field(1, zmtp.field(1, f"{n:05}" + "x" * 200))) for n in range(5000))
        call = (zmtp.field(1, zmtp.field(1, own_id)) + zmtp.field(2, 9) + zmtp.field(9, tasks))
        return zmtp.batch(zmtp.field(1, 1) + zmtp.field(2, number) + zmtp.field(4, call))

    def metric(self, name):
        return {one["name"]: one["value"] for one in self.call(
            {"type": "GET_METRICS"})["get_metrics"]["metrics"]}[name]

    def expect_nobody_was_silent(self, master, agents):
        known = self.call({"type": "GET_AGENTS"})["get_agents"]["agents"]
        self.assertEqual([agent["active"] for agent in known], [True] * agents)
        self.assertEqual([line for line in master.errors if "agent.silent" in line
                          or "agent.unreachable" in line], [])

    def test_a_framework_that_never_reads_is_cut_off_and_the_others_go_on(self):
        master = self.start_master()
        for name in "abc":
            self.start_agent(name)
        self.wait_agents(3)
        peer, own_id = self.subscribe("deaf")
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        call = self.reconcile(own_id, 1)
        sent = []

        def ask():
            """Asks for ever more and reads nothing, until it is cut off."""
            try:
                for number in range(1, 501):
                    peer.send(call if number == 1 else self.reconcile(own_id, number))
                    sent.append(number)
            except OSError:
                pass

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        self.expect_working(3)
        wait_for("the deaf framework is cut off", lambda: all(
            one["framework_info"]["id"]["value"] != own_id for one in self.frameworks()), 60)
        asking.join(20)
        self.assertLess(len(sent), 500)
        self.expect_working(3)
        self.expect_nobody_was_silent(master, 3)
        self.assertEqual(self.metric("bourse/link/peers_flooding"), 1)
        self.assertTrue(any("told to hold" in line for line in master.errors), master.errors[-5:])

    def test_a_framework_that_holds_when_it_is_told_to_may_ask_for_as_much_as_it_likes(self):
        master = self.start_master()
        self.start_agent()
        self.wait_agents(1)
        peer, own_id = self.subscribe("curious")
        may_send = threading.Event()
        may_send.set()
        calls, answers = 100, []

        def read():
            try:
                while sum(answers) < calls * 5000:
                    said = peer.receive()
                    if said == b"bourse-hold/1":
                        may_send.clear()
                    elif said == b"bourse-go-on/1":
                        may_send.set()
                    elif len(said) > 1000:  # no heartbeat
                        answers.append(zmtp.frames(said))
            except OSError:
                may_send.set()

        reading = threading.Thread(target=read, daemon=True)
        reading.start()
        peer.socket.settimeout(60)
        for number in range(1, calls + 1):
            may_send.wait(60)
            peer.send(self.reconcile(own_id, number))
        self.expect_working()
        reading.join(120)
        self.assertEqual(sum(answers), calls * 5000)
        self.assertEqual(self.metric("bourse/link/peers_flooding"), 0)
        self.expect_nobody_was_silent(master, 1)

    # -- the agent's side of that link

    def test_an_agent_outlives_a_master_that_talks_nonsense_and_finds_the_real_one(self):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(20)
        self.link_port = listener.getsockname()[1]
        agent = self.start_agent()
        nonsense = [
            b"\x80" * 11,
            zmtp.varint(100) + b"short",
            zmtp.batch(zmtp.field(99, b"from a later version")),
            zmtp.batch(zmtp.field(1, 1) + zmtp.field(4, b"")),  # registered as nobody
            zmtp.batch(zmtp.field(1, 1) + zmtp.field(4, zmtp.field(1, "a/../b"))),
            os.urandom(5000),
            bytes(FRAME_LIMIT + 1),
        ]
        for message in nonsense:
            peer = zmtp.Peer.accept(listener)
            self.assertEqual(peer.receive(), AGENT)
            peer.receive()  # its registration
            try:
                peer.send(message)
                peer.wait_closed()
            except ConnectionError:
                pass  # it closed while the message was under way
            peer.close()
        self.assertIsNone(agent.popen.poll())
        listener.close()
        self.start_master()
        self.expect_working()

    def test_a_framework_s_author_reads_why_a_master_closed_the_connection(self):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(20)
        port = listener.getsockname()[1]
        scheduler = self.start("scheduler", [BIN / "told-scheduler", f"127.0.0.1:{port}", "-"],
                               True)
        with zmtp.Peer.accept(listener) as peer:
            self.assertEqual(peer.receive(), FRAMEWORK)
            peer.receive()  # SUBSCRIBE
            peer.send(b"bourse-closing/1 it speaks a version of long ago")
            for _ in range(2):
                peer.receive()  # it asks again: it has read what was said before
        scheduler.line("disconnected the master closed the connection: it speaks a version of long "
                       "ago")
        listener.close()

    def test_an_agent_does_not_storm_a_master_that_talks_nonsense(self):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(0.1)
        self.link_port = listener.getsockname()[1]
        self.start_agent()
        connections = 0
        end = time.monotonic() + 2
        while time.monotonic() < end:
            try:
                with zmtp.Peer.accept(listener) as peer:
                    connections += 1
                    peer.send(b"\xff\xff\xff\xff")
                    peer.wait_closed()
            except OSError:
                pass  # nobody came, or it left in the middle
        self.assertGreater(connections, 0)
        self.assertLess(connections, 20)
        listener.close()

    # -- executors

    def test_strangers_on_the_executors_socket_get_nothing_and_disturb_nobody(self):
        self.start_master()
        agent = self.start_agent()
        path = str(self.dir / "ar/executors.sock")
        subscribe = zmtp.field(2, zmtp.field(1, zmtp.field(1, "e")) + zmtp.field(
            2, zmtp.field(1, "f")) + zmtp.field(3, 1))
        for message in (b"", b"\xff" * 40, os.urandom(3000), zmtp.varint(90) + b"short",
                        zmtp.batch(zmtp.field(1, "a wrong token") + subscribe)):
            with socket.socket(socket.AF_UNIX) as stranger:
                stranger.settimeout(10)
                stranger.connect(path)
                stranger.sendall(struct.pack("<I", len(message)) + message)
        with socket.socket(socket.AF_UNIX) as stranger:  # claims 4 GB
            stranger.settimeout(10)
            stranger.connect(path)
            stranger.sendall(b"\xff\xff\xff\xff" + bytes(100))
            self.assertEqual(stranger.recv(1), b"")
        self.expect_working()
        self.assertIsNone(agent.popen.poll())

    def processes_of(self, program):
        """Pids of a program whose sandbox is below our directory."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                name = (entry / "cmdline").read_bytes().split(b"\0")[0].decode()
                if os.path.basename(name) == program and os.readlink(entry / "cwd").startswith(
                        str(self.dir)):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def test_an_executor_that_hangs_holds_up_nobody_else_and_a_teardown_leaves_nothing(self):
        self.start_master()
        agent = self.start_agent()
        scheduler = self.start_scheduler()
        scheduler.say(f"launch-with own hangs 100 32 {BIN / 'told-executor'}")
        scheduler.line("update hangs TASK_RUNNING")
        scheduler.say("launch beside 100 32 exec sleep 1000")
        scheduler.line("update beside TASK_RUNNING")
        (pid,) = self.processes_of("told-executor")
        cgroups = pathlib.Path(f"/proc/{pid}/cgroup").read_text()
        os.kill(pid, signal.SIGSTOP)
        # KILL is the executor's to obey: it hears it once it goes on. Others do not wait for it.
        scheduler.say("kill hangs 100")
        scheduler.say("kill beside 100")
        scheduler.line("update beside TASK_KILLED")
        self.assertFalse([line for line in scheduler.lines if line.startswith("update hangs")
                          and "RUNNING" not in line and "STARTING" not in line])
        self.assertEqual(self.processes_of("told-executor"), [pid])
        scheduler.say("teardown")
        wait_for("its processes are gone", lambda: not self.processes_of("told-executor"))
        wait_for("nothing is held", lambda: not self.agents()[0].get("allocated_resources"))
        ended = self.call({"type": "GET_TASKS"})["get_tasks"]
        self.assertEqual(ended.get("tasks", []), [])
        self.assertEqual({task["task_id"]["value"]: task["state"]
                          for task in ended["completed_tasks"]},
                         {"hangs": "TASK_KILLED", "beside": "TASK_KILLED"})
        paths = [line.split(":", 2) for line in cgroups.splitlines() if "/bourse-" in line]
        self.assertEqual(bool(paths), os.geteuid() == 0)  # without root there are none
        for _, controllers, path in paths:
            root = pathlib.Path("/sys/fs/cgroup") / controllers.removeprefix("name=")
            wait_for(f"{path} is gone", lambda at=root / path[1:]: not at.exists())
        self.assertIsNone(agent.popen.poll())
        self.expect_working()

    # -- an agent with another's id

    def test_an_agent_that_claims_anothers_id_takes_its_place_and_the_other_stops(self):
        self.start_master()
        first = self.start_agent()
        known = self.wait_agents(1)[0]["agent_info"]["id"]
        shutil.copytree(self.dir / "a", self.dir / "b", symlinks=True)
        (self.dir / "b" / "meta" / "home").unlink()  # or it would be known as a copy
        second = self.start_agent("b")
        self.assertEqual(first.popen.wait(20), 78)
        self.assertIn("a newer incarnation of this agent registered", first.errors[-1])
        (row,) = wait_for("the one agent", lambda: [
            agent for agent in self.agents() if agent["active"]])
        self.assertEqual(row["agent_info"]["id"], known)
        cpus = [r["scalar"]["value"] for r in row["total_resources"] if r["name"] == "cpus"]
        self.assertEqual(cpus, [4.0])
        self.assertIsNone(second.popen.poll())
        self.expect_working()

    # -- HTTP

    def refuse_wrong_calls(self, port):
        """What both daemons' operator APIs answer to what is no call: a status and a sentence."""
        json_type = {"Content_Type": "application/json"}
        proto = {"Content_Type": "application/x-protobuf"}
        deep = b'{"type":' + b"[" * 100 + b"]" * 100 + b"}"
        for body, headers, status, word in (
            (b'{"type":"GET_HEALTH"}', {}, 400, "Content-Type"),
            (b'{"type":"GET_HEALTH"}', {"Content_Type": "text/plain"}, 415, "text/plain"),
            (b"", json_type, 400, ""),
            (b"{", json_type, 400, ""),
            (b"[]", json_type, 400, ""),
            (b'{"type":7.5}', json_type, 400, "type"),
            (b'{"type":"GET_HEALTH","type":"GET_HEALTH"}', json_type, 400, "type"),
            (b'{"type":"\xff\xfe"}', json_type, 400, "UTF-8"),
            (deep, json_type, 400, "64"),
            (b'{"type":"READ_FILE","read_file":{"path":"/x","offset":-1}}', json_type, 400,
             "offset"),
            (b'{"type":"READ_FILE","read_file":{"offset":0}}', json_type, 400, "path"),
            (b"\xff\xff\xff", proto, 400, "parse"),
            (b"", {**json_type, "Content_Length": str(3 << 20)}, 413, ""),
        ):
            with self.subTest(body[:60]):
                got, text = self.http("POST", "/api/v1", body, port, **headers)
                self.assertEqual(got, status, text)
                self.assertIn(word, text)
                self.assertNotEqual(text.strip(), "")
        self.assertEqual(self.http("GET", "/api/v1", port=port)[0], 405)
        self.assertEqual(self.http("POST", "/health", b"", port, Host="evil.example")[0], 403)
        ok = self.http("POST", "/api/v1", b'{"type":"GET_HEALTH"}', port, **json_type)
        self.assertEqual(ok[0], 200)

    def test_wrong_calls_over_http_are_answered_with_a_sentence_by_master_and_agent(self):
        self.start_master()
        agent = self.start_agent()
        self.refuse_wrong_calls(self.http_port)
        self.refuse_wrong_calls(int(agent.line("ready").rsplit(":", 1)[1]))
        self.expect_working()

    def test_a_call_of_a_framework_is_not_taken_for_one_of_an_operator(self):
        self.start_master()
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=10)
        self.addCleanup(connection.close)
        connection.request("POST", "/api/v1/scheduler", '{"type":"SUBSCRIBE"}',
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        self.assertEqual(answer.status, 400)
        self.assertIn("'subscribe'", answer.read().decode())

    # -- flags

    def test_flags_that_make_no_sense_are_refused_in_one_sentence(self):
        master = ("bourse-master", f"--work-dir={self.dir}/m", "--port=0", "--agent-port=0")
        agent = ("bourse-agent", f"--work-dir={self.dir}/a", "--port=0", "--master=127.0.0.1:1")
        gateway = ("bourse-gateway", "--port=0", "--master=127.0.0.1:1")
        for base, flag, words in (
            (master, "--agent-heartbeat=0secs", "--agent-heartbeat: must be from 1ms"),
            (master, "--offer-lifetime=0secs", "--offer-lifetime: must be from 1ms"),
            (master, "--agent-silence=1secs", "--agent-silence: is less than two"),
            (master, "--agent-removal-rate-limit=many", "'many' is not a number of agents per"),
            (master, "--agent-removal-rate-limit=0/1secs", "'0/1secs' is not a number of agents"),
            (master, "--agent-removal-rate-limit=-1/1secs", "'-1/1secs' is not a number"),
            (master, "--framework-heartbeat=10secs", "--framework-silence: is less than two"),
            (master, "--agent-timeout=-5secs", "negative"),
            (master, "--agent-timeout=soon", "'soon' is not a duration"),
            (master, "--agent-reregister-timeout=0secs", "--agent-reregister-timeout: must be"),
            (master, "--framework-reregister-timeout=0secs", "--framework-reregister-timeout: mu"),
            (master, "--registry-gc-interval=0secs", "--registry-gc-interval: must be from 1ms"),
            (master, "--registry-max-agent-age=0secs", "--registry-max-agent-age: must be from"),
            (master, "--registry-max-agent-count=-1", "--registry-max-agent-count: is -1; give 0"),
            (master, "--registry-max-agent-count=100001", "is 100001; give 0 to 100000"),
            (master, "--port=70000", "70000"),
            (master, "--ip=::1", "--ip: '::1' is no IPv4 address of four numbers"),
            (master, "--allowed-hosts=lb:80", "--allowed-hosts: 'lb:80' is none"),
            (master, "--allowed-origins=lb", "--allowed-origins: 'lb' is none"),
            (master, "--region=here", "--region, --zone"),
            (agent, "--ip=localhost", "--ip: 'localhost' is no IPv4 address of four numbers"),
            (gateway, "--ip=::1", "--ip: '::1' is no IPv4 address of four numbers"),
            (gateway, "--allowed-hosts=lb:80", "--allowed-hosts: 'lb:80' is none"),
            (gateway, "--authenticate-http-readonly", "--credentials: is missing"),
            (agent, "--advertise-ip=0.0.0.0", "--advertise-ip: 0.0.0.0 leads nowhere"),
            (agent, "--allowed-hosts=a,,b", "--allowed-hosts: '' is none"),
            (master, "--no-such-flag=1", "no-such-flag"),
            (agent, "--resources=cpus:-1", "cpus"),
            (agent, "--resources=cpus:nan", "cpus"),
            (agent, "--resources=cpus:1e300", "cpus"),
            (agent, "--resources=ports:[9-5]", "ports"),
            (agent, "--resources=ports:[1-5,3-8]", "ports"),
            (agent, "--resources=cpus:1;cpus:2", "cpus"),
            (agent, "--attributes=rack", "'rack' is not of the form name:value"),
            (agent, "--region=here", "--region, --zone"),
            (agent, "--master=nowhere", "--master: 'nowhere' is not host:port"),
        ):
            with self.subTest(flag):
                done = subprocess.run([str(BIN / base[0]), *base[1:], flag], timeout=20,
                                      capture_output=True, text=True)
                said = [line for line in done.stderr.splitlines() if line.startswith("bourse-")]
                self.assertEqual(len(said), 1, done.stderr)
                self.assertIn(words, said[0])
                self.assertIn(done.returncode, (1, 2))


if __name__ == "__main__":
    unittest.main()
