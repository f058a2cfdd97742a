"""An executor that speaks the v1 API over HTTP with nothing but sockets: a program that an agent
starts. Its tasks run until they are killed. What it was started with, what it heard and what its
calls were answered stands as lines of JSON in the file `log` of its sandbox.

What a scheduler sends it is sent back; but "leave" makes it turn away from its agent, and
"finish TASK" makes that task end while there is no agent to tell."""

import base64
import http.client
import json
import os
import signal
import socket
import struct
import time
import uuid

HOST, PORT = os.environ["MESOS_AGENT_ENDPOINT"].rsplit(":", 1)
FRAMEWORK, EXECUTOR = os.environ["MESOS_FRAMEWORK_ID"], os.environ["MESOS_EXECUTOR_ID"]
PROTOBUF = os.environ.get("EXECUTOR_ENCODING") == "protobuf"
MEDIA = "application/x-protobuf" if PROTOBUF else "application/json"
HEADERS = {"Content-Type": MEDIA, "Accept": MEDIA}
if os.environ.get("EXECUTOR_SHOWS_TOKEN"):
    HEADERS["Authorization"] = "Bearer " + os.environ["MESOS_EXECUTOR_AUTHENTICATION_TOKEN"]
PATH = "/slave(1)/api/v1/executor"
CALLS = {"SUBSCRIBE": 1, "UPDATE": 2, "MESSAGE": 3, "HEARTBEAT": 4}
EVENTS = ("", "SUBSCRIBED", "LAUNCH", "KILL", "ACKNOWLEDGED", "MESSAGE", "ERROR", "SHUTDOWN",
          "LAUNCH_GROUP", "HEARTBEAT")
STATES = {"TASK_STARTING": 0, "TASK_RUNNING": 1, "TASK_FINISHED": 2, "TASK_KILLED": 4}


# -- protobuf, as much as is needed

