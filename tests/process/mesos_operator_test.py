"""The recorded calls of operators, sent to a real master: what is refused, and what reads say of a
cluster without frameworks and of one with tasks. Codes, headers, names and types of keys
are those of Mesos. What differs is listed here, with its row in docs/mesos-compatibility.md."""

import json
import os
import re
import unittest

import mesos_recordings
from cluster_case import wait_for
from mesos_recordings import Differences, headers_that_matter, shape
from recorded_scheduler import RecordedScheduler, without_repeats
from v1_scheduler import JSON, Stream, post

CHECKPOINT = "`agent_info.checkpoint`"
BUILD = {(f".get_version.version_info.build_{what}", kind) for what, kind in (
    ("date", "text"), ("time", "number"), ("user", "text"))}


def checkpoint(where):
    return {(f"{where}.agents[].agent_info.checkpoint", "bool")}


EMPTY = {
    "sequence": (True, "Answers of the operator API"),
    ("GET_VERSION", "less"): (BUILD, "`version_info.build_date`, `build_time`, `build_user`"),
    ("GET_STATE", "less"): (checkpoint(".get_state.get_agents"), CHECKPOINT),
    ("GET_AGENTS", "less"): (checkpoint(".get_agents"), CHECKPOINT),
}
WITH_TASKS = {
    "sequence": (True, "Answers of the operator API"),
    ("GET_STATE", "less"): (checkpoint(".get_state.get_agents"), CHECKPOINT),
    ("GET_AGENTS", "less"): (checkpoint(".get_agents"), CHECKPOINT),
}


AGENT = {
    ("GET_VERSION", "less"): (BUILD, "`version_info.build_date`, `build_time`, `build_user`"),
}
# What an agent says of it is not compared, with the row that says why.
NOT_COMPARED = {
    r".*\.completed_\w+\[\]":
        "`completed_tasks`, `completed_executors` and `completed_frameworks` of an agent",
    r".*\.executors\[\]\.executor_info\.(?!name|\w+_id)":
        "`executor_info` of a command task, by its agent",
    r".*\.resource_statistics\.": "`resource_statistics` of GET_CONTAINERS",
}
# Whether an event comes while something is held or on offer is the clock's.
HELD = re.compile(r"\.framework_(added|updated)\.framework\.(allocated|offered)_resources")
HELD_ROW = "`allocated_resources` and `offered_resources` of FRAMEWORK_ADDED and FRAMEWORK_UPDATED"
EVENTS = {
    "sequence": (True, "Answers of the operator API"),
    ("SUBSCRIBED", "less"): (checkpoint(".subscribed.get_state.get_agents"), CHECKPOINT),
}


