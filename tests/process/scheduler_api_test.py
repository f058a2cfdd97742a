"""The v1 scheduler API of a real master, by a scheduler that has nothing but sockets."""

import contextlib
import json
import os
import pathlib
import socket
import unittest

from cluster_case import wait_for
from v1_scheduler import JSON, Scheduler, Stream, StreamCase, post, task

INFO = {"user": "root", "name": "raw"}
SUBSCRIBE = {"type": "SUBSCRIBE", "subscribe": {"framework_info": INFO}}
PROTOBUF = "application/x-protobuf"
# SUBSCRIBE of user "root", name "pb": type = 1, subscribe { framework_info { user, name } }.
PROTOBUF_SUBSCRIBE = b"\x10\x01\x1a\x0c\x0a\x0a\x0a\x04root\x12\x02pb"


class SchedulerApi(StreamCase):
    def scheduler(self, *args, **info):
        self.streams.append(Scheduler(self.http_port, *args, **info))
        return self.streams[-1]

    def stream(self, *args, **more):
        self.streams.append(Stream(self.http_port, *args, **more))
        return self.streams[-1]

    def frameworks(self):
        answer = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]
        return {f["framework_info"]["id"]["value"]: f for f in answer.get("frameworks", [])}

    def metric(self, name):
        answer = self.call({"type": "GET_METRICS"})["get_metrics"]["metrics"]
        return {m["name"]: m.get("value", 0) for m in answer}[name]

    # -- subscribing

    def test_a_subscription_opens_a_stream_of_records_that_begins_with_subscribed(self):
        self.start_master()
        stream = self.stream(SUBSCRIBE)
        self.assertEqual(stream.status, 200)
        self.assertEqual(stream.headers["Transfer-Encoding"], "chunked")
        self.assertEqual(stream.headers["Content-Type"], JSON)
        self.assertRegex(stream.id, r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        stream.wait("HEARTBEAT")
        first, second = stream.json_events()[:2]
        self.assertEqual(first["type"], "SUBSCRIBED")
        self.assertEqual(first["subscribed"]["heartbeat_interval_seconds"], 15.0)
        self.assertTrue(first["subscribed"]["framework_id"]["value"])
        master = first["subscribed"]["master_info"]
        self.assertEqual(master["address"]["port"], self.http_port)
        self.assertEqual(second, {"type": "HEARTBEAT"})
        # One record a chunk, one line a record: some clients split by either.
        self.assertEqual(stream.chunks[0].split(b"\n", 1)[1], stream.events[0])
        self.assertNotIn(b"\n", stream.events[0])

    def test_a_stream_is_written_as_its_accept_header_asks(self):
        self.start_master()
        for accept, written in ((None, JSON), ("*/*", JSON), (PROTOBUF, PROTOBUF),
                                (f"{PROTOBUF}, {JSON};q=0", PROTOBUF),
                                (f"{PROTOBUF},{JSON}", JSON)):
            with self.subTest(accept):
                headers = {"Content-Type": PROTOBUF} | ({"Accept": accept} if accept else {})
                stream = self.stream(PROTOBUF_SUBSCRIBE, headers)
                self.assertEqual(stream.headers["Content-Type"], written)
                wait_for("two events", lambda s=stream: len(s.events) >= 2)
                if written == JSON:
                    self.assertEqual(stream.json_events()[0]["type"], "SUBSCRIBED")
                else:
                    self.assertEqual(stream.events[1], b"\x08\x08")  # type = HEARTBEAT
                    self.assertEqual(stream.events[0][:2], b"\x08\x01")

    def test_a_subscription_that_is_refused_is_one_error_on_the_stream_and_its_end(self):
        self.start_master()
        stream = self.stream({"type": "SUBSCRIBE", "subscribe": {"framework_info": {
            **INFO, "role": "a", "roles": ["b"]}}})
        self.assertEqual(stream.status, 200)
        stream.wait_end()
        self.assertEqual([e["type"] for e in stream.json_events()], ["ERROR"])
        self.assertIn("MULTI_ROLE", stream.json_events()[0]["error"]["message"])
        self.assertEqual(self.frameworks(), {})

    # -- who is offered what

    def test_agents_are_offered_by_attribute_region_and_gpus(self):
        self.start_master("--region=north", "--zone=n0")
        self.start_agent("a", "--attributes=rack:r1", "--region=north", "--zone=n1")
        self.start_agent("b", "--attributes=rack:r2;seats:3", "--region=north", "--zone=n2",
                         "--resources=cpus:4;mem:2048;disk:1000;gpus:1")
        self.start_agent("c", "--attributes=rack:r30", "--region=south", "--zone=s1")
        self.wait_agents(3)

        def constrained(*constraints):
            group = {"attribute_constraints": list(constraints)}
            return {"role_constraints": {"*": {"groups": [group]}}}

        def offered(constraints=None, *capabilities):
            scheduler = self.scheduler(offer_constraints=constraints, capabilities=[
                {"type": name} for name in capabilities])
            scheduler.offer()
            found = set()
            for event in scheduler.json_events("OFFERS"):
                for offer in event["offers"]["offers"]:
                    racks = [a for a in offer["attributes"] if a["name"] == "rack"]
                    found.add(racks[0]["text"]["value"])
            self.assertEqual(scheduler.call("TEARDOWN").status, 202)
            scheduler.wait_end()
            return found

        rack, zone = {"attribute_name": "rack"}, {"pseudoattribute_type": "ZONE"}
        everywhere = ("GPU_RESOURCES", "REGION_AWARE")
        self.assertEqual(offered(), {"r1"})
        self.assertEqual(offered(None, "GPU_RESOURCES"), {"r1", "r2"})
        self.assertEqual(offered(None, "REGION_AWARE"), {"r1", "r30"})
        self.assertEqual(offered(constrained(
            {"selector": rack, "predicate": {"text_matches": {"regex": "r[23].?"}}},
            {"selector": zone, "predicate": {"text_not_equals": {"value": "n2"}}}), *everywhere),
            {"r30"})
        self.assertEqual(offered(constrained(
            {"selector": {"attribute_name": "seats"}, "predicate": {"exists": {}}}), *everywhere),
            {"r2"})
        mine = constrained({"selector": {"pseudoattribute_type": "REGION"},
                            "predicate": {"text_equals": {"value": "south"}}})
        self.assertEqual(offered(mine, *everywhere), {"r30"})
        scheduler = self.scheduler(offer_constraints=mine, failover_timeout=60.0, capabilities=[
            {"type": "REGION_AWARE"}])
        shown = self.frameworks()[scheduler.framework_id]
        self.assertEqual(shown["offer_constraints"], mine)
        refused = scheduler.call("UPDATE_FRAMEWORK", {
            "framework_info": {"user": "root", "name": "http",
                               "id": {"value": scheduler.framework_id}},
            "offer_constraints": constrained(
                {"selector": rack, "predicate": {"text_matches": {"regex": "r("}}})})
        self.assertEqual(refused.status, 400)
        self.assertIn("'r(' is not a regular expression", refused.text)

    def test_a_framework_that_says_what_it_wants_is_offered_only_that(self):
        self.start_master()
        self.start_agent("a", "--hostname=a", "--resources=cpus:1;mem:512")
        self.start_agent("b", "--hostname=b", "--resources=cpus:4;mem:2048")
        self.wait_agents(2)
        scheduler = self.scheduler(failover_timeout=60.0)

        def offered(count):
            def look():
                found = [offer for event in scheduler.json_events("OFFERS")
                         for offer in event["offers"]["offers"]]
                return found if len(found) >= count else None
            return wait_for(f"{count} offers", look)

        def want(amounts, times=1, **more):
            return [{"resources": [{"name": name, "type": "SCALAR", "scalar": {"value": value}}
                                   for name, value in amounts.items()], **more}] * times

        def request(requests):
            return scheduler.call("REQUEST", {"requests": requests})

        first = offered(2)
        self.assertEqual(request(want({"cpus": 2, "mem": 1024}, times=4)).status, 202)
        self.assertEqual(scheduler.call("DECLINE", {
            "offer_ids": [offer["id"] for offer in first],
            "filters": {"refuse_seconds": 0}}).status, 202)
        self.assertEqual(offered(3)[2]["hostname"], "b")
        answer = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]
        demand, = answer["demands"]
        self.assertEqual(demand["framework_id"], {"value": scheduler.framework_id})
        self.assertEqual((demand["count"], demand["fits"], demand["unmet"]), (4, 2, 2))
        said = self.call({"type": "EXPLAIN_FRAMEWORK", "explain_framework": {
            "framework_id": {"value": scheduler.framework_id}}})["explain_framework"]
        role, = said["roles"]
        wanted, = role["wanted"]
        self.assertEqual(wanted["shape"], "4 x {2 cpus, 1024 mem}")
        self.assertEqual((wanted["offered"], wanted["fits"]), (2, 0))
        self.assertIn({"name": "largest free mem", "value": "512"}, wanted["numbers"])
        small, = [agents for agents in role["agents"] if agents["rule"] == "demand"]
        self.assertIn({"name": "lacks", "value": "1 cpus, 512 mem"}, small["numbers"])
        for requests, status, words in (
            (want({"cpus": -1}), 400, "'request.requests[0].resources[0].scalar.value'"),
            (want({"cpus": 0}), 400, "asks for nothing"),
            (want({"cpus": 1}, agent_id={"value": "not-here"}), 202, ""),
            (want({"cpus": 1}, times=10_001), 413, "10001"),
        ):
            refused = request(requests)
            self.assertEqual(refused.status, status, refused.text)
            self.assertIn(words, refused.text)
        self.assertEqual(request([]).status, 202)
        self.assertEqual(offered(4)[3]["hostname"], "a")
        self.assertNotIn("demands", self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"])

    # -- a whole life

    def test_tasks_run_are_acknowledged_and_killed_over_http(self):
        self.start_master()
        self.start_agent()
        scheduler = self.scheduler(failover_timeout=60.0)
        offer = scheduler.offer()
        answer = scheduler.launch(offer, task("quick", offer, "exit 3"),
                                  task("long", offer, "sleep 1000"))
        self.assertEqual((answer.status, answer.body), (202, b""))
        self.assertEqual(answer.headers["Content-Length"], "0")
        for name, state in (("quick", "TASK_FAILED"), ("long", "TASK_RUNNING")):
            status = scheduler.reach(name, state)
            self.assertEqual(scheduler.acknowledge(status).status, 202)
        self.assertIn("status 3", scheduler.update("quick", "TASK_FAILED")["message"])
        self.assertEqual(scheduler.call("KILL", {"task_id": {"value": "long"}}).status, 202)
        scheduler.acknowledge(scheduler.reach("long", "TASK_KILLED"))
        self.assertEqual(scheduler.call("RECONCILE", {"tasks": [
            {"task_id": {"value": "nobody"}}]}).status, 202)
        lost = scheduler.update("nobody", "TASK_LOST")  # it is not PARTITION_AWARE
        self.assertNotIn("uuid", lost)
        self.assertEqual(scheduler.call("TEARDOWN").status, 202)
        scheduler.wait_end()
        self.assertNotIn(scheduler.framework_id, self.frameworks())

    def test_a_teardown_ends_the_stream_and_the_processes_of_its_tasks(self):
        self.start_master()
        self.start_agent()
        scheduler = self.scheduler(failover_timeout=60.0)
        offer = scheduler.offer()
        mark = f"sleep\x001000.{os.getpid()}\x00".encode()
        scheduler.launch(offer, task("long", offer, f"exec sleep 1000.{os.getpid()}"))
        scheduler.acknowledge(scheduler.reach("long", "TASK_RUNNING"))

        def processes():
            found = []
            for command in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):  # one that has just ended
                    found += [command] * (command.read_bytes() == mark)
            return found
        wait_for("its process", processes)
        self.assertEqual(scheduler.call("TEARDOWN").status, 202)
        scheduler.wait_end()
        wait_for("the end of its process", lambda: not processes())
        self.assertEqual(scheduler.call("REVIVE").status, 400)
        answer = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]
        self.assertEqual([f["framework_info"]["id"]["value"] for f in
                          answer["completed_frameworks"]], [scheduler.framework_id])
        # What it held is offered to the next.
        self.assertIn(4.0, [r["scalar"]["value"] for r in self.scheduler().offer()["resources"]
                            if r["name"] == "cpus"])

    def test_every_call_is_answered_in_the_way_of_mesos(self):
        self.start_master()
        self.start_agent()
        scheduler = self.scheduler(failover_timeout=60.0)
        offer = scheduler.offer()
        agent, nobody = offer["agent_id"], {"value": "nobody"}
        info = {**INFO, "name": "http", "id": {"value": scheduler.framework_id},
                "failover_timeout": 60.0, "webui_url": "http://changed"}
        uuid = "AAAAAAAAAAAAAAAAAAAAAA=="
        for kind, body, status in (
            ("DECLINE", {"offer_ids": [offer["id"]], "filters": {"refuse_seconds": 0.5}}, 202),
            ("DECLINE", {}, 202),
            ("SUPPRESS", {}, 202),
            ("REVIVE", None, 202),
            ("REVIVE", {"roles": ["*"]}, 202),
            ("REVIVE", {"roles": ["not-its"]}, 400),
            ("ACCEPT", {"offer_ids": [nobody]}, 202),
            ("KILL", {"task_id": nobody}, 202),
            ("SHUTDOWN", {"executor_id": nobody, "agent_id": agent}, 202),
            ("ACKNOWLEDGE", {"agent_id": agent, "task_id": nobody, "uuid": uuid}, 202),
            ("ACKNOWLEDGE", {"agent_id": agent, "task_id": nobody, "uuid": "AAAA"}, 400),
            ("RECONCILE", {"tasks": []}, 202),
            ("MESSAGE", {"agent_id": agent, "executor_id": nobody, "data": "aGk="}, 202),
            ("REQUEST", {"requests": []}, 202),
            ("REQUEST", None, 400),
            ("ACCEPT_INVERSE_OFFERS", {"inverse_offer_ids": [nobody]}, 202),
            ("DECLINE_INVERSE_OFFERS", {"inverse_offer_ids": [nobody]}, 202),
            ("ACKNOWLEDGE_OPERATION_STATUS",
             {"agent_id": agent, "operation_id": nobody, "uuid": uuid}, 202),
            ("ACKNOWLEDGE_OPERATION_STATUS",
             {"agent_id": agent, "operation_id": nobody, "uuid": {"value": uuid}}, 400),
            ("RECONCILE_OPERATIONS", {"operations": []}, 202),
            ("UPDATE_FRAMEWORK", {"framework_info": info}, 202),
            ("UPDATE_FRAMEWORK", {"framework_info": {**info, "roles": ["a"]}}, 400),
        ):
            with self.subTest(kind, body=body):
                answer = scheduler.call(kind, body)
                self.assertEqual(answer.status, status, answer.text)
                self.assertEqual(answer.body == b"", status == 202)
        self.assertEqual(
            self.frameworks()[scheduler.framework_id]["framework_info"]["webui_url"],
            "http://changed")
        self.assertFalse(scheduler.ended)

    def test_what_declines_and_revives_do_shows_on_the_stream(self):
        self.start_master()
        self.start_agent()
        scheduler = self.scheduler()
        offer = scheduler.offer()
        scheduler.call("DECLINE", {"offer_ids": [offer["id"]],
                                   "filters": {"refuse_seconds": 1000}})
        scheduler.call("REVIVE")
        self.assertNotEqual(scheduler.offer(skip=1)["id"], offer["id"])

    # -- connections

    def test_a_framework_fails_over_to_another_stream_and_the_older_one_ends(self):
        self.start_master()
        self.start_agent()
        first = self.scheduler(failover_timeout=60.0)
        offer = first.offer()
        first.launch(offer, task("stays", offer, "sleep 1000"))
        running = first.reach("stays", "TASK_RUNNING")
        second = self.scheduler(first.framework_id, failover_timeout=60.0)
        self.assertEqual(second.framework_id, first.framework_id)
        first.wait_end()
        self.assertEqual(first.json_events()[-1],
                         {"type": "ERROR", "error": {"message": "Framework failed over"}})
        old = first.call("REVIVE")
        self.assertEqual(old.status, 400)
        self.assertIn(first.id, old.text)
        # What was not acknowledged is told again, and the newer instance may.
        again = second.wait("UPDATE")["update"]["status"]
        self.assertEqual(again["task_id"], running["task_id"])
        self.assertEqual(second.acknowledge(again).status, 202)
        self.assertEqual(second.call("KILL", {"task_id": {"value": "stays"}}).status, 202)
        second.reach("stays", "TASK_KILLED")

    def test_a_closed_stream_disconnects_its_framework_which_may_come_back_in_time(self):
        self.start_master()
        stays = self.scheduler(failover_timeout=60.0)
        ends = self.scheduler()
        stays.close()
        ends.close()
        wait_for("one gone, one disconnected", lambda: {
            id: f["connected"] for id, f in self.frameworks().items()
        } == {stays.framework_id: False})
        refused = stays.call("REVIVE")
        self.assertEqual((refused.status, refused.text), (403, "Framework is not subscribed"))
        # Whether it names a stream is asked of those that are subscribed alone.
        unnamed = {"type": "REVIVE", "framework_id": {"value": stays.framework_id}}
        self.assertEqual(post(self.http_port, unnamed, {"Content-Type": JSON}).status, 403)
        self.assertEqual(ends.call("REVIVE").status, 400)
        back = self.scheduler(stays.framework_id, failover_timeout=60.0)
        self.assertEqual(back.framework_id, stays.framework_id)
        gone = self.stream({"type": "SUBSCRIBE", "framework_id": {"value": ends.framework_id},
                            "subscribe": {"framework_info": {
                                **INFO, "id": {"value": ends.framework_id}}}})
        gone.wait_end()
        self.assertEqual(gone.json_events()[0]["error"]["message"], "Framework has been removed")

    def test_a_framework_of_the_sdk_is_taken_over_over_http(self):
        self.start_master("--framework-heartbeat=200ms", "--framework-silence=1secs")
        sdk = self.start_scheduler()
        taken = self.scheduler(sdk.framework_id, failover_timeout=60.0)
        sdk.line("error")
        self.assertEqual(taken.framework_id, sdk.framework_id)
        self.assertEqual(taken.call("REVIVE").status, 202)

    def test_a_stream_that_is_never_read_costs_its_budget_and_is_closed(self):
        master = self.start_master()
        stream = self.stream({"type": "SUBSCRIBE", "subscribe": {"framework_info": {
            **INFO, "failover_timeout": 60.0}}}, receive_buffer=4096, read=False)
        other = self.scheduler()
        framework_id = next(id for id in self.frameworks() if id != other.framework_id)
        many = json.dumps({
            "type": "RECONCILE", "framework_id": {"value": framework_id},
            "reconcile": {"tasks": [{"task_id": {"value": f"{i:060d}"}} for i in range(20_000)]}})
        headers = {"Content-Type": JSON, "Mesos-Stream-Id": stream.id}
        for _ in range(60):  # each is answered with some 5 MB of statuses that nobody reads
            answer = post(self.http_port, many, headers)
            if answer.status != 202:
                break
        self.assertEqual((answer.status, answer.text), (403, "Framework is not subscribed"))
        wait_for("the count", lambda: self.metric("bourse/http_schedulers/streams_unread") == 1)
        wait_for("the reason in the log", lambda: [
            line for line in list(master.errors)
            if stream.id in line and "the client does not read" in line])
        self.assertEqual(other.call("REVIVE").status, 202)
        stream.reader.start()
        stream.wait_end()

    def test_a_principal_that_calls_too_often_is_answered_429_and_others_are_not(self):
        self.start_master("--scheduler-calls-per-second=5", "--scheduler-streams=2")
        busy = self.scheduler(principal="busy")
        other = self.scheduler(principal="other")
        answers = [busy.call("REVIVE") for _ in range(20)]
        refused = [answer for answer in answers if answer.status == 429]
        self.assertTrue(refused, [answer.status for answer in answers])
        self.assertEqual(refused[0].headers["Retry-After"], "1")
        self.assertIn("'busy'", refused[0].text)
        self.assertEqual(other.call("REVIVE").status, 202)
        wait_for("its calls of the next second", lambda: busy.call("REVIVE").status == 202)
        wait_for("the count", lambda: self.metric("bourse/http_schedulers/calls_limited") > 0)

    def test_a_principal_with_too_many_streams_is_answered_503_and_others_are_not(self):
        self.start_master("--scheduler-streams=2")
        first = self.scheduler(principal="many")
        self.scheduler(principal="many")
        body = {"type": "SUBSCRIBE", "subscribe": {"framework_info": {
            **INFO, "principal": "many"}}}
        refused = post(self.http_port, body, {"Content-Type": JSON})
        self.assertEqual(refused.status, 503)
        self.assertIn("'many' has 2 streams", refused.text)
        self.scheduler(principal="other")
        first.close()
        wait_for("a stream again", lambda: post(
            self.http_port, body, {"Content-Type": JSON}).status == 200)

    # -- bad input

    def test_a_request_is_judged_in_the_order_of_mesos(self):
        self.start_master()
        other = self.scheduler()
        mine = self.scheduler()
        revive = {"type": "REVIVE", "framework_id": {"value": mine.framework_id}}
        json_type = {"Content-Type": JSON}
        for body, headers, status, words in (
            (b"{}", {}, 400, "Content-Type"),
            (b"{}", {"Content-Type": "application/json; charset=utf-8"}, 415, "charset=utf-8"),
            (b'{"type":', {"Content-Type": JSON}, 400, ""),
            (b"\xff\xff", {"Content-Type": PROTOBUF}, 400, "protobuf"),
            ({}, json_type, 400, "'type'"),
            ({"type": "NO_SUCH"}, json_type, 400, "type"),
            ({"type": "REVIVE"}, json_type, 400, "'framework_id'"),
            # As one client does before it is subscribed.
            ({"type": "SUPPRESS"}, {**json_type, "Mesos-Stream-Id": ""}, 400, "'framework_id'"),
            ({"type": "RECONCILE", "reconcile": {"tasks": []}},
             {**json_type, "Mesos-Stream-Id": ""}, 400, "'framework_id'"),
            ({"type": "SUBSCRIBE"}, {**json_type, "Accept": "text/html"}, 400, "'subscribe'"),
            (SUBSCRIBE, {**json_type, "Accept": "text/html", "Mesos-Stream-Id": "x"}, 406,
             "Accept"),
            (SUBSCRIBE, {**json_type, "Mesos-Stream-Id": mine.id}, 400, "Mesos-Stream-Id"),
            (revive, {**json_type, "Accept": "text/html", "Mesos-Stream-Id": mine.id}, 202, ""),
            ({**revive, "framework_id": {"value": "nope"}}, json_type, 400,
             "Framework cannot be found"),
            (revive, json_type, 400, "should include the 'Mesos-Stream-Id' header"),
            (revive, {**json_type, "Mesos-Stream-Id": "wrong"}, 400, "'wrong'"),
            (revive, {**json_type, "Mesos-Stream-Id": other.id}, 400, mine.framework_id),
            (revive, {**json_type, "MESOS-stream-id": mine.id}, 202, ""),
        ):
            with self.subTest(body=body, headers=headers):
                answer = post(self.http_port, body, headers)
                self.assertEqual(answer.status, status, answer.text)
                self.assertIn(words, answer.text)
        wrong = post(self.http_port, "", method="GET")
        self.assertEqual((wrong.status, wrong.headers["Allow"]), (405, "POST"))
        self.assertEqual(post(self.http_port, revive, {**json_type, "Mesos-Stream-Id": mine.id},
                              path="/master/api/v1/scheduler").status, 202)

    def test_what_clients_send_besides_is_taken_and_what_none_should_is_refused(self):
        self.start_master()
        json_type = {"Content-Type": JSON}
        tolerated = self.stream({"type": "SUBSCRIBE", "framework_id": None, "accept": None,
                                 "unknown": [1, {"x": None}], "subscribe": {
                                     "force": True, "suppressed_roles": [], "framework_info": {
                                         **INFO, "role": "*", "roles": [], "capabilities": None,
                                         "failover_timeout": "60"}}})
        tolerated.wait("SUBSCRIBED")
        deep = "[" * 10_000 + "]" * 10_000
        info = '"framework_info":{"user":"root","name":"x"'
        for body, status in (
            ('{"type":"SUBSCRIBE","x":' + deep + "}", 400),
            ('{"type":"SUBSCRIBE","subscribe":{' + info + "}}", 400),
            ('{"type":"SUBSCRIBE","subscribe":{' + info + ',"name":"y"}}}', 400),
            ('{"type":"SUBSCRIBE","subscribe":{' + info + ',"failover_timeout":NaN}}}', 400),
            ('{"type":"SUBSCRIBE","framework_id":{"value":"\\ud800"}}', 400),
            ('{"type":"SUBSCRIBE","subscribe":{' + info + ',"roles":{}}}}', 400),
            ('{"type":"SUBSCRIBE","subscribe":[]}', 400),
            ("[]", 400),
            ("", 400),
            (" " * (2 << 20) + "{}", 413),
        ):
            with self.subTest(body=body[:80]):
                answer = post(self.http_port, body, json_type)
                self.assertEqual(answer.status, status, answer.text)
                self.assertTrue(answer.text)
        # A gigabyte is refused by its header: it is never read.
        with socket.create_connection(("127.0.0.1", self.http_port), timeout=20) as raw:
            raw.sendall(b"POST /api/v1/scheduler HTTP/1.1\r\nHost: localhost\r\n"
                        b"Content-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n{")
            self.assertIn(b"413", raw.makefile("rb").readline())
        self.assertFalse(tolerated.ended)

    def test_the_body_of_a_call_may_come_in_chunks(self):
        self.start_master()
        mine = self.scheduler()
        body = json.dumps({"type": "REVIVE", "framework_id": {"value": mine.framework_id}})
        pieces = [body[i:i + 7].encode() for i in range(0, len(body), 7)]
        answer = post(self.http_port, iter(pieces),
                      {"Content-Type": JSON, "Mesos-Stream-Id": mine.id})
        self.assertEqual(answer.status, 202, answer.text)


if __name__ == "__main__":
    unittest.main()
