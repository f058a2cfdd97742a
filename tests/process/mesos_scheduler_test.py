"""The recorded requests of schedulers, sent to a real master: codes, headers, names, presence and
types of keys and the order of events are those of Mesos, but for what is listed here with its
reason in docs/mesos-compatibility.md."""

import json
import unittest

import mesos_recordings
from recorded_scheduler import RecordedScheduler, task_state, without_repeats
from v1_scheduler import Stream


class MesosScheduler(RecordedScheduler):
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
        self.assertEqual(seen, 17)

    # -- a plain framework's life

    def same_shape(self, recorded, mine):
        theirs, ours = mesos_recordings.shape(recorded), mesos_recordings.shape(mine)
        self.assertEqual({path for path, _ in theirs}, {path for path, _ in ours})
        self.assertEqual(ours - theirs, set())

    def same_events(self, recorded, stream):
        """Each recorded event has one here of the same shape, and each task the same states in
        the same order."""
        for event in recorded:
            if event["type"] != "UPDATE":
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
        return [task_state(e)[1:] for e in without_repeats(events)
                if e["type"] == "UPDATE" and task_state(e)[0] == task]

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
