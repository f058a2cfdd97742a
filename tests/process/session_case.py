"""A task with a container for a test, and sessions in it."""

import base64
import http.client
import json
import os
import pathlib
import socket

from cluster_case import wait_for
from v1_scheduler import JSON, Scheduler, Stream, StreamCase, post, task

RECORDIO = "application/recordio"
TYPED = {"Content-Type": JSON}
AS_RECORDS = {**TYPED, "Accept": RECORDIO, "Message-Accept": JSON}
ROOT = os.geteuid() == 0


def record(call):
    text = json.dumps(call).encode()
    return str(len(text)).encode() + b"\n" + text


class Input:
    """A request whose body goes on: ATTACH_CONTAINER_INPUT."""

    def __init__(self, port, container):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.sendall(
            b"POST /api/v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: application/recordio\r\nMessage-Content-Type: application/json\r\n\r\n")
        self.send({"type": "CONTAINER_ID", "container_id": container})

    def send(self, message):
        piece = record({"type": "ATTACH_CONTAINER_INPUT", "attach_container_input": message})
        self.raw(piece)

    def raw(self, piece):
        self.socket.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    def write(self, data):
        self.send({"type": "PROCESS_IO", "process_io": {"type": "DATA", "data": {
            "type": "STDIN", "data": base64.b64encode(data).decode()}}})

    def resize(self, rows, columns):
        self.send({"type": "PROCESS_IO", "process_io": {"type": "CONTROL", "control": {
            "type": "TTY_INFO", "tty_info": {"window_size": {
                "rows": rows, "columns": columns}}}}})

    def finish(self):
        self.socket.sendall(b"0\r\n\r\n")

    def answer(self):
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        return response.status, response.read().decode()

    def close(self):
        self.socket.close()


class SessionCase(StreamCase):
    agent_flags = ()

    def setUp(self):
        super().setUp()
        self.start_master()
        self.agent = self.start_agent("a", *self.agent_flags)
        self.port = int(self.agent.line("ready").rsplit(":", 1)[1])
        self.framework = Scheduler(self.http_port, failover_timeout=60.0)
        self.streams.append(self.framework)
        self.inputs = []

    def tearDown(self):
        for one in self.inputs:
            one.close()
        super().tearDown()

    def run_task(self, command="exec sleep 1000", task_id="t"):
        offer = self.framework.offer()
        wanted = task(task_id, offer, command)
        wanted["resources"][1]["scalar"]["value"] = 256
        self.assertEqual(self.framework.launch(offer, wanted).status, 202)
        status = self.framework.reach(task_id, "TASK_RUNNING")
        self.container = status["container_status"]["container_id"]["value"]
        self.task_pid = int(status["container_status"]["executor_pid"])
        return self.container

    def key(self, name="s"):
        return {"value": name, "parent": {"value": self.container}}

    def launch(self, command, name="s", tty=None, kind="LAUNCH_NESTED_CONTAINER_SESSION", **more):
        launch = {"container_id": self.key(name), "command": {"value": command, **more}}
        if tty is not None:
            launch["container"] = {"type": "MESOS", "tty_info": tty}
        call = {"type": kind, kind.lower(): launch}
        if kind != "LAUNCH_NESTED_CONTAINER_SESSION":
            return post(self.port, call, TYPED, "/api/v1")
        return self.records(call)

    def records(self, call, **more):
        self.streams.append(Stream(self.port, call, AS_RECORDS, path="/api/v1", **more))
        return self.streams[-1]

    def attach(self, name="s"):
        self.inputs.append(Input(self.port, self.key(name)))
        return self.inputs[-1]

    def ask(self, kind, name="s", **more):
        return post(self.port, {"type": kind, kind.lower(): {
            "container_id": self.key(name), **more}}, TYPED, "/api/v1")

    def exit_status(self, name="s"):
        answer = self.ask("WAIT_NESTED_CONTAINER", name)
        self.assertEqual(answer.status, 200, answer.text)
        return json.loads(answer.text)["wait_nested_container"].get("exit_status")

    def written(self, stream, kind="STDOUT"):
        return b"".join(base64.b64decode(e["data"]["data"]) for e in stream.json_events("DATA")
                        if e["data"]["type"] == kind)

    def wait_written(self, stream, wanted, kind="STDOUT"):
        wait_for(f"{wanted} of {self.written(stream, kind)[-200:]}",
                 lambda: wanted in self.written(stream, kind))

    @property
    def mark(self):
        """What tells this test's sessions from those of tests that run beside it."""
        return str(self.dir).rsplit("/", 1)[1]

    @property
    def marking(self):
        return {"environment": {"variables": [{"name": "SESSION_MARK", "value": self.mark}]}}

    def marked(self):
        """Processes that were started with this test's mark in their environment."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and f"SESSION_MARK={self.mark}".encode() in (
                        entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found
