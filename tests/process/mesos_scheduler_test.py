"""The recorded requests of schedulers, sent to a real master: codes, headers, names, presence and
types of keys and the order of events are those of Mesos, but for what is listed here with its
reason in docs/mesos-compatibility.md."""

import json
import unittest

import mesos_recordings
from v1_scheduler import Stream, StreamCase, post

# What recorded events have and events here have not yet: docs/mesos-compatibility.md says why.
MISSING = (".update.status.healthy",)


def task_state(event):
    status = event["update"]["status"]
    return status["task_id"]["value"], status["state"], "uuid" in status, status.get("reason")


class MesosScheduler(StreamCase):
    def setUp(self):
        super().setUp()
        self.ids = {}  # of the recording -> here

    def here(self, text):
        for recorded in sorted(self.ids, key=len, reverse=True):
            text = text.replace(recorded, self.ids[recorded])
        return text

    def send(self, exchange):
        headers = {k: self.here(v) for k, v in exchange.headers.items() if k != "Content-Length"}
        return post(self.http_port, self.here(exchange.body), headers, self.here(exchange.path),
                    exchange.method)

    def same_answer(self, exchange, answer):
        self.assertEqual(answer.status, exchange.status, answer.text)
        for name in ("Content-Type", "Allow"):
            self.assertEqual(answer.headers[name], exchange.answer_headers.get(name), name)
        self.assertEqual(answer.text == "", exchange.answer == "", answer.text)

    def open(self, exchange):
        stream = Stream(self.http_port, self.here(exchange.body))
        self.streams.append(stream)
        self.assertEqual(stream.status, exchange.status)
        for name in ("Content-Type", "Transfer-Encoding"):
            self.assertEqual(stream.headers[name], exchange.answer_headers[name])
        self.ids[exchange.answer_headers["Mesos-Stream-Id"]] = stream.id
        return stream

    # -- refusals

    def test_every_recorded_refusal_has_the_same_code_and_headers(self):
        self.start_master()
        framework = Stream(self.http_port, {"type": "SUBSCRIBE", "subscribe": {"framework_info": {
            "user": "root", "name": "refused"}}})
        self.streams.append(framework)
        self.ids["a6238e65-f8a7-4a60-af87-493caf76ca64-0000"] = \
            framework.wait("SUBSCRIBED")["subscribed"]["framework_id"]["value"]
        seen = 0
        for exchange in mesos_recordings.read("scheduler-errors.txt"):
            with self.subTest(exchange.body, headers=exchange.headers):
                seen += 1
                if exchange.status != 200:
                    self.same_answer(exchange, self.send(exchange))
                    continue
                stream = self.open(exchange)
                stream.wait_end()
                recorded = json.loads(exchange.answer.split("\n", 1)[1])
                self.assertEqual([mesos_recordings.shape(e) for e in stream.json_events()],
                                 [mesos_recordings.shape(recorded)])
        self.assertGreater(seen, 15)

    # -- a plain framework's life

    def resolve(self, body, recording, stream):
        """What the recording calls by its names, this run calls by others. The recording's log is
        not in order between stream and calls: what a call speaks of is waited for here."""
        for item in recording:
            if not isinstance(item, dict):
                continue
            if item["type"] == "OFFERS":
                offer = item["offers"]["offers"][0]
                if offer["id"]["value"] in body:
                    mine = stream.wait("OFFERS")["offers"]["offers"][0]
                    self.ids[offer["id"]["value"]] = mine["id"]["value"]
                    self.ids[offer["agent_id"]["value"]] = mine["agent_id"]["value"]
            if item["type"] == "UPDATE":
                uuid = item["update"]["status"].get("uuid")
                if uuid and uuid in body:
                    if self.not_told(item["update"]["status"]):
                        return False
                    kind = task_state(item)
                    mine = stream.wait("UPDATE", lambda e, kind=kind: task_state(e) == kind)
                    self.ids[uuid] = mine["update"]["status"]["uuid"]
        return True

    @staticmethod
    def not_told(status):
        """Tasks are not health-checked here yet."""
        return status.get("reason") == "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED"

    def play(self, recording, stream=None):
        """Sends the calls in their order, each once what it answers has come."""
        for item in recording:
            if isinstance(item, dict):
                continue
            if item.status == 200:
                stream = self.open(item)
                subscribed = next(e for e in recording if isinstance(e, dict))
                self.ids[subscribed["subscribed"]["framework_id"]["value"]] = \
                    stream.wait("SUBSCRIBED")["subscribed"]["framework_id"]["value"]
            elif self.resolve(item.body, recording, stream):
                self.same_answer(item, self.send(item))
        return stream

    def same_shape(self, recorded, mine):
        theirs, ours = mesos_recordings.shape(recorded), mesos_recordings.shape(mine)
        self.assertEqual({path for path, _ in theirs if not path.startswith(MISSING)},
                         {path for path, _ in ours})
        self.assertEqual(ours - theirs, set())

    def same_events(self, recorded, stream):
        """Each recorded event has one here of the same shape, and each task the same states in
        the same order."""
        for event in recorded:
            if event["type"] != "UPDATE":
                continue
            if self.not_told(event["update"]["status"]):
                continue
            kind = task_state(event)
            with self.subTest(kind):
                self.same_shape(event, stream.wait(
                    "UPDATE", lambda e, kind=kind: task_state(e) == kind))
        for task in {task_state(e)[0] for e in recorded if e["type"] == "UPDATE"}:
            wanted = self.states_of(task, recorded)
            # The recorded scheduler left an update unacknowledged, so it never heard of a kill.
            self.assertEqual(self.states_of(task, stream.json_events())[:len(wanted)], wanted)

    def states_of(self, task, events):
        return [task_state(e)[1:] for e in events
                if e["type"] == "UPDATE" and task_state(e)[0] == task
                and not self.not_told(e["update"]["status"])]

    def begins_alike(self, recorded, stream, count):
        for theirs, ours in zip(recorded[:count], stream.json_events(), strict=False):
            with self.subTest(theirs["type"]):
                self.same_shape(theirs, ours)

    def test_a_recorded_framework_without_capabilities_lives_the_same_life(self):
        self.start_master()
        self.start_agent("a", "--resources=cpus:4;mem:8192;disk:8192;ports:[31000-32000]")
        self.wait_agents(1)
        recording = mesos_recordings.read("scheduler-plain.txt")
        failover = mesos_recordings.read("scheduler-plain-failover.txt")
        # The older stream's last call comes after the newer has subscribed.
        end = next(i for i, item in enumerate(recording)
                   if isinstance(item, dict) and item["type"] == "ERROR")
        stream = self.play(recording[:end])
        newer = self.play(failover[:2])
        stream.wait_end()
        self.play(recording[end + 1:], stream)
        events = [item for item in recording if isinstance(item, dict)]
        self.begins_alike(events, stream, 3)  # SUBSCRIBED, HEARTBEAT, OFFERS
        self.same_events(events, stream)
        self.same_shape(recording[end], stream.json_events()[-1])
        newer.wait("HEARTBEAT")
        self.begins_alike([item for item in failover if isinstance(item, dict)], newer, 2)
        self.same_answer(failover[-1], self.send(failover[-1]))  # TEARDOWN
        newer.wait_end()


if __name__ == "__main__":
    unittest.main()