def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def fields(*pairs):
    """(number, value): an int, a float (double), bytes or text."""
    out = b""
    for number, value in pairs:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        elif isinstance(value, float):
            out += varint(number << 3 | 1) + struct.pack("<d", value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def parsed(data):
    """number -> values, in order."""
    found, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(data):
        key = number()
        if key & 7 == 0:
            value = number()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or number()
            value, at = data[at:at + size], at + size
        found.setdefault(key >> 3, []).append(value)
    return found


def first(message, *path):
    for number in path[:-1]:
        message = parsed(message[number][0])
    return message[path[-1]][0]


# -- calls and events in either form; in between, events are (kind, what this program needs of it)

def status_bytes(status):
    return fields((1, fields((1, status["task_id"]["value"]))), (2, STATES[status["state"]]),
                  (6, status["timestamp"]), (9, 2), (11, base64.b64decode(status["uuid"])))


def call_bytes(kind, body):
    if not PROTOBUF:
        call = {"framework_id": {"value": FRAMEWORK}, "executor_id": {"value": EXECUTOR},
                "type": kind}
        return json.dumps(call | ({kind.lower(): body} if body is not None else {})).encode()
    head = fields((1, fields((1, EXECUTOR))), (2, fields((1, FRAMEWORK))), (3, CALLS[kind]))
    if kind == "SUBSCRIBE":
        return head + fields((4, fields(
            *[(1, task) for task in body["unacknowledged_tasks"]],
            *[(2, fields((1, status_bytes(update["status"]))))
              for update in body["unacknowledged_updates"]])))
    if kind == "UPDATE":
        return head + fields((5, fields((1, status_bytes(body["status"])))))
    return head + fields((6, fields((2, base64.b64decode(body["data"])))))


def read_event(record):
    if not PROTOBUF:
        event = json.loads(record)
        kind = event["type"]
        body = event.get(kind.lower(), {})
        if kind == "LAUNCH":
            return kind, [(body["task"]["task_id"]["value"], body["task"])], event
        if kind == "LAUNCH_GROUP":
            tasks = body["task_group"]["tasks"]
            return kind, [(task["task_id"]["value"], task) for task in tasks], event
        if kind in ("KILL", "ACKNOWLEDGED"):
            return kind, (body["task_id"]["value"], body.get("uuid")), event
        return kind, base64.b64decode(body["data"]) if kind == "MESSAGE" else None, event
    event = parsed(record)
    kind, body = EVENTS[event[1][0]], None
    if kind == "LAUNCH":
        body = [(first(event, 4, 1, 2, 1).decode(), first(event, 4, 1))]
    if kind == "LAUNCH_GROUP":
        tasks = parsed(first(event, 8, 1))[1]
        body = [(first(parsed(task), 2, 1).decode(), task) for task in tasks]
    if kind == "KILL":
        body = (first(event, 5, 1, 1).decode(), None)
    if kind == "ACKNOWLEDGED":
        body = (first(event, 3, 1, 1).decode(), base64.b64encode(first(event, 3, 2)).decode())
    if kind == "MESSAGE":
        body = first(event, 6, 1)
    return kind, body, {"type": kind}


class Program:
    def __init__(self):
        self.log = open("log", "a", buffering=1)  # noqa: SIM115 - open as long as it runs
        self.tasks = {}    # no update of it was acknowledged: id -> the task as it came
        self.updates = {}  # not acknowledged: uuid -> status
        self.finish = []   # tasks that end once the agent is away
        self.over = False
        self.say(environment=dict(os.environ), pid=os.getpid())

    def say(self, **what):
        self.log.write(json.dumps(what) + "\n")

    def post(self, kind, body):
        connection = http.client.HTTPConnection(HOST, int(PORT), timeout=20)
        try:
            connection.request("POST", PATH, call_bytes(kind, body), HEADERS)
            status = connection.getresponse().status
        except OSError as error:
            status = str(error)
        finally:
            connection.close()
        self.say(call=kind, status=status)

    def update(self, task_id, state, send=True):
        name = base64.b64encode(uuid.uuid4().bytes).decode()
        status = {"task_id": {"value": task_id}, "state": state, "source": "SOURCE_EXECUTOR",
                  "uuid": name, "timestamp": time.time()}
        self.updates[name] = status
        if send:
            self.post("UPDATE", {"status": status})

    def on_event(self, record, stream):
        kind, body, event = read_event(record)
        self.say(event=event)
        if kind in ("LAUNCH", "LAUNCH_GROUP"):
            self.tasks.update(body)
            for task_id, _ in body:
                self.update(task_id, "TASK_RUNNING")
        elif kind == "KILL":
            self.update(body[0], "TASK_KILLED")
        elif kind == "ACKNOWLEDGED":
            self.updates.pop(body[1], None)
            self.tasks.pop(body[0], None)
        elif kind == "MESSAGE" and body.startswith(b"finish "):
            self.finish.append(body[7:].decode())
        elif kind == "MESSAGE" and body == b"leave":
            stream.close()
            while True:
                signal.pause()
        elif kind == "MESSAGE":
            self.post("MESSAGE", {"data": base64.b64encode(body).decode()})
        elif kind == "SHUTDOWN":
            self.over = True

    def subscribe(self):
        """Until the stream ends."""
        body = call_bytes("SUBSCRIBE", {
            "unacknowledged_tasks": list(self.tasks.values()),
            "unacknowledged_updates": [{"status": status} for status in self.updates.values()]})
        with socket.create_connection((HOST, int(PORT))) as connection:
            head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
            connection.sendall(head.encode() + b"\r\n" + body)
            with connection.makefile("rb") as stream:
                status = int(stream.readline().split()[1])
                headers = http.client.parse_headers(stream)
                self.say(call="SUBSCRIBE", status=status, headers=dict(headers))
                pending = b""
                while status == 200 and not self.over:
                    size = int(stream.readline() or b"0", 16)
                    if size == 0:
                        return
                    pending += stream.read(size)
                    stream.readline()
                    while b"\n" in pending:
                        length, rest = pending.split(b"\n", 1)
                        if len(rest) < int(length):
                            break
                        pending = rest[int(length):]
                        self.on_event(rest[:int(length)], connection)

    def run(self):
        while not self.over:
            try:
                self.subscribe()
            except (OSError, ValueError) as error:
                self.say(away=str(error))
            for task_id in self.finish:
                self.update(task_id, "TASK_FINISHED", send=False)
            self.finish = []
            if not self.over and os.environ.get("MESOS_CHECKPOINT") != "1":
                return
            if not self.over:
                time.sleep(0.1)  # between two tries


if __name__ == "__main__":
    Program().run()