class MesosOperator(RecordedScheduler):
    def begin_cluster(self):
        self.start_master()
        agent = self.start_agent("a", "--resources=cpus:4;mem:8192;disk:8192;ports:[31000-32000]")
        self.agent_port = int(agent.line("ready").rsplit(":", 1)[1])
        self.wait_agents(1)

    def compared(self, value):
        return {(at, kind) for at, kind in shape(value) if not self.left_out or not any(
            re.match(pattern, at) for pattern in NOT_COMPARED)}

    def compare_reads(self, recording, listed, port=None):
        self.left_out = port is not None
        differences = Differences(self, listed)
        for exchange in mesos_recordings.read(recording):
            name = json.loads(exchange.body)["type"]
            with self.subTest(name):
                answer = self.send(exchange, port)
                differences.same((name, "status"), exchange.status, answer.status)
                if exchange.status != answer.status:
                    continue
                self.assertEqual(headers_that_matter(answer.headers),
                                 headers_that_matter(exchange.answer_headers))
                if exchange.answer_headers.get("Content-Type") != JSON:
                    continue
                theirs = self.compared(json.loads(exchange.answer))
                ours = self.compared(json.loads(answer.text))
                # Of what is read in the view, how new it is.
                if (".sequence", "number") in ours:
                    differences.same("sequence", False, True)
                differences.same_shape(name, theirs, ours - {(".sequence", "number")})
        differences.check()

    def test_recorded_reads_of_a_cluster_without_frameworks_are_answered_alike(self):
        self.begin_cluster()
        self.compare_reads("operator-master-empty-cluster.txt", EMPTY)

    def play_tasks(self, recording):
        """Up to where nothing new has been begun, and all that ended is acknowledged."""
        end = next(i for i, item in enumerate(recording)
                   if not isinstance(item, dict) and "stale-" in item.body)
        stream = self.play(recording[:end])
        stream.wait("UPDATE", lambda e: e["update"]["status"].get("healthy"))
        return stream

    def test_recorded_reads_of_a_cluster_with_tasks_are_answered_alike(self):
        self.begin_cluster()
        stream = self.play_tasks(mesos_recordings.read("scheduler-plain.txt"))
        # What the tasks that ended gave back is on offer again.
        stream.wait("OFFERS", skip=1)
        self.compare_reads("operator-master-with-tasks.txt", WITH_TASKS)

    @unittest.skipUnless(os.geteuid() == 0, "needs root: the kernel counts for a container")
    def test_recorded_reads_of_an_agent_are_answered_alike(self):
        self.begin_cluster()
        self.compare_reads("operator-agent-empty.txt", AGENT, self.agent_port)
        recording = mesos_recordings.read("scheduler-plain.txt")
        self.play_tasks(recording)
        # An agent looks at its containers once a second.
        wait_for("the container of t1", lambda: "get_containers" in post(
            self.agent_port, {"type": "GET_CONTAINERS"}, {"Content-Type": JSON}, "/api/v1").text)
        for row in NOT_COMPARED.values():
            self.assertIn(f"\n| {row} |", mesos_recordings.PAGE.read_text())
        self.compare_reads("operator-agent-with-tasks.txt", {}, self.agent_port)

    # -- what subscribers hear

    @staticmethod
    def kind(event):
        body = event.get(event["type"].lower(), {})
        if event["type"] == "TASK_ADDED":
            return event["type"], body["task"]["task_id"]["value"]
        if event["type"] == "TASK_UPDATED":
            return event["type"], body["status"]["task_id"]["value"], body["status"]["state"]
        return (event["type"],)

    def recorded_events(self):
        """Up to the end of the first framework, without the end of t1: there only its framework's
        end was told of it."""
        recorded = [e for e in mesos_recordings.read("operator-events.txt") if isinstance(e, dict)]
        end = next(i for i, e in enumerate(recorded) if e["type"] == "FRAMEWORK_REMOVED")
        return without_repeats(
            e for e in recorded[:end + 1] if self.kind(e)[1:] != ("t1", "TASK_KILLED"))

    def test_recorded_events_of_a_frameworks_life_are_told_alike(self):
        self.begin_cluster()
        self.streams.append(Stream(self.http_port, {"type": "SUBSCRIBE"}, path="/api/v1"))
        told = self.streams[-1]
        told.wait("SUBSCRIBED")
        self.assertEqual((told.headers["Transfer-Encoding"], told.headers["Content-Type"]),
                         ("chunked", JSON))
        recording = mesos_recordings.read("scheduler-plain.txt")
        failover = mesos_recordings.read("scheduler-plain-failover.txt")
        end = next(i for i, item in enumerate(recording)
                   if isinstance(item, dict) and item["type"] == "ERROR")
        stream = self.play(recording[:end])
        self.play(failover[:2])
        stream.wait_end()
        self.same_answer(failover[-1], self.send(failover[-1]))  # TEARDOWN
        told.wait("FRAMEWORK_REMOVED")
        recorded, ours = self.recorded_events(), told.json_events()
        differences = Differences(self, EVENTS)
        newest = {self.kind(event): event for event in ours}
        for kind, event in {self.kind(event): event for event in recorded}.items():
            with self.subTest(kind):
                mine = {(at, what) for at, what in shape(newest[kind]) if not HELD.match(at)}
                differences.same("sequence", False, (".sequence", "number") in mine)
                differences.same_shape(kind[0], shape(event), mine - {(".sequence", "number")})
        self.assertIn(f"\n| {HELD_ROW} |", mesos_recordings.PAGE.read_text())
        for task_id in ("t1", "t2", "t3"):
            lives = [[self.kind(e) for e in events if task_id in self.kind(e)]
                     for events in (recorded, ours)]
            self.assertEqual(lives[1][:len(lives[0])], lives[0])
        differences.check()

    # -- refusals

    # What must be said, where the recorded sentence says something.
    SENTENCES = (
        ("Expecting one of { 'POST' }", "POST"),
        ("Expecting 'Content-Type' to be present", "Content-Type: is missing"),
        ("Expecting 'Content-Type' of", "neither application/json nor application/x-protobuf"),
        ("Expecting 'Accept' to allow", "neither application/json nor application/x-protobuf"),
        ("Failed to parse body into JSON", "Failed to parse body into JSON: syntax error"),
        ("Expecting a JSON object", "Expecting a JSON object"),
        ("Expecting 'type' to be present", "type: is "),
        ("Expecting 'read_file' to be present", "read_file: is missing"),
        ("Failed to parse body into Call protobuf", "does not parse as mesos.v1.master.Call"),
        ("", "'/nosuch' is no file here"),
    )

    def test_every_recorded_refusal_of_an_operator_has_the_same_code_and_headers(self):
        self.start_master()
        met = set()
        for exchange in mesos_recordings.read("operator-errors.txt"):
            with self.subTest(exchange.body, headers=exchange.headers):
                answer = self.send(exchange)
                self.assertEqual(answer.status, exchange.status, answer.body)
                theirs = headers_that_matter(exchange.answer_headers)
                self.assertEqual(headers_that_matter(answer.headers), theirs)
                if exchange.status != 200:
                    begin, sentence = next(pair for pair in self.SENTENCES
                                           if pair[0] in exchange.answer)
                    met.add(begin)
                    self.assertIn(sentence, answer.text)
                elif theirs["Content-Type"] == JSON:
                    self.assertEqual(json.loads(answer.text), json.loads(exchange.answer))
        self.assertEqual(met, {begin for begin, _ in self.SENTENCES})

    def test_more_is_logged_for_as_long_as_an_operator_says(self):
        self.begin_cluster()
        master, agent = self.processes
        for process, port in ((master, self.http_port), (agent, self.agent_port)):
            with self.subTest(process.name):
                self.more_is_logged(process, port)

    def more_is_logged(self, process, port):
        def ask(kind, **fields):
            body = {"type": kind} | ({kind.lower(): fields} if fields else {})
            return post(port, body, {"Content-Type": JSON}, "/api/v1")

        def logged(*words):
            return [line for line in list(process.errors) if all(word in line for word in words)]

        def set_level(level, seconds):
            answer = ask("SET_LOGGING_LEVEL", level=level,
                         duration={"nanoseconds": int(seconds * 1e9)})
            self.assertEqual((answer.status, answer.text), (200, ""))
        ask("GET_FLAGS")
        set_level(1, 0.5)
        self.assertEqual(json.loads(ask("GET_LOGGING_LEVEL").text)["get_logging_level"],
                         {"level": 1})
        wait_for("what is only logged now", lambda: logged(" D ", "type=GET_LOGGING_LEVEL"))
        wait_for("its end", lambda: logged("no more is logged than at the start"))
        self.assertEqual(json.loads(ask("GET_LOGGING_LEVEL").text)["get_logging_level"],
                         {"level": 0})
        ask("GET_EXECUTORS")
        # Until another says otherwise.
        set_level(2, 3600)
        ask("GET_TASKS")
        wait_for("what is logged again", lambda: logged("type=GET_TASKS"))
        set_level(0, 3600)
        ask("GET_OPERATIONS")
        set_level(1, 3600)
        ask("GET_HEALTH")
        wait_for("the last", lambda: logged("type=GET_HEALTH"))
        for quiet in ("GET_FLAGS", "GET_EXECUTORS", "GET_OPERATIONS"):
            self.assertEqual(logged(quiet), [])
        answer = ask("SET_LOGGING_LEVEL", level=1, duration={"nanoseconds": -1})
        self.assertEqual(answer.status, 400)
        self.assertIn("set_logging_level.duration: is -1 ns", answer.text)

    def test_a_call_without_what_it_is_about_is_refused_by_its_name(self):
        self.begin_cluster()
        for body, sentence in (({}, "type: is missing"),
                               ({"type": "NONE"}, "type: is 'NONE', which no call here has"),
                               ({"type": "LIST_FILES"}, "list_files: is missing")):
            answer = post(self.agent_port, body, {"Content-Type": JSON}, "/api/v1")
            self.assertEqual(answer.status, 400, answer.text)
            self.assertIn(sentence, answer.text)
        for kind in ("READ_FILE", "LIST_FILES", "SET_LOGGING_LEVEL", "UPDATE_WEIGHTS",
                     "RESERVE_RESOURCES", "UPDATE_QUOTA", "DRAIN_AGENT", "TEARDOWN"):
            answer = post(self.http_port, {"type": kind}, {"Content-Type": JSON}, "/api/v1")
            self.assertEqual(answer.status, 400, answer.text)
            self.assertIn(f"{kind.lower()}: is missing", answer.text)
        answer = post(self.http_port, {"type": "GET_METRICS"}, {"Content-Type": JSON}, "/api/v1")
        self.assertEqual(answer.status, 200)


if __name__ == "__main__":
    unittest.main()
