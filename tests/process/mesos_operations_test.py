"""The recorded requests that reserve, make volumes, set quotas and weights and maintain an agent,
sent to a real cluster: codes, headers, names, presence and types of keys and the order of events
are those of Mesos. What differs is listed here, each with its row in docs/mesos-compatibility.md:
what differs and is not listed fails, and so does what is listed and does not differ."""

import json
import unittest

import mesos_recordings
from cluster_case import wait_for
from executor_api_test import PATH as EXECUTOR_PATH, ExecutorCase
from mesos_executor_test import read_life
from mesos_recordings import Differences, headers_that_matter, shape
from recorded_scheduler import RecordedScheduler
from v1_scheduler import JSON, Stream, post

# What: what of it is here and not as Mesos had it, and the row that says why.
OWN_EXECUTOR = {(".update.status.executor_id", "object"),
                (".update.status.executor_id.value", "text")}
OF_EVENTS = {
    ("UPDATE c1 TASK_RUNNING", "more"): (OWN_EXECUTOR, "`executor_id` of a status"),
    ("UPDATE c1 TASK_KILLED", "more"): (OWN_EXECUTOR, "`executor_id` of a status"),
}
ASKED = {("[]", "object"), ("[].status", "text"), ("[].framework_id", "object"),
         ("[].framework_id.value", "text"), ("[].timestamp", "object"),
         ("[].timestamp.nanoseconds", "number"), ("", "list")}


def asked_in(machines):
    return {(f"{machines}.draining_machines[].statuses{at}", kind) for at, kind in ASKED}


DRAINED = "An agent that drains is drained, and `REACTIVATE_AGENT` taken"
OF_WRITES = {
    ("GET_MAINTENANCE_STATUS 1", "more"): (
        asked_in(".get_maintenance_status.status"), "`statuses` of a machine that is to be down"),
    ("GET /maintenance/status 1", "more"): (
        asked_in(""), "`statuses` of a machine that is to be down"),
    "sequence": (True, "Answers of the operator API"),
    ("GET_QUOTA 1", "more"): (
        {(f".get_quota.consumptions{path}", kind) for path, kind in (
            ("", "list"), ("[]", "object"), ("[].role", "text"), ("[].consumed", "object"))},
        "`consumptions` in the answer to GET_QUOTA"),
    ("GET_AGENTS 1", "less"): (
        {(".get_agents.agents[].agent_info.checkpoint", "bool")}, "`agent_info.checkpoint`"),
    ("REACTIVATE_AGENT 1", "status"): (200, DRAINED),
    ("REACTIVATE_AGENT 2", "status"): (200, DRAINED),
}


CHECKPOINT = "`agent_info.checkpoint`"
OF_RESERVED = {
    "sequence": (True, "Answers of the operator API"),
    ("GET_STATE", "less"): (
        {(".get_state.get_agents.agents[].agent_info.checkpoint", "bool")}, CHECKPOINT),
    ("GET_AGENTS", "less"): (
        {(".get_agents.agents[].agent_info.checkpoint", "bool")}, CHECKPOINT),
}


class Told:
    """A JSON value with the recording's names replaced by those of this run."""

    def __init__(self, names):
        self.names = names

    def here(self, text):
        for recorded in sorted(self.names, key=len, reverse=True):
            text = text.replace(recorded, self.names[recorded])
        return text


