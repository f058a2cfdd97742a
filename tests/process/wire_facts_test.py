"""The facts of Mesos' wire that clients rely on, one after the other, against a real master: paths,
headers, negotiation, streams, order of checks, what must be tolerated, who answers. Each row or
test names its fact."""

import json
import socket
import subprocess
import unittest

from cluster_case import BIN
from v1_scheduler import JSON, PATH, Scheduler, Stream, StreamCase, post, task

PROTOBUF = "application/x-protobuf"
RECORDIO = "application/recordio"
INFO = {"user": "root", "name": "facts"}
SUBSCRIBE = {"type": "SUBSCRIBE", "subscribe": {"framework_info": INFO}}
TYPED = {"Content-Type": JSON}


class WireFacts(StreamCase):
    def stream(self, body=None, headers=None):
        self.streams.append(Stream(self.http_port, body or SUBSCRIBE, headers))
        return self.streams[-1]

    def scheduler(self, **info):
        self.streams.append(Scheduler(self.http_port, **info))
        return self.streams[-1]

    def raw(self, text, until=b"\r\n\r\n"):
        """Sends these bytes and reads until such were received."""
        with socket.create_connection(("127.0.0.1", self.http_port), timeout=20) as raw:
            raw.sendall(text)
            received = b""
            while until not in received and (more := raw.recv(65536)):
                received += more
            return received

    # -- paths and headers

    def test_the_api_is_found_by_every_path_that_clients_use(self):
        self.start_master()
        for path in (PATH, "/master" + PATH, PATH + "/", PATH + "?_ts=1&x=", "/%61pi/v1/scheduler",
                     "//api/v1/scheduler/"):
            with self.subTest(path):
                self.assertEqual(post(self.http_port, SUBSCRIBE, TYPED, path).status, 200)

    def test_headers_that_say_nothing_here_are_ignored(self):
        self.start_master()
        for fact, headers in (
            ("credentials while no authentication is configured",
             {"Authorization": "Basic YTpi"}),
            ("a stream is never compressed", {"Accept-Encoding": "gzip, deflate"}),
            ("a client that closes after SUBSCRIBE", {"Connection": "close"}),
            ("a header's name in any case", {"accept": JSON}),
        ):
            with self.subTest(fact):
                stream = self.stream(headers={**TYPED, **headers})
                stream.wait("SUBSCRIBED")
                self.assertEqual(stream.headers["Transfer-Encoding"], "chunked")
                self.assertIsNone(stream.headers["Content-Encoding"])
                self.assertFalse(stream.ended)

    def test_a_body_may_come_in_chunks_with_extensions_and_trailers(self):
        self.start_master()
        body = json.dumps(SUBSCRIBE).encode()
        head = (f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {JSON}\r\n"
                "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n").encode()
        chunks = b"".join(b"%x;note=1\r\n%s\r\n" % (len(body[i:i + 9]), body[i:i + 9])
                          for i in range(0, len(body), 9))
        answer = self.raw(head + chunks + b"0\r\nX-Sum: 1\r\n\r\n", b"SUBSCRIBED")
        self.assertIn(b" 200 ", answer.splitlines()[0])

    def test_who_expects_to_be_told_to_go_on_is_told(self):
        self.start_master()
        head = (f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {JSON}\r\n"
                "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n").encode()
        with socket.create_connection(("127.0.0.1", self.http_port), timeout=20) as raw:
            raw.sendall(head)
            lines = raw.makefile("rb")
            self.assertIn(b" 100 ", lines.readline())
            lines.readline()
            raw.sendall(b"{}")
            self.assertIn(b" 400 ", lines.readline())

    def test_a_connection_carries_many_calls(self):
        self.start_master()
        call = (f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {JSON}\r\n"
                "Content-Length: 2\r\n\r\n{}").encode()
        with socket.create_connection(("127.0.0.1", self.http_port), timeout=20) as raw:
            raw.sendall(call * 3)
            received = b""
            while received.count(b" 400 ") < 3:
                more = raw.recv(65536)
                self.assertTrue(more, received)
                received += more

    def test_reads_are_answered_whatever_their_method(self):
        self.start_master()
        agent = int(self.start_agent().line("ready").rsplit(":", 1)[1])
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        everywhere = ("/version", "/metrics/snapshot", "/health")
        for port, path in [(self.http_port, "/roles"),
                           *((port, path) for port in (self.http_port, agent)
                             for path in everywhere)]:
            for method, headers in (("POST", form), ("GET", {}), ("PUT", {})):
                with self.subTest(path, port=port, method=method):
                    answer = post(port, "", headers, path, method)
                    self.assertEqual(answer.status, 200, answer.text)

    def test_without_another_given_a_session_of_an_ensemble_ends_after_four_seconds(self):
        said = subprocess.run([BIN / "bourse-master", "--help"], capture_output=True, text=True,
                              timeout=30).stdout
        line = next(l for l in said.splitlines() if l.strip().startswith("--zk-session-timeout"))
        self.assertIn("4secs", line)

    # -- negotiation

    def test_content_type_is_exactly_one_of_two_and_accept_is_matched_in_parts(self):
        self.start_master()
        for content_type, status in ((None, 400), (JSON, 200), ("Application/JSON", 415),
                                     (JSON + "; charset=utf-8", 415), ("text/json", 415),
                                     ("application/recordio", 415), (PROTOBUF, 400)):
            with self.subTest(content_type=content_type):
                headers = {"Content-Type": content_type} if content_type else {}
                answer = post(self.http_port, SUBSCRIBE, headers)
                self.assertEqual(answer.status, status, answer.body)
        for accept, written in (
            (None, JSON), ("*/*", JSON), ("application/*", JSON), (JSON, JSON),
            (PROTOBUF, PROTOBUF), (f"{PROTOBUF}, {JSON}", JSON),
            (f"{JSON};q=0.1, {PROTOBUF};q=0.9", JSON),  # JSON is tried first, whatever q says
            (f"{JSON};q=0, {PROTOBUF}", PROTOBUF), (f"{JSON}; q=0.0, {PROTOBUF}", PROTOBUF),
            (f"text/html, {PROTOBUF} ;q=1.0", PROTOBUF), ("text/html, */*;q=0.1", JSON),
            ("text/html", None), ("*/*;q=0", None), (f"{JSON};q=0", None), ("text/*", None),
            # The most exact name decides, wherever it stands.
            (f"{JSON};q=0, */*", PROTOBUF), (f"*/*, {JSON};q=0", PROTOBUF),
            ("application/*;q=0, */*", None), (f"*/*;q=0, {PROTOBUF}", PROTOBUF),
            ("Application/JSON", JSON), (f"{JSON};q=much, {PROTOBUF}", PROTOBUF),
            (f"{JSON};Q=0, {PROTOBUF}", PROTOBUF), (f"{JSON};q=", None),
        ):
            with self.subTest(accept=accept):
                answer = post(self.http_port, SUBSCRIBE, {
                    **TYPED, **({"Accept": accept} if accept is not None else {})})
                self.assertEqual(answer.status, 200 if written else 406, answer.body)
                if written:
                    self.assertEqual(answer.headers["Content-Type"], written)

    def test_accept_is_looked_at_for_calls_whose_answer_has_a_body_alone(self):
        self.start_master()
        mine = self.scheduler()
        headers = {**TYPED, "Accept": "text/html", "Mesos-Stream-Id": mine.id}
        named = {"framework_id": {"value": mine.framework_id}}
        for call, status in (({"type": "REVIVE"}, 202), ({"type": "SUPPRESS"}, 202),
                             ({"type": "RECONCILE", "reconcile": {"tasks": []}}, 202),
                             ({"type": "RECONCILE_OPERATIONS",
                               "reconcile_operations": {"operations": []}}, 406)):
            with self.subTest(call["type"]):
                answer = post(self.http_port, {**call, **named}, headers)
                self.assertEqual(answer.status, status, answer.text)

    def test_the_operator_api_looks_at_accept_for_every_call(self):
        self.start_master()
        calls = ({"type": "GET_ROLES"}, {"type": "GET_HEALTH"},
                 {"type": "UPDATE_WEIGHTS", "update_weights": {
                     "weight_infos": [{"role": "eng", "weight": 2.0}]}})
        for call in calls:
            for accept, status in (("text/html", 406), ("application/recordio", 406),
                                   ("*/*", 200), (PROTOBUF, 200)):
                with self.subTest(call["type"], accept=accept):
                    answer = post(self.http_port, call, {**TYPED, "Accept": accept}, "/api/v1")
                    self.assertEqual(answer.status, status, answer.body)

    def test_parameters_that_nobody_knows_change_no_operators_call(self):
        self.start_master()
        agent = int(self.start_agent().line("ready").rsplit(":", 1)[1])
        for port in (self.http_port, agent):
            answer = post(port, {"type": "GET_HEALTH"}, TYPED, "/api/v1?_ts=1795357987&x=")
            self.assertEqual(answer.status, 200, answer.text)
            self.assertEqual(json.loads(answer.text),
                             {"type": "GET_HEALTH", "get_health": {"healthy": True}})

    def test_an_agents_calls_are_streams_by_their_headers_or_are_not(self):
        self.start_master()
        port = int(self.start_agent().line("ready").rsplit(":", 1)[1])
        one = {"container_id": {"value": "c"}}
        health = {"type": "GET_HEALTH"}
        attach = {"type": "ATTACH_CONTAINER_INPUT", "attach_container_input": {
            "type": "CONTAINER_ID", **one}}
        output = {"type": "ATTACH_CONTAINER_OUTPUT", "attach_container_output": one}
        session = {"type": "LAUNCH_NESTED_CONTAINER_SESSION", "launch_nested_container_session": {
            "container_id": {"value": "c", "parent": {"value": "p"}}}}
        streamed = {"Content-Type": RECORDIO, "Message-Content-Type": JSON}
        for fact, call, headers, status in (
            ("a streamed call says what its records are", attach, {"Content-Type": RECORDIO}, 400),
            ("which is one of two", attach, {**streamed, "Message-Content-Type": "text/x"}, 415),
            ("a call that is no stream is not streamed in", health, streamed, 415),
            ("nor one whose answer alone is a stream", output, streamed, 415),
            ("a call that is no stream has no records", health,
             {**TYPED, "Message-Content-Type": JSON}, 415),
            ("a call that is a stream is streamed in", attach, TYPED, 415),
            ("an answer that is no stream has no records", health,
             {**TYPED, "Message-Accept": JSON}, 406),
            ("nor is it one", health, {**TYPED, "Accept": RECORDIO}, 406),
            ("nor is the answer to a streamed call", attach, {**streamed, "Accept": RECORDIO}, 406),
            ("records of an answer are one of two", output,
             {**TYPED, "Accept": RECORDIO, "Message-Accept": "text/html"}, 406),
            ("all else is the call's: here it names no container of a task", attach, streamed, 400),
            ("records of an answer are JSON unless it is said", output,
             {**TYPED, "Accept": RECORDIO}, 400),
            ("or are protobuf, and it names a container that is not there", session,
             {**TYPED, "Accept": RECORDIO, "Message-Accept": PROTOBUF}, 404),
            ("a call without a Content-Type", health, {}, 400),
            ("a call whose answer its caller takes in no form", health,
             {**TYPED, "Accept": "text/html"}, 406),
            ("all else is answered", health, TYPED, 200),
        ):
            with self.subTest(fact):
                body = json.dumps(call)
                if headers.get("Content-Type") == RECORDIO:
                    body = f"{len(body)}\n{body}"
                answer = post(port, body, headers, "/slave(1)/api/v1")
                self.assertEqual(answer.status, status, answer.body)
        for body in ("", "12", "x\n", "99999999999\n{}"):
            with self.subTest(body):
                self.assertEqual(post(port, body, streamed, "/slave(1)/api/v1").status, 400)

    # -- the dialect of JSON

    def test_json_is_read_as_mesos_reads_it(self):
        self.start_master()
        for fact, info in (
            ("null is unset", {"id": None, "role": None, "labels": None, "webui_url": None}),
            ("a number in a string", {"failover_timeout": "60.5"}),
            ("a whole number for a double", {"failover_timeout": 60}),
            ("a boolean in a string", {"checkpoint": "true"}),
            ("fields that nobody knows", {"from_the_future": {"a": [1, None]}}),
            ("an enum's value that nobody knows", {"capabilities": [{"type": "FROM_THE_FUTURE"}]}),
            ("an empty list beside what it replaces", {"roles": [], "role": "*"}),
        ):
            with self.subTest(fact):
                stream = self.stream({"type": "SUBSCRIBE", "subscribe": {
                    "framework_info": {**INFO, **info}}})
                self.assertEqual(stream.status, 200)
                stream.wait("SUBSCRIBED")

    def test_events_are_one_line_with_the_key_of_their_type(self):
        self.start_master()
        self.start_agent()
        stream = self.stream()
        stream.wait("OFFERS")
        for raw in stream.events:
            self.assertNotIn(b"\n", raw)
            self.assertNotIn(b": ", raw)  # compact
        for event in stream.json_events():
            kind = event["type"].lower()
            wanted = {"type"} if kind == "heartbeat" else {"type", kind}
            self.assertEqual(set(event), wanted)

    # -- the stream

    def test_heartbeats_come_again_after_the_time_that_subscribed_says(self):
        self.start_master()
        stream = self.stream()
        told = stream.wait("SUBSCRIBED")["subscribed"]["heartbeat_interval_seconds"]
        self.assertEqual(told, 15.0)
        stream.wait("HEARTBEAT", skip=1)
        self.assertEqual([e["type"] for e in stream.json_events()],
                         ["SUBSCRIBED", "HEARTBEAT", "HEARTBEAT"])

    def test_the_version_is_digits_and_dots(self):
        self.start_master()
        said = self.stream().wait("SUBSCRIBED")["subscribed"]["master_info"]["version"]
        answer = post(self.http_port, "", path="/version", method="GET")
        for version in (said, json.loads(answer.text)["version"]):
            self.assertRegex(version, r"^\d+\.\d+\.\d+$")
            self.assertGreaterEqual([int(part) for part in version.split(".")], [1, 0, 0])

    def test_an_offer_has_the_form_that_its_framework_understands(self):
        self.start_master()
        self.start_agent()
        for capabilities, allocated, newer in (
            ([], False, False), (["MULTI_ROLE"], True, False),
            (["RESERVATION_REFINEMENT"], False, True),
            (["MULTI_ROLE", "RESERVATION_REFINEMENT"], True, True),
        ):
            with self.subTest(capabilities):
                framework = self.scheduler(capabilities=[{"type": c} for c in capabilities])
                offer = framework.offer()
                self.assertEqual("allocation_info" in offer, allocated)
                for resource in offer["resources"]:
                    self.assertEqual("allocation_info" in resource, allocated)
                    self.assertEqual(resource.get("role"), None if newer else "*")
                framework.call("TEARDOWN")
                framework.wait_end()

    # -- calls

    def test_what_clients_leave_out_is_taken(self):
        self.start_master()
        self.start_agent()
        mine = self.scheduler(failover_timeout=60.0)
        offer = mine.offer()
        for fact, kind, body in (
            ("DECLINE without offers", "DECLINE", {"offer_ids": []}),
            ("RECONCILE without tasks", "RECONCILE", {}),
            ("a fraction of a second", "DECLINE", {"filters": {"refuse_seconds": 0.25}}),
            ("longer than a year", "DECLINE", {"filters": {"refuse_seconds": 1e12}}),
            ("filters that are null", "DECLINE", {"filters": None}),
            ("ACCEPT without operations", "ACCEPT", {"offer_ids": []}),
            ("LAUNCH without tasks", "ACCEPT", {
                "offer_ids": [offer["id"]], "filters": {"refuse_seconds": 0},
                "operations": [{"type": "LAUNCH", "launch": {"task_infos": []}}]}),
            ("SUPPRESS without a body", "SUPPRESS", None),
            ("REVIVE without a body", "REVIVE", None),
        ):
            with self.subTest(fact):
                answer = mine.call(kind, body)
                self.assertEqual((answer.status, answer.body), (202, b""))
        again = mine.offer(skip=1)
        zero = task("zero", again, "sleep 1000")
        zero["resources"].append({"name": "gpus", "type": "SCALAR", "scalar": {"value": 0}})
        self.assertEqual(mine.launch(again, zero).status, 202)
        status = mine.reach("zero", "TASK_RUNNING")
        for key in ("task_id", "state", "agent_id", "source", "timestamp", "uuid", "executor_id",
                    "container_status"):
            self.assertIn(key, status)
        # An empty RECONCILE asks about all, and its answers want no acknowledgement.
        mine.call("RECONCILE", {"tasks": []})
        told = mine.wait("UPDATE", lambda e: e["update"]["status"].get("reason") ==
                         "REASON_RECONCILIATION")["update"]["status"]
        self.assertEqual((told["task_id"]["value"], told["state"]), ("zero", "TASK_RUNNING"))
        self.assertNotIn("uuid", told)

    def test_a_call_that_is_no_call_has_its_code(self):
        self.start_master()
        mine = self.scheduler()
        headers = {**TYPED, "Mesos-Stream-Id": mine.id}
        named = {"framework_id": {"value": mine.framework_id}}
        for fact, call, status in (
            ("UNKNOWN is known, and not served", {"type": "UNKNOWN"}, 501),
            ("a type that nobody knows is none", {"type": "NO_SUCH"}, 400),
            ("a call without what it needs", {"type": "KILL"}, 400),
            ("REQUEST is taken", {"type": "REQUEST", "request": {"requests": []}}, 202),
        ):
            with self.subTest(fact):
                self.assertEqual(post(self.http_port, {**call, **named}, headers).status, status)

    def test_the_id_of_a_framework_that_was_torn_down_is_refused(self):
        self.start_master()
        mine = self.scheduler(failover_timeout=60.0)
        self.assertEqual(mine.call("TEARDOWN").status, 202)
        mine.wait_end()
        again = self.stream({"type": "SUBSCRIBE", "framework_id": {"value": mine.framework_id},
                             "subscribe": {"framework_info": {
                                 **INFO, "id": {"value": mine.framework_id}}}})
        again.wait_end()
        self.assertEqual([e["type"] for e in again.json_events()], ["ERROR"])

    # -- who answers

    def test_a_master_of_a_cluster_that_nobody_leads_answers_503_before_all_else(self):
        self.start_master("--zk=zk://127.0.0.1:1/bourse")
        for method, body, headers in (("POST", SUBSCRIBE, TYPED), ("GET", "", {}),
                                      ("POST", "{", {}), ("POST", "", {"Content-Type": "x/y"})):
            with self.subTest(method, body=body):
                answer = post(self.http_port, body, headers, method=method)
                self.assertEqual(answer.status, 503, answer.text)
                self.assertTrue(answer.text)


if __name__ == "__main__":
    unittest.main()
