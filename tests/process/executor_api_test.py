"""The v1 executor API of a real agent: a framework's own executor over HTTP, as a program that the
agent started, and as requests that a test makes itself."""

import base64
import json
import os
import pathlib
import socket
import sys
import unittest

from cluster_case import wait_for
from v1_scheduler import JSON, Scheduler, Stream, StreamCase, post

PROGRAM = pathlib.Path(__file__).with_name("executor_program.py")
PATH = "/api/v1/executor"
PROTOBUF = "application/x-protobuf"
JSON_TYPE = {"Content-Type": JSON}
UUID = "3X37Fhf9QBuY8x85+21tBw=="


def scalars(cpus, mem):
    return [{"name": "cpus", "type": "SCALAR", "scalar": {"value": cpus}},
            {"name": "mem", "type": "SCALAR", "scalar": {"value": mem}}]


def executor(command, executor_id="own", environment=(), **more):
    run = {"value": command}
    if environment:
        run["environment"] = {"variables": [
            {"name": name, "value": value} for name, value in environment.items()]}
    return {"executor_id": {"value": executor_id}, "resources": scalars(0.1, 32), "command": run,
            **more}


def task(task_id, offer, own=None):
    described = {"name": task_id, "task_id": {"value": task_id}, "agent_id": offer["agent_id"],
                 "resources": scalars(0.1, 32)}
    return described | ({"executor": own} if own else {})


