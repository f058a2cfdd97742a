"""A scheduler that speaks the v1 API over HTTP with nothing but sockets, for tests of a master."""

import http.client
import json
import socket
import threading

from cluster_case import ClusterCase, wait_for

JSON = "application/json"
PATH = "/api/v1/scheduler"


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode()


def post(port, body, headers=(), path=PATH, method="POST", timeout=20, host="127.0.0.1"):
    """One request on a connection of its own. `body`: bytes, text, or what becomes JSON."""
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        streams = response.headers["Mesos-Stream-Id"] is not None
        return Answer(response.status, response.headers, b"" if streams else response.read())
    finally:
        connection.close()


class Stream:
    """An open SUBSCRIBE: its records are collected as they come."""

    def __init__(self, port, body, headers=None, receive_buffer=None, read=True, path=PATH,
                 host="127.0.0.1"):
        self.port = port
        self.events = []
        self.chunks = []
        self.ended = False
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(60)
        self.socket.connect((host, port))
        body = body if isinstance(body, (bytes, str)) else json.dumps(body)
        body = body.encode() if isinstance(body, str) else body
        headers = {"Content-Type": JSON, "Accept": JSON} if headers is None else headers
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.socket.sendall(head.encode() + b"\r\n" + body)
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = http.client.parse_headers(self.file)
        self.id = self.headers["Mesos-Stream-Id"]
        self.reader = threading.Thread(target=self._read, daemon=True)
        if read:
            self.reader.start()

    def _read(self):
        pending = b""
        try:
            while True:
                size = int(self.file.readline(), 16)
                data = self.file.read(size)
                self.file.readline()
                if size == 0:
                    break
                self.chunks.append(data)
                pending += data
                while b"\n" in pending:
                    length, rest = pending.split(b"\n", 1)
                    if len(rest) < int(length):
                        break
                    record, pending = rest[:int(length)], rest[int(length):]
                    self.events.append(record)
        except (OSError, ValueError):
            pass
        self.ended = True

    def json_events(self, kind=None):
        found = [json.loads(event) for event in list(self.events)]
        return [event for event in found if kind is None or event["type"] == kind]

    def wait(self, kind, where=lambda event: True, skip=0):
        def look():
            found = [event for event in self.json_events(kind) if where(event)]
            return found[skip] if len(found) > skip else None
        return wait_for(f"{kind} on the stream; it said {self.events[-5:]}", look)

    def wait_end(self):
        wait_for(f"the end of the stream; it said {self.events[-3:]}", lambda: self.ended)

    def close(self):
        # What the file has open counts too.
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.file.close()
        self.socket.close()


class Scheduler(Stream):
    """A framework over HTTP, subscribed."""

    def __init__(self, port, framework_id=None, offer_constraints=None, **info):
        info = {"user": "root", "name": "http", **info}
        body = {"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}
        if offer_constraints:
            body["subscribe"]["offer_constraints"] = offer_constraints
        if framework_id:
            info["id"] = {"value": framework_id}
            body["framework_id"] = {"value": framework_id}
        super().__init__(port, body)
        self.framework_id = self.wait("SUBSCRIBED")["subscribed"]["framework_id"]["value"]

    def call(self, kind, body=None, stream_id=None, timeout=20):
        message = {"type": kind, "framework_id": {"value": self.framework_id}}
        if body is not None:
            message[kind.lower()] = body
        return post(self.port, message, {"Content-Type": JSON,
                                         "Mesos-Stream-Id": stream_id or self.id}, timeout=timeout)

    def offer(self, skip=0):
        return self.wait("OFFERS", skip=skip)["offers"]["offers"][0]

    def launch(self, offer, *tasks):
        return self.call("ACCEPT", {
            "offer_ids": [offer["id"]],
            "operations": [{"type": "LAUNCH", "launch": {"task_infos": list(tasks)}}],
            "filters": {"refuse_seconds": 0}})

    def update(self, task_id, state):
        return self.wait("UPDATE", lambda event: (
            event["update"]["status"]["task_id"]["value"] == task_id and
            event["update"]["status"]["state"] == state))["update"]["status"]

    def reach(self, task_id, state):
        """Acknowledges what comes before: each update waits for the one before."""
        done = set()

        def look():
            for event in self.json_events("UPDATE"):
                status = event["update"]["status"]
                if status["task_id"]["value"] != task_id or "uuid" not in status:
                    continue
                if status["state"] == state:
                    return status
                if status["uuid"] not in done:
                    done.add(status["uuid"])
                    self.acknowledge(status)
            return None
        return wait_for(f"{task_id} {state}; it said {self.events[-3:]}", look)

    def acknowledge(self, status):
        return self.call("ACKNOWLEDGE", {
            "agent_id": status["agent_id"], "task_id": status["task_id"], "uuid": status["uuid"]})


def task(task_id, offer, command, cpus=0.1, **more):
    return {"name": task_id, "task_id": {"value": task_id}, "agent_id": offer["agent_id"],
            "command": {"value": command}, "resources": [
                {"name": "cpus", "type": "SCALAR", "scalar": {"value": cpus}},
                {"name": "mem", "type": "SCALAR", "scalar": {"value": 32}}], **more}


class StreamCase(ClusterCase):
    """A cluster, and streams to it that end with the test."""

    def setUp(self):
        super().setUp()
        self.streams = []

    def tearDown(self):
        for stream in self.streams:
            stream.close()
        super().tearDown()
