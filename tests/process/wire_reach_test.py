"""Where master and agents are found, under which names they are called, and what they say of
themselves, by the facts of Mesos' wire. Each row or test names its fact."""

import json
import os
import subprocess
import unittest

import mesos_recordings
from cluster_case import BIN
from v1_scheduler import Stream, StreamCase, post


class WireReach(StreamCase):
    def stream(self):
        self.streams.append(Stream(self.http_port, {"type": "SUBSCRIBE", "subscribe": {
            "framework_info": {"user": "root", "name": "reach"}}}))
        return self.streams[-1]

    def test_pages_of_other_origins_read_versions_and_metrics_by_a_function_of_their_own(self):
        self.start_master()
        agent = int(self.start_agent().line("ready").rsplit(":", 1)[1])
        for port in (self.http_port, agent):
            for path in ("/version", "/metrics/snapshot"):
                with self.subTest(path, port=port):
                    answer = post(port, "", (), path + "?jsonp=cb._0", "GET")
                    self.assertEqual((answer.status, answer.headers["Content-Type"]),
                                     (200, "text/javascript"))
                    self.assertTrue(answer.text.startswith("cb._0("), answer.text[:40])
                    json.loads(answer.text[len("cb._0("):answer.text.rindex(")")])

    def test_what_lies_at_the_top_only_in_mesos_lies_below_a_daemons_name_too(self):
        self.start_master()
        agent = int(self.start_agent().line("ready").rsplit(":", 1)[1])
        self.wait_agents(1)
        page = mesos_recordings.PAGE.read_text()
        for port, name in ((self.http_port, "/master"), (agent, "/slave(1)")):
            for path in ("/version", "/metrics/snapshot", "/metrics", "/health", "/flags"):
                for at in (path, name + path):
                    with self.subTest(at):
                        self.assertEqual(post(port, "", (), at, "GET").status, 200)
            for path in ("/system/stats.json", "/logging/toggle", "/help", "/files/debug",
                         "/profiler/start", "/memory-profiler/state"):
                with self.subTest(path, port=port):
                    self.assertEqual(post(port, "", (), path, "GET").status, 404)
        for row in ("`/version`, `/metrics/snapshot`, an agent's `/files`,",
                    "`/system/stats.json`, `/logging/toggle`, `/help`, `/files/debug`,"):
            self.assertIn(f"\n| {row}", page)

    @unittest.skipUnless(os.geteuid() == 0, "needs root: a network of its own")
    def test_daemons_without_ports_given_listen_at_those_of_mesos(self):
        alone = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
        for program, more, ready in (
            ("bourse-master", (), "ready http=127.0.0.1:5050 link=127.0.0.1:5060"),
            ("bourse-agent", ("--master=127.0.0.1:5060", "--resources=cpus:1"),
             "ready http=127.0.0.1:5051"),
        ):
            with self.subTest(program):
                daemon = self.start(program, [*alone, BIN / program,
                                              f"--work-dir={self.dir}/{program}", *more])
                self.assertEqual(daemon.line("ready"), ready)

    def test_without_a_port_given_a_master_is_at_5050_and_an_agent_at_5051(self):
        for program, port in (("bourse-master", 5050), ("bourse-agent", 5051)):
            with self.subTest(program):
                said = subprocess.run([BIN / program, "--help"], capture_output=True, text=True,
                                      timeout=30).stdout
                line = next(line for line in said.splitlines() if line.strip().startswith("--port"))
                self.assertIn(str(port), line)

    def test_a_master_says_where_it_is_as_clients_read_it(self):
        self.start_master()
        told = self.stream().wait("SUBSCRIBED")["subscribed"]["master_info"]
        # The address in network order, read as a little-endian number.
        self.assertEqual(told["ip"], 16777343)
        self.assertEqual(told["port"], self.http_port)
        self.assertEqual(told["pid"], f"master@127.0.0.1:{self.http_port}")
        self.assertEqual(told["address"], {"hostname": told["hostname"], "ip": "127.0.0.1",
                                           "port": self.http_port})

    def test_a_master_says_its_region_and_zone_wherever_it_says_who_it_is(self):
        self.start_master("--region=north", "--zone=n1")
        domain = {"fault_domain": {"region": {"name": "north"}, "zone": {"name": "n1"}}}
        told = self.stream().wait("SUBSCRIBED")["subscribed"]["master_info"]
        self.assertEqual(told["domain"], domain)
        told = self.call({"type": "GET_MASTER"})["get_master"]["master_info"]
        self.assertEqual(told["domain"], domain)
        state = json.loads(post(self.http_port, "", path="/state", method="GET").text)
        self.assertEqual(state["domain"], domain)

    def test_names_that_a_daemon_is_called_by_are_its_own_addresses_and_those_it_was_given(self):
        flags = ("--hostname=m1.example", "--allowed-hosts=leader.mesos,lb.example",
                 "--allowed-origins=https://dash.example")
        self.start_master(*flags)
        agent = int(self.start_agent("a", *flags).line("ready").rsplit(":", 1)[1])
        for port in (self.http_port, agent):
            for host, origin, status in (
                ("127.0.0.1:5050", None, 200), ("10.0.3.1", None, 200), ("localhost", None, 200),
                ("m1.example:80", None, 200), ("leader.mesos:5050", None, 200),
                ("LEADER.mesos", None, 200), ("lb.example", None, 200),
                ("other.mesos", None, 403), ("leader.mesos.other", None, 403),
                ("x.lb.example", None, 403), ("lb.example", "http://lb.example", 200),
                ("lb.example", "https://lb.example", 200),
                ("lb.example", "https://dash.example", 200),
                ("lb.example", "http://dash.example", 403),
                ("lb.example", "https://leader.mesos", 403), ("lb.example", "null", 403),
            ):
                with self.subTest(host, port=port, origin=origin):
                    headers = {"Host": host, **({"Origin": origin} if origin else {})}
                    answer = post(port, "", headers, "/version", "GET")
                    self.assertEqual(answer.status, status, answer.text)
                    if status == 403:
                        self.assertIn("--allowed-origins" if origin else "--allowed-hosts",
                                      answer.text)

    def test_who_listens_everywhere_tells_the_address_that_leads_there(self):
        everywhere = ("--ip=0.0.0.0", "--advertise-ip=127.0.0.1", "--insecure")
        self.start_master(*everywhere)
        told = self.stream().wait("SUBSCRIBED")["subscribed"]["master_info"]
        self.assertEqual(told["address"], {"hostname": "127.0.0.1", "ip": "127.0.0.1",
                                           "port": self.http_port})
        self.start_agent("a", *everywhere)
        [agent] = self.wait_agents(1)
        self.assertRegex(agent["pid"], r"^slave\(1\)@127\.0\.0\.1:\d+$")
        self.assertEqual(agent["agent_info"]["hostname"], "127.0.0.1")

    def test_what_master_and_agents_say_they_can_do_is_what_they_can(self):
        self.start_master()
        agent_port = int(self.start_agent().line("ready").rsplit(":", 1)[1])
        [agent] = self.wait_agents(1)

        def names(told):
            return [one["type"] for one in told["capabilities"]]

        def read(port, path="/state"):
            return json.loads(post(port, "", path=path, method="GET").text)
        theirs = {"master": mesos_recordings.read("master-get-with-tasks.txt")[0],
                  "agent": mesos_recordings.read("agent-get-with-tasks.txt")[0]}
        theirs = {who: json.loads(one.answer)["capabilities"] for who, one in theirs.items()}
        subscribed = self.stream().wait("SUBSCRIBED")["subscribed"]["master_info"]
        for told in (names(subscribed), read(self.http_port)["capabilities"],
                     names(self.call({"type": "GET_MASTER"})["get_master"]["master_info"])):
            self.assertEqual(told, theirs["master"])
        # There are no resource providers here, and no agent says so.
        self.assertIn("\n| `capabilities` of an agent |", mesos_recordings.PAGE.read_text())
        wanted = [name for name in theirs["agent"] if name != "RESOURCE_PROVIDER"]
        self.assertEqual(len(theirs["agent"]), len(wanted) + 1)
        for told in (names(agent), read(agent_port)["capabilities"],
                     read(self.http_port, "/slaves")["slaves"][0]["capabilities"]):
            self.assertEqual(told, wanted)


if __name__ == "__main__":
    unittest.main()