class ExecutorCase(StreamCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.agent_port = 0

    def begin(self, *flags, **info):
        self.start_master("--agent-heartbeat=200ms", "--agent-silence=2secs")
        self.begin_agent(*flags)
        scheduler = Scheduler(self.http_port, **{"failover_timeout": 60.0, **info})
        self.streams.append(scheduler)
        return scheduler

    def begin_agent(self, *flags):
        # The same port in its next life: executors come back to where they were told.
        if self.agent_port:
            flags = (*flags, f"--port={self.agent_port}")
        agent = self.start_agent("a", *flags)
        self.agent_port = int(agent.line("ready").rsplit(":", 1)[1])
        return agent

    def launch_program(self, scheduler, task_ids=("t",), environment=()):
        """Tasks of one executor, which is the program beside this file."""
        offer = scheduler.offer()
        own = executor(f"exec {sys.executable} {PROGRAM}", environment=environment)
        scheduler.launch(offer, *[task(task_id, offer, own) for task_id in task_ids])
        return offer

    def log(self, executor_id="own"):
        """What the program wrote, by kind of line."""
        lines = []
        for file in (self.dir / "a" / "slaves").glob(
                f"*/frameworks/*/executors/{executor_id}/runs/latest/log"):
            lines += [json.loads(line) for line in file.read_text().splitlines()]
        return lines

    def logged(self, what, where):
        return wait_for(f"{what}; the executor's log ends in {self.log()[-4:]}", lambda: next(
            (line for line in self.log() if where(line)), None))

    def events(self):
        return [line["event"]["type"] for line in self.log() if "event" in line]

    def environment(self):
        return self.logged("its environment", lambda line: "environment" in line)["environment"]

    def message(self, scheduler, offer, text, executor_id="own"):
        answer = scheduler.call("MESSAGE", {
            "agent_id": offer["agent_id"], "executor_id": {"value": executor_id},
            "data": base64.b64encode(text.encode()).decode()})
        self.assertEqual(answer.status, 202, answer.text)

    # -- requests that a test makes itself: the executor is a command that only waits

    def own_executor(self, scheduler, executor_id="own", task_id="t", skip=0, **more):
        """Once its container runs: the offer, and its environment."""
        offer = scheduler.offer(skip)
        described = task(task_id, offer, executor(
            "env > environment; exec sleep 1000", executor_id, **more))
        if "allocation_info" in offer:  # what was offered to a role is used by that role
            for resource in described["resources"] + described["executor"]["resources"]:
                resource["allocation_info"] = offer["allocation_info"]
        scheduler.launch(offer, described)
        pattern = f"*/frameworks/*/executors/{executor_id}/runs/latest/environment"
        file = wait_for("the executor's start", lambda: next(iter(
            (self.dir / "a" / "slaves").glob(pattern)), None))
        lines = wait_for("its environment", lambda: (
            lambda text: text if "MESOS_EXECUTOR_ID" in text and text.endswith("\n") else None)(
                file.read_text()))
        return offer, dict(line.split("=", 1) for line in lines.splitlines() if "=" in line)

    def ids(self, scheduler, executor_id="own"):
        return {"framework_id": {"value": scheduler.framework_id},
                "executor_id": {"value": executor_id}}

    def subscribe(self, scheduler, headers=None, **body):
        message = self.ids(scheduler) | {"type": "SUBSCRIBE", "subscribe": body}
        stream = Stream(self.agent_port, message, headers, path=PATH)
        self.streams.append(stream)
        return stream

    def post(self, body, headers=None, **more):
        return post(self.agent_port, body, JSON_TYPE if headers is None else headers,
                    **{"path": PATH, **more})

    def update(self, scheduler, **status):
        return self.ids(scheduler) | {"type": "UPDATE", "update": {"status": {
            "task_id": {"value": "t"}, "state": "TASK_RUNNING", "uuid": UUID,
            "source": "SOURCE_EXECUTOR", **status}}}


class ExecutorApi(ExecutorCase):
    # -- a whole life

    def live(self, media, environment):
        """Launch, update, acknowledgement, messages, kill and shutdown of one executor."""
        scheduler = self.begin()
        offer = self.launch_program(scheduler, ("t", "u"), environment)
        status = scheduler.reach("t", "TASK_RUNNING")
        self.assertEqual(status["source"], "SOURCE_EXECUTOR")
        self.assertEqual(status["executor_id"], {"value": "own"})
        self.assertEqual(status["agent_id"], offer["agent_id"])
        self.assertEqual(len(base64.b64decode(status["uuid"])), 16)
        self.assertEqual(status["container_status"]["network_infos"], [
            {"ip_addresses": [{"protocol": "IPv4", "ip_address": "127.0.0.1"}]}])
        self.assertTrue(status["container_status"]["container_id"]["value"])
        scheduler.acknowledge(status)
        scheduler.acknowledge(scheduler.reach("u", "TASK_RUNNING"))
        self.message(scheduler, offer, "ping")
        echo = scheduler.wait("MESSAGE")["message"]
        self.assertEqual(base64.b64decode(echo["data"]), b"ping")
        self.assertEqual(echo["executor_id"], {"value": "own"})
        scheduler.call("KILL", {"task_id": {"value": "t"}})
        scheduler.acknowledge(scheduler.reach("t", "TASK_KILLED"))
        scheduler.call("SHUTDOWN", {"executor_id": {"value": "own"}, "agent_id": offer["agent_id"]})
        gone = scheduler.wait("FAILURE")["failure"]
        self.assertEqual((gone["executor_id"], gone["agent_id"]),
                         ({"value": "own"}, offer["agent_id"]))
        self.assertEqual(gone.get("status", 0), 0)  # it left by itself
        subscribe = self.logged("SUBSCRIBE", lambda line: line.get("call") == "SUBSCRIBE")
        self.assertEqual(subscribe["status"], 200)
        self.assertEqual(subscribe["headers"]["Content-Type"], media)
        self.assertEqual(subscribe["headers"]["Transfer-Encoding"], "chunked")
        self.assertNotIn("Mesos-Stream-Id", subscribe["headers"])
        self.assertEqual({line["status"] for line in self.log()
                          if "call" in line and line["call"] != "SUBSCRIBE"}, {202})
        events = self.events()
        self.assertEqual((events[0], events[-1]), ("SUBSCRIBED", "SHUTDOWN"))
        self.assertEqual(sorted(events[1:-1]), ["ACKNOWLEDGED"] * 3 + [
            "KILL", "LAUNCH", "LAUNCH", "MESSAGE"])

    def test_an_executor_lives_its_whole_life_over_http_in_json(self):
        self.live(JSON, {})

    def test_an_executor_lives_its_whole_life_over_http_in_protobuf(self):
        self.live(PROTOBUF, {"EXECUTOR_ENCODING": "protobuf"})

    def test_an_executor_is_told_who_it_is_in_its_first_event_and_its_environment(self):
        scheduler = self.begin()
        offer = self.launch_program(scheduler)
        scheduler.reach("t", "TASK_RUNNING")
        env = self.environment()
        subscribed = self.logged("SUBSCRIBED", lambda line: "event" in line)["event"]["subscribed"]
        # Equal as they are: one client compares whole objects.
        self.assertEqual(subscribed["executor_info"]["executor_id"],
                         {"value": env["MESOS_EXECUTOR_ID"]})
        self.assertEqual(subscribed["framework_info"]["id"], {"value": env["MESOS_FRAMEWORK_ID"]})
        self.assertEqual(subscribed["agent_info"]["id"], {"value": env["MESOS_SLAVE_ID"]})
        self.assertEqual(subscribed["agent_info"]["id"], offer["agent_id"])
        self.assertEqual(env["MESOS_AGENT_ENDPOINT"], f"127.0.0.1:{self.agent_port}")
        self.assertEqual(env["MESOS_SLAVE_PID"], f"slave(1)@127.0.0.1:{self.agent_port}")
        self.assertTrue(env["MESOS_SANDBOX"].endswith(subscribed["container_id"]["value"]))
        self.assertEqual(env["MESOS_SANDBOX"], env["MESOS_DIRECTORY"])
        self.assertEqual(env["MESOS_SANDBOX"], os.path.realpath(env["PWD"]))

    def test_a_group_of_tasks_is_launched_by_one_event(self):
        scheduler = self.begin()
        offer = scheduler.offer()
        own = executor(f"exec {sys.executable} {PROGRAM}", type="CUSTOM")
        own["resources"].append({"name": "disk", "type": "SCALAR", "scalar": {"value": 1}})
        answer = scheduler.call("ACCEPT", {
            "offer_ids": [offer["id"]], "operations": [{
                "type": "LAUNCH_GROUP", "launch_group": {"executor": own, "task_group": {
                    "tasks": [task("t", offer), task("u", offer)]}}}]})
        self.assertEqual(answer.status, 202, answer.text)
        for name in ("t", "u"):
            scheduler.reach(name, "TASK_RUNNING")
        group = self.logged("LAUNCH_GROUP", lambda line: (
            "event" in line and line["event"]["type"] == "LAUNCH_GROUP"))["event"]
        self.assertEqual({t["task_id"]["value"]
                          for t in group["launch_group"]["task_group"]["tasks"]}, {"t", "u"})
        self.assertNotIn("LAUNCH", self.events())

    # -- agents that go and come

    def test_an_executor_returns_to_a_restarted_agent_with_what_was_not_acknowledged(self):
        scheduler = self.begin(checkpoint=True)
        agent = self.processes[1]
        offer = self.launch_program(scheduler, ("stays", "ends"))
        for name in ("stays", "ends"):
            scheduler.acknowledge(scheduler.reach(name, "TASK_RUNNING"))
        self.message(scheduler, offer, "finish ends")
        self.logged("the message", lambda line: line.get("event", {}).get("type") == "MESSAGE")
        agent.kill()
        self.logged("it notices", lambda line: "away" in line)
        self.begin_agent()
        ended = scheduler.reach("ends", "TASK_FINISHED")
        self.assertEqual(ended["source"], "SOURCE_EXECUTOR")
        scheduler.acknowledge(ended)
        # The same process: it was not started again, and has its tasks still.
        self.assertEqual(len([line for line in self.log() if "pid" in line]), 1)
        self.assertEqual(self.events().count("LAUNCH"), 2)
        scheduler.call("KILL", {"task_id": {"value": "stays"}})
        scheduler.reach("stays", "TASK_KILLED")

    def test_an_executor_that_does_not_return_after_a_restart_is_reaped(self):
        scheduler = self.begin(checkpoint=True)
        agent = self.processes[1]
        offer = self.launch_program(scheduler)
        scheduler.acknowledge(scheduler.reach("t", "TASK_RUNNING"))
        self.message(scheduler, offer, "leave")
        self.logged("the message", lambda line: line.get("event", {}).get("type") == "MESSAGE")
        agent.kill()
        self.begin_agent("--executor-reregistration-timeout=1secs")
        failed = scheduler.reach("t", "TASK_FAILED")
        self.assertEqual(failed["reason"], "REASON_EXECUTOR_REREGISTRATION_TIMEOUT")
        self.assertEqual(scheduler.wait("FAILURE")["failure"]["executor_id"], {"value": "own"})

    def test_an_executor_that_dies_is_told_with_the_status_that_it_left(self):
        scheduler = self.begin()
        offer = scheduler.offer()
        scheduler.launch(offer, task("t", offer, executor("exit 3")))
        self.assertEqual(scheduler.wait("FAILURE"), {"type": "FAILURE", "failure": {
            "agent_id": offer["agent_id"], "executor_id": {"value": "own"}, "status": 3 << 8}})

    def test_an_executors_request_is_judged_in_the_order_of_mesos(self):
        scheduler = self.begin()
        self.own_executor(scheduler)
        message = self.ids(scheduler) | {"type": "MESSAGE", "message": {"data": "aGk="}}
        subscribe = self.ids(scheduler) | {"type": "SUBSCRIBE", "subscribe": {}}
        nobody = {"value": "nobody"}
        html = {**JSON_TYPE, "Accept": "text/html"}
        for body, headers, status, words in (
            (b"{}", {}, 400, "Content-Type"),
            (b"{}", {"Content-Type": "application/json; charset=utf-8"}, 415, "charset=utf-8"),
            (b'{"type":', JSON_TYPE, 400, ""),
            (b"\xff\xff", {"Content-Type": PROTOBUF}, 400, "protobuf"),
            ({}, JSON_TYPE, 400, "executor_id, framework_id"),
            (self.ids(scheduler), JSON_TYPE, 400, "'type'"),
            (self.ids(scheduler) | {"type": "SUBSCRIBE"}, html, 400, "'subscribe'"),
            (subscribe | {"framework_id": nobody}, html, 406, "Accept"),
            (subscribe | {"framework_id": nobody}, JSON_TYPE, 400, "'nobody'"),
            (subscribe | {"executor_id": nobody}, JSON_TYPE, 400, "'nobody'"),
            (message | {"framework_id": nobody}, html, 400, "framework_id"),
            (message, html, 403, "SUBSCRIBE"),
            (self.update(scheduler), JSON_TYPE, 403, "SUBSCRIBE"),
            # Whoever it is.
            ({"type": "HEARTBEAT", "framework_id": nobody, "executor_id": nobody}, html, 202, ""),
        ):
            with self.subTest(body=body, headers=headers):
                answer = self.post(body, headers)
                self.assertEqual(answer.status, status, answer.text)
                self.assertIn(words, answer.text)
        wrong = self.post("", method="GET")
        self.assertEqual((wrong.status, wrong.headers["Allow"]), (405, "POST"))
        stream = self.subscribe(scheduler)
        stream.wait("LAUNCH")
        for path in (PATH, "/slave(1)/api/v1/executor", "/slave%281%29/api/v1/executor"):
            self.assertEqual(self.post(message, html, path=path).status, 202)

    def test_what_an_executor_holds_says_in_which_role_whether_its_framework_said_so_or_not(self):
        plain = self.begin()
        self.own_executor(plain, "plain")
        plain.call("SUPPRESS")
        plain.call("DECLINE", {"offer_ids": [
            offer["id"] for event in plain.json_events("OFFERS")
            for offer in event["offers"]["offers"]]})
        roles = Scheduler(self.http_port, failover_timeout=60.0, roles=["eng/web"],
                          capabilities=[{"type": "MULTI_ROLE"}])
        self.streams.append(roles)
        roles.launch(roles.offer(), task("t", roles.offer(), executor("exec sleep 1000", "roles")))
        wait_for("its container", lambda: any(
            (self.dir / "a" / "slaves").glob("*/frameworks/*/executors/roles/runs/latest")))

        def told(scheduler, executor_id):
            stream = Stream(self.agent_port, self.ids(scheduler, executor_id) | {
                "type": "SUBSCRIBE", "subscribe": {}}, path=PATH)
            self.streams.append(stream)
            subscribed = stream.wait("SUBSCRIBED")["subscribed"]["executor_info"]["resources"]
            launched = stream.wait("LAUNCH")["launch"]["task"]
            every = subscribed + launched["resources"] + launched["executor"]["resources"]
            return {json.dumps(resource.get("allocation_info")) for resource in every}
        for scheduler, name, role in ((plain, "plain", "*"), (roles, "roles", "eng/web")):
            self.assertEqual(told(scheduler, name), {json.dumps({"role": role})})
        next(p for p in self.processes if p.name == "agent a").kill()
        self.begin_agent()
        for scheduler, name, role in ((plain, "plain", "*"), (roles, "roles", "eng/web")):
            self.assertEqual(told(scheduler, name), {json.dumps({"role": role})})

    def test_an_update_says_who_it_is_of_and_is_named_by_sixteen_bytes(self):
        scheduler = self.begin()
        self.own_executor(scheduler)
        stream = self.subscribe(scheduler)
        stream.wait("LAUNCH")
        for status, words in (
            ({"uuid": None}, "'uuid'"),
            ({"uuid": "AAAA"}, "16"),
            ({"executor_id": {"value": "other"}}, "'other'"),
            ({"source": "SOURCE_AGENT"}, "SOURCE_EXECUTOR"),
            ({"state": "TASK_STAGING"}, "TASK_STAGING"),
            ({"state": "TASK_ASLEEP"}, "state"),
        ):
            with self.subTest(status=status):
                answer = self.post(self.update(scheduler, **status))
                self.assertEqual(answer.status, 400, answer.text)
                self.assertIn(words, answer.text)
        # What it leaves out its agent fills in; what it says of itself is kept.
        answer = self.post(self.update(scheduler, message="well", labels={
            "labels": [{"key": "k", "value": "v"}]}))
        self.assertEqual((answer.status, answer.body), (202, b""))
        heard = stream.wait("ACKNOWLEDGED")["acknowledged"]
        self.assertEqual(heard, {"task_id": {"value": "t"}, "uuid": UUID})
        status = scheduler.update("t", "TASK_RUNNING")
        self.assertEqual(status["uuid"], UUID)
        self.assertEqual(status["executor_id"], {"value": "own"})
        self.assertGreater(status["timestamp"], 1e9)
        self.assertEqual(status["labels"]["labels"][0]["key"], "k")
        self.assertTrue(status["agent_id"]["value"])
        # The same again is not another one.
        self.assertEqual(self.post(self.update(scheduler)).status, 202)
        stream.wait("ACKNOWLEDGED", skip=1)

    def test_events_are_written_as_the_accept_header_asks(self):
        scheduler = self.begin()
        self.own_executor(scheduler)
        for accept, written in ((None, JSON), ("*/*", JSON), (PROTOBUF, PROTOBUF),
                                (f"{PROTOBUF},{JSON}", JSON)):
            with self.subTest(accept):
                stream = self.subscribe(scheduler, JSON_TYPE | (
                    {"Accept": accept} if accept else {}))
                self.assertEqual(stream.headers["Content-Type"], written)
                wait_for("an event", lambda s=stream: s.events)
                if written == JSON:
                    self.assertEqual(stream.json_events()[0]["type"], "SUBSCRIBED")
                    self.assertNotIn(b"\n", stream.events[0])
                else:
                    self.assertEqual(stream.events[0][:2], b"\x08\x01")
        wait_for("the earlier streams are closed, the newest is open", lambda: [
            s.ended for s in self.streams[1:]] == [True, True, True, False])

    def test_a_task_is_told_again_to_a_subscription_that_does_not_know_it(self):
        scheduler = self.begin()
        self.own_executor(scheduler)
        first = self.subscribe(scheduler)
        launch = first.wait("LAUNCH")["launch"]["task"]
        second = self.subscribe(scheduler)
        first.wait_end()
        self.assertEqual(second.wait("LAUNCH")["launch"]["task"], launch)
        third = self.subscribe(scheduler, unacknowledged_tasks=[launch], unacknowledged_updates=[
            {"status": self.update(scheduler)["update"]["status"]}])
        third.wait("ACKNOWLEDGED")
        scheduler.update("t", "TASK_RUNNING")
        self.assertEqual(third.json_events("LAUNCH"), [])
        self.assertEqual(first.json_events("ERROR") + second.json_events("ERROR"), [])

    def test_an_executor_that_closes_its_stream_is_not_subscribed_and_may_return(self):
        scheduler = self.begin()
        self.own_executor(scheduler)
        stream = self.subscribe(scheduler)
        stream.wait("LAUNCH")
        stream.close()
        wait_for("403", lambda: self.post(self.update(scheduler)).status == 403)
        self.subscribe(scheduler).wait("LAUNCH")
        self.assertEqual(self.post(self.update(scheduler)).status, 202)

    # -- who may speak for an executor

    def test_where_tokens_are_wanted_an_executor_shows_the_one_of_its_container(self):
        scheduler = self.begin("--authenticate-http-executors")
        _, env = self.own_executor(scheduler)
        _, foreign = self.own_executor(scheduler, "other", "o", skip=1)
        message = self.ids(scheduler) | {"type": "MESSAGE", "message": {"data": "aGk="}}

        def bearer(token):
            return {**JSON_TYPE, "Authorization": f"Bearer {token}"}
        own = bearer(env["MESOS_EXECUTOR_AUTHENTICATION_TOKEN"])
        refused = self.post(message)
        self.assertEqual(refused.status, 401)
        self.assertTrue(refused.headers["WWW-Authenticate"].startswith("Bearer realm="))
        for token in ("wrong", foreign["MESOS_EXECUTOR_AUTHENTICATION_TOKEN"]):
            self.assertEqual(self.post(message, bearer(token)).status, 403)
        self.assertEqual(self.post(message, own).status, 403)  # not subscribed yet
        stream = self.subscribe(scheduler, own)
        self.assertEqual(stream.status, 200)
        stream.wait("LAUNCH")
        self.assertEqual(self.post(message, own).status, 202)
        scheduler.wait("MESSAGE")

    def test_without_authentication_an_authorization_header_is_ignored(self):
        scheduler = self.begin()
        self.own_executor(scheduler)
        for header in ("Basic YTpi", "Bearer nonsense"):
            stream = self.subscribe(scheduler, {**JSON_TYPE, "Authorization": header})
            self.assertEqual(stream.status, 200)
            stream.wait("SUBSCRIBED")

    def test_an_executor_that_showed_its_token_is_not_spoken_for_without_it(self):
        scheduler = self.begin()
        self.launch_program(scheduler, environment={"EXECUTOR_SHOWS_TOKEN": "1"})
        scheduler.reach("t", "TASK_RUNNING")
        refused = self.subscribe(scheduler)
        self.assertEqual(refused.status, 403)
        forged = self.post(self.update(scheduler, state="TASK_FINISHED"))
        self.assertEqual(forged.status, 403)

    # -- bad input

    def test_what_executors_send_besides_is_taken_and_what_none_should_is_refused(self):
        scheduler = self.begin()
        self.own_executor(scheduler)
        tolerated = self.subscribe(scheduler, unknown=[1, {"x": None}], unacknowledged_tasks=None)
        tolerated.wait("SUBSCRIBED")
        ids = json.dumps(self.ids(scheduler))[1:-1]
        deep = "[" * 10_000 + "]" * 10_000
        for body, status in (
            ("{" + ids + ',"type":"MESSAGE","x":' + deep + "}", 400),
            ("{" + ids + ',"type":"MESSAGE","type":"MESSAGE","message":{"data":""}}', 400),
            ("{" + ids + ',"type":"MESSAGE","message":{"data":"%%"}}', 400),
            ("{" + ids + ',"type":"MESSAGE","message":[]}', 400),
            ("{" + ids + ',"type":"MESSAGE","message":{"data":"' + "A" * 1_500_000 + '"}}', 413),
            ("{" + ids + ',"type":"SUBSCRIBE","subscribe":{"unacknowledged_tasks":[{}]}}', 400),
            ("[]", 400),
            ("", 400),
            (" " * (2 << 20) + "{}", 413),
        ):
            with self.subTest(body=body[:120]):
                answer = self.post(body)
                self.assertEqual(answer.status, status, answer.text)
                self.assertTrue(answer.text)
        with socket.create_connection(("127.0.0.1", self.agent_port), timeout=20) as raw:
            raw.sendall(b"POST /api/v1/executor HTTP/1.1\r\nHost: localhost\r\n"
                        b"Content-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n{")
            self.assertIn(b"413", raw.makefile("rb").readline())
        body = json.dumps(self.ids(scheduler) | {"type": "MESSAGE", "message": {"data": ""}})
        pieces = [body[i:i + 7].encode() for i in range(0, len(body), 7)]
        self.assertEqual(self.post(iter(pieces)).status, 202)
        self.assertFalse(tolerated.ended)


if __name__ == "__main__":
    unittest.main()
