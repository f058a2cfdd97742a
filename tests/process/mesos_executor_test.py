"""The recorded requests of an executor, sent to a real agent: codes, headers, environment, names,
presence and types of keys and the order of events are those of Mesos, but for what is listed here
with its reason in docs/mesos-compatibility.md."""

import json
import re
import unittest

import mesos_recordings
from executor_api_test import PATH, ExecutorCase
from mesos_recordings import headers_that_matter
from v1_scheduler import JSON, Stream, post

# Beyond what Mesos tells an executor: docs/mesos-compatibility.md.
MORE_ENVIRONMENT = {"MESOS_CONTAINER_ID", "MESOS_EXECUTOR_AUTHENTICATION_TOKEN"}
FRAMEWORK = {
    "user": "root", "name": "modern", "failover_timeout": 3600.0, "checkpoint": False,
    "roles": ["eng/web", "batch"], "principal": "p", "capabilities": [{"type": name} for name in (
        "MULTI_ROLE", "RESERVATION_REFINEMENT", "PARTITION_AWARE", "TASK_KILLING_STATE",
        "REVOCABLE_RESOURCES", "SHARED_RESOURCES", "GPU_RESOURCES", "REGION_AWARE")]}


def read_life():
    """The environment, and in order what was sent (with the status it was answered) and heard."""
    text = (mesos_recordings.RECORDINGS / "executor-custom.txt").read_text()
    environment, life = {}, []
    for line in text.splitlines():
        if line.startswith(">>> "):
            life.append({"sent": json.loads(line[4:])})
        elif line.startswith("<<< record "):
            life.append({"heard": json.loads(line[11:])})
        elif line.startswith("<<< "):
            life[-1]["status"] = int(re.search(r"\b\d{3}\b", line[4:]).group())
        elif "=" in line and not life:
            name, value = line.split("=", 1)
            environment[name] = value
    return environment, life


class MesosExecutor(ExecutorCase):
    def test_every_recorded_refusal_of_an_executor_has_the_same_code_and_headers(self):
        self.begin()
        seen = 0
        for exchange in mesos_recordings.read("executor-errors.txt"):
            with self.subTest(exchange.body, headers=exchange.headers):
                seen += 1
                headers = {k: v for k, v in exchange.headers.items() if k != "Content-Length"}
                answer = post(self.agent_port, exchange.body, headers, exchange.path,
                              exchange.method)
                self.assertEqual(answer.status, exchange.status, answer.text)
                self.assertEqual(headers_that_matter(answer.headers),
                                 headers_that_matter(exchange.answer_headers))
                self.assertEqual(answer.text == "", exchange.answer == "", answer.text)
        self.assertEqual(seen, 5)

    def test_the_environment_of_an_executor_has_the_recorded_names_and_forms(self):
        recorded, _ = read_life()
        scheduler = self.begin(**FRAMEWORK)
        _, mine = self.own_executor(scheduler, "cx")
        told = {name for name in mine if name.startswith(("MESOS_", "LIBPROCESS_"))}
        self.assertEqual(told - set(recorded), MORE_ENVIRONMENT)
        self.assertEqual(set(recorded) - told, set())
        for name in MORE_ENVIRONMENT:
            self.assertIn(f"\n| `{name}` |", mesos_recordings.PAGE.read_text())

        def form(value):
            return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(-\w\d+)?|/.*/slaves|\d{4,}",
                          "#", value)
        for name in recorded:
            with self.subTest(name):
                if name in ("MESOS_DIRECTORY", "MESOS_SANDBOX"):
                    names = mine[name].split("/")[-8::2]
                    self.assertEqual(names, recorded[name].split("/")[-8::2])
                elif not name.endswith("_ID"):
                    self.assertEqual(form(mine[name]), form(recorded[name]))

    def same_shape(self, recorded, mine):
        self.assertEqual(mesos_recordings.shape(recorded), mesos_recordings.shape(mine))

    def test_a_recorded_executor_lives_the_same_life(self):
        _, life = read_life()
        scheduler = self.begin(**FRAMEWORK)
        offer, _ = self.own_executor(scheduler, "cx", "c1", name="custom", type="CUSTOM")
        names = {"c1": "c1", life[0]["sent"]["framework_id"]["value"]: scheduler.framework_id}

        def here(message):
            text = json.dumps(message)
            for recorded, mine in names.items():
                text = text.replace(recorded, mine)
            return json.loads(text)
        stream, heard = None, []
        for item in life:
            if "heard" in item:
                kind = item["heard"]["type"]
                # What makes the agent say it.
                if kind == "MESSAGE":
                    scheduler.acknowledge(scheduler.reach("c1", "TASK_RUNNING"))
                    scheduler.wait("MESSAGE")
                    self.message(scheduler, offer, "ping", "cx")
                elif kind == "KILL":
                    scheduler.call("KILL", {"task_id": {"value": "c1"}})
                elif kind == "SHUTDOWN":
                    scheduler.call("SHUTDOWN", {"executor_id": {"value": "cx"},
                                                "agent_id": offer["agent_id"]})
                event = stream.wait(kind, skip=heard.count(kind))
                heard.append(kind)
                with self.subTest(kind, number=len(heard)):
                    self.same_shape(item["heard"], event)
            elif item["sent"]["type"] == "SUBSCRIBE":
                stream = Stream(self.agent_port, here(item["sent"]), path=PATH)
                self.streams.append(stream)
                self.assertEqual(stream.status, item["status"])
                self.assertEqual(stream.headers["Content-Type"], JSON)
                self.assertEqual(stream.headers["Transfer-Encoding"], "chunked")
            else:
                answer = post(self.agent_port, here(item["sent"]), {"Content-Type": JSON}, PATH)
                self.assertEqual((answer.status, answer.body), (item["status"], b""))
        self.assertEqual([e["type"] for e in stream.json_events()], heard)
        killed = scheduler.reach("c1", "TASK_KILLED")
        self.assertEqual(killed["executor_id"], {"value": "cx"})


if __name__ == "__main__":
    unittest.main()