class MesosOperations(ExecutorCase, RecordedScheduler):
    RESOURCES = "--resources=cpus:4;mem:8192;disk:8192;ports:[31000-32000]"

    def setUp(self):
        super().setUp()
        self.told = Told(self.ids)

    def begin_cluster(self):
        # What is left of an ACCEPT waits for what its executor gives back.
        self.start_master("--reoffer-min=3secs")
        self.begin_agent(self.RESOURCES)
        self.wait_agents(1)

    def send(self, exchange):
        headers = {k: self.told.here(v) for k, v in exchange.headers.items()
                   if k != "Content-Length"}
        return post(self.http_port, self.told.here(exchange.body), headers, exchange.path,
                    exchange.method)

    def subscribe_recorded(self, exchange, recorded):
        self.stream = Stream(self.http_port, exchange.body)
        self.streams.append(self.stream)
        self.assertEqual(self.stream.status, exchange.status)
        self.told.names[exchange.answer_headers["Mesos-Stream-Id"]] = self.stream.id
        self.told.names[recorded["subscribed"]["framework_id"]["value"]] = \
            self.stream.wait("SUBSCRIBED")["subscribed"]["framework_id"]["value"]

    # -- a framework with operations

    def kind(self, event):
        """What of an event must be the same, and in the same place."""
        body = event.get(event["type"].lower(), {})
        status = body.get("status", {})
        if event["type"] == "UPDATE":
            return event["type"], status["task_id"]["value"], status["state"]
        if event["type"] == "UPDATE_OPERATION_STATUS":
            return event["type"], status["operation_id"]["value"], status["state"]
        return (event["type"],)

    def wait_alike(self, recorded):
        """An event of this kind; an offer with the same shape: that is what came of operations."""
        kind = self.kind(recorded)
        wanted = shape(recorded) if kind == ("OFFERS",) else None
        return self.stream.wait(kind[0], lambda event: self.kind(event) == kind and (
            wanted is None or shape(event) == wanted))

    def resolve_offer(self, body, events):
        for event in events:
            if event["type"] != "OFFERS":
                continue
            offer = event["offers"]["offers"][0]
            if offer["id"]["value"] in body and offer["id"]["value"] not in self.told.names:
                mine = self.newest_offer(event)
                self.told.names[offer["id"]["value"]] = mine["id"]["value"]
                self.told.names[offer["agent_id"]["value"]] = mine["agent_id"]["value"]

    def newest_offer(self, recorded):
        used = set(self.told.names.values())
        mine = self.stream.wait("OFFERS", lambda event: shape(event) == shape(recorded) and
                                event["offers"]["offers"][0]["id"]["value"] not in used)
        return mine["offers"]["offers"][0]

    def executor_life(self):
        """Plays the recorded executor up to where it waits, and its scheduler's calls between."""
        _, life = read_life()
        calls = [item for item in life if "sent" in item]
        subscribe = calls[0]

        def here(message):
            return json.loads(self.told.here(json.dumps(message)))
        executor = Stream(self.agent_port, here(subscribe["sent"]), path=EXECUTOR_PATH)
        self.streams.append(executor)
        self.assertEqual(executor.status, subscribe["status"])
        return executor, [here(call["sent"]) for call in calls[1:]]

    def executor_says(self, message):
        answer = self.post(message)
        self.assertEqual((answer.status, answer.body), (202, b""))

    def play_modern(self, differences, until=None):
        """Sends the recorded scheduler's calls, each once what it answers has come."""
        recording = mesos_recordings.read("scheduler-modern.txt")
        exchanges = [item for item in recording if not isinstance(item, dict)]
        events = [item for item in recording if isinstance(item, dict)]
        self.subscribe_recorded(exchanges[0], events[0])
        executor = says = None
        for exchange in exchanges[1:until]:
            call = json.loads(exchange.body)
            self.resolve_offer(exchange.body, events)
            if call["type"] == "ACKNOWLEDGE":
                state = "TASK_RUNNING" if "3X37" in exchange.body else "TASK_KILLED"
                uuid = next(e for e in events if self.kind(e) == ("UPDATE", "c1", state)
                            )["update"]["status"]["uuid"]
                mine = self.stream.wait("UPDATE", lambda e, state=state: self.kind(e) ==
                                        ("UPDATE", "c1", state))
                self.told.names[uuid] = mine["update"]["status"]["uuid"]
            if "/usr/share/example/ex.py" in exchange.body:
                exchange.body = exchange.body.replace(
                    "/usr/bin/python3 /usr/share/example/ex.py",
                    "until test -e end; do sleep 0.05; done")
            answer = self.send(exchange)
            name = call["type"]
            differences.same((name, "status"), exchange.status, answer.status)
            differences.same((name, "headers"), headers_that_matter(exchange.answer_headers),
                             headers_that_matter(answer.headers))
            self.assertEqual(answer.text == "", exchange.answer == "", answer.text)
            if name == "ACCEPT" and '"cx"' in exchange.body:
                self.wait_container()
                executor, says = self.executor_life()
                executor.wait("LAUNCH")
                self.executor_says(says.pop(0))  # UPDATE, RUNNING
                # Neither promises in which order an update and a message come.
                self.stream.wait("UPDATE", lambda e: self.kind(e)[1:] == ("c1", "TASK_RUNNING"))
                self.executor_says(says.pop(0))  # MESSAGE
                self.stream.wait("MESSAGE")
            elif name == "MESSAGE":
                executor.wait("MESSAGE")
            elif name == "KILL" and '"c1"' in exchange.body:
                executor.wait("KILL")
                self.executor_says(says.pop(0))  # UPDATE, KILLED
            elif name == "SHUTDOWN":
                executor.wait("SHUTDOWN")
                (self.sandbox / "end").touch()
                self.stream.wait("FAILURE")
            elif name == "ACCEPT":
                for event in events:
                    told = event.get("update_operation_status", {}).get("status")
                    if told and f'"{told["operation_id"]["value"]}"' in exchange.body:
                        self.wait_alike(event)
        return events

    def wait_container(self):
        pattern = "*/frameworks/*/executors/cx/runs/latest"
        self.sandbox = wait_for(pattern, lambda: next(iter(
            (self.dir / "a" / "slaves").glob(pattern)), None))
        # A real executor is a process of it, so its agent knows the pid before the first word.
        wait_for("the executor's pid", lambda: '"executor_pid"' in post(
            self.agent_port, {"type": "GET_CONTAINERS"}, {"Content-Type": JSON, "Accept": JSON},
            "/api/v1").text)

    @staticmethod
    def once(kinds):
        """Without heartbeats, which come when they come, what is told again until it is
        acknowledged, and offers: when a rest is offered again is the clock's."""
        seen, out = set(), []
        for kind in kinds:
            if kind[0] in ("HEARTBEAT", "OFFERS") or kind in seen:
                continue
            seen.add(kind)
            out.append(kind)
        return out

    def test_a_recorded_framework_with_operations_lives_the_same_life(self):
        self.begin_cluster()
        differences = Differences(self, OF_EVENTS)
        events = self.play_modern(differences, -1)
        # What took the last offer away: an operator drained the agent.
        answer = post(self.http_port, {"type": "DRAIN_AGENT", "drain_agent": {
            "agent_id": self.agents()[0]["agent_info"]["id"]}}, {"Content-Type": JSON}, "/api/v1")
        self.assertEqual((answer.status, answer.text), (200, ""))
        self.stream.wait("RESCIND")
        for event in {json.dumps(self.kind(e)): e for e in events}.values():
            name = " ".join(self.kind(event))
            with self.subTest(name):
                differences.same_shape(name, shape(event), shape(self.wait_alike(event)))
        self.assertEqual(self.once(map(self.kind, self.stream.json_events())),
                         self.once(map(self.kind, events)))
        teardown = [item for item in mesos_recordings.read("scheduler-modern.txt")
                    if not isinstance(item, dict)][-1]
        self.assertEqual(self.send(teardown).status, teardown.status)
        self.stream.wait_end()
        differences.check()

    def test_recorded_reads_of_what_is_reserved_are_answered_alike(self):
        self.begin_cluster()
        # One framework has been there and has ended.
        recording = mesos_recordings.read("scheduler-plain.txt")
        failover = mesos_recordings.read("scheduler-plain-failover.txt")
        end = next(i for i, item in enumerate(recording)
                   if not isinstance(item, dict) and "stale-" in item.body)
        self.play(recording[:end])
        self.play(failover[:2])
        self.same_answer(failover[-1], self.send(failover[-1]))  # TEARDOWN
        wait_for("its tasks' end", lambda: not self.call({"type": "GET_TASKS"})["get_tasks"][
            "tasks"])
        self.play_modern(Differences(self, {}), 4)
        wait_for("what is reserved on offer", lambda: [
            f for f in self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]["frameworks"]
            if '"vol1"' in json.dumps(f.get("offers", []))])
        differences = Differences(self, OF_RESERVED)
        for exchange in mesos_recordings.read("operator-master-reservations-and-pods.txt"):
            name = self.name_of(exchange)
            with self.subTest(name):
                self.same_as_recorded(name, differences, exchange, self.send(exchange))
        differences.check()

    # -- an operator's writes

    def name_of(self, exchange):
        if exchange.path != "/api/v1":
            return f"{exchange.method} {exchange.path}"
        return json.loads(exchange.body)["type"]

    def same_as_recorded(self, name, differences, exchange, answer):
        differences.same((name, "status"), exchange.status, answer.status)
        if (name, "status") in differences.listed:
            return
        self.assertEqual(headers_that_matter(answer.headers),
                         headers_that_matter(exchange.answer_headers), name)
        self.assertEqual(answer.text == "", exchange.answer == "", answer.text)
        if exchange.answer_headers.get("Content-Type") != JSON:
            return
        theirs, ours = shape(json.loads(exchange.answer)), shape(json.loads(answer.text))
        if exchange.path == "/api/v1":
            differences.same("sequence", False, (".sequence", "number") in ours)
        differences.same_shape(name, theirs, ours - {(".sequence", "number")})

    def test_an_operators_recorded_writes_are_answered_alike(self):
        self.begin_cluster()
        self.play_modern(Differences(self, {}), 4)  # up to the reservation and its volume
        differences = Differences(self, OF_WRITES)
        counts = {}
        sent = 0
        for exchange in mesos_recordings.read("operator-writes.txt"):
            name = self.name_of(exchange)
            counts[name] = counts.get(name, 0) + 1
            name = f"{name} {counts[name]}"
            with self.subTest(name):
                sent += 1
                self.same_as_recorded(name, differences, exchange, self.send(exchange))
            if name == "UPDATE_MAINTENANCE_SCHEDULE 1":
                self.stream.wait("INVERSE_OFFERS")
        self.assertEqual(sent, 29)
        differences.check()


if __name__ == "__main__":
    unittest.main()
