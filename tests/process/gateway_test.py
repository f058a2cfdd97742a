"""Agents behind a gateway: a task runs through it, and neither its death nor that of the leader
behind it harms what runs."""

import json
import os
import signal
import unittest
import urllib.error
import urllib.request

import failover_test
from authentication_test import login
from cluster_case import BIN, ClusterCase, wait_for
from zmtp import Peer
from zookeeper_case import ZookeeperEnsemble, available


class GatewayCase(ClusterCase):
    def start_gateway(self, masters, port=0, name="gateway", flags=()):
        gateway = self.start(name, [
            BIN / "bourse-gateway", f"--master={masters}", f"--port={port}", "--http-port=0",
            *flags])
        http, link = gateway.line("ready http=").split()[1:]
        gateway.http, gateway.port = http.removeprefix("http="), int(link.rsplit(":", 1)[1])
        return gateway

    def ask(self, gateway, path, headers=None):
        request = urllib.request.Request(f"http://{gateway.http}/{path}", headers=headers or {})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()

    def told(self, gateway, path="metrics/snapshot"):
        """What a gateway says of itself, short names of metrics."""
        return {name.removeprefix("bourse/gateway/"): value
                for name, value in json.loads(self.ask(gateway, path)).items()}

    def start_agent_at(self, name, masters, resources="cpus:1;mem:512;disk:1000"):
        agent = self.start(f"agent {name}", [
            BIN / "bourse-agent", f"--master={masters}", "--port=0",
            f"--work-dir={self.dir}/{name}", f"--run-dir={self.dir}/{name}r",
            f"--hostname={name}", f"--resources={resources}"])
        agent.line("ready")
        return agent

    def launch(self, task):
        self.scheduler.say(f"launch {task} 1000 64 echo $$ > pid; exec sleep 1000")
        self.scheduler.line(f"update {task} TASK_RUNNING")

    def metric(self, name):
        """Sampled once a second: wait for it, or do not wonder."""
        url = f"http://127.0.0.1:{self.http_port}/metrics/snapshot"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)[name]

    def wait_carried(self, count):
        """Active agents, all of them behind gateways."""
        self.wait_agents(count)
        wait_for(f"{count} peers behind gateways",
                 lambda: self.metric("bourse/link/peers_behind_gateways") == count)

    def assert_untouched(self, tasks):
        for task, pid in tasks.items():
            self.assertEqual(self.pid_of(task), pid)
            os.kill(pid, 0)
        self.assertFalse([line for line in self.scheduler.lines if line.startswith("update ")
                          and "RUNNING" not in line and "STARTING" not in line])


class OneMaster(GatewayCase):
    def setUp(self):
        super().setUp()
        # Who stands still is closed for what he leaves unread, before anybody misses his word.
        self.start_master("--agent-silence=100secs")
        self.link = f"127.0.0.1:{self.link_port}"

    def start_scheduler_here(self):
        self.scheduler = self.start("scheduler", [BIN / "told-scheduler", self.link, "-"], True)
        self.scheduler.line("registered")

    def test_agents_behind_a_gateway_run_tasks_and_survive_its_death(self):
        gateway = self.start_gateway(self.link)
        for name in ("a", "b", "c"):
            self.start_agent_at(name, f"127.0.0.1:{gateway.port}")
        self.wait_carried(3)
        self.assertEqual(self.metric("bourse/link/gateways"), 1)
        self.start_scheduler_here()
        for task in ("t1", "t2", "t3"):
            self.launch(task)
        tasks = {task: self.pid_of(task) for task in ("t1", "t2", "t3")}
        gateway.kill()
        wait_for("the master noticed",
                 lambda: self.metric("bourse/link/peers_behind_gateways") == 0)
        again = self.start_gateway(self.link, gateway.port, "gateway again")
        self.wait_carried(3)
        self.assert_untouched(tasks)
        self.scheduler.say("kill t1 0")
        self.scheduler.line("update t1 TASK_KILLED")
        self.assertIsNone(again.popen.poll())

    def test_a_gateway_says_over_http_whom_it_holds_and_what_it_carried(self):
        gateway = self.start_gateway(self.link)
        self.start_agent_at("a", f"127.0.0.1:{gateway.port}")
        self.wait_carried(1)
        self.start_scheduler_here()
        self.launch("t1")
        first = self.told(gateway)
        self.assertEqual(
            [first[name] for name in ("connected", "agents", "agents_carried", "masters_joined")],
            [1, 1, 1, 1], first)
        self.assertEqual((first["agents_limit"], first["master_queue_bytes_limit"]),
                         (20000, 64 << 20))
        for way in ("from_agents", "to_agents"):
            self.assertGreater(first[f"messages_{way}"], 1, first)
            self.assertGreater(first[f"bytes_{way}"], first[f"messages_{way}"], first)
        self.scheduler.say("kill t1 0")
        self.scheduler.line("update t1 TASK_KILLED")
        later = self.told(gateway)
        for name in ("messages_from_agents", "messages_to_agents"):
            self.assertGreater(later[name], first[name])
        for path in ("metrics", "metrics/prometheus"):
            self.assertIn("\nbourse_gateway_agents_carried 1", self.ask(gateway, path))
        self.assertEqual(self.told(gateway, "health"), {
            "state": "joined", "master": self.link, "agents": 1, "agents_carried": 1})
        self.assertIn("version", self.told(gateway, "version"))
        with Peer.connect(gateway.port) as stranger:
            stranger.send(b"bourse-framework/1")
            wait_for("it is counted", lambda: self.told(gateway)["refused/strangers"] == 1)

    def test_a_gateway_whose_leader_dies_lives_and_says_that_it_carries_nobody(self):
        gateway = self.start_gateway(self.link)
        self.start_agent_at("a", f"127.0.0.1:{gateway.port}")
        self.wait_carried(1)
        master = self.processes[0]
        master.kill()
        wait_for("it noticed", lambda: self.told(gateway)["connected"] == 0)
        alone = self.told(gateway)
        self.assertEqual((alone["agents"], alone["agents_carried"], alone["masters_lost"]),
                         (1, 0, 1))
        # A supervisor that restarts what is not well would take the agents' connections with it.
        health = self.told(gateway, "health")
        self.assertIn(health.pop("state"), ("searching", "asking"))
        self.assertEqual(health, {"agents": 1, "agents_carried": 0})
        self.start_master("--agent-silence=100secs")
        wait_for("the agent is carried again", lambda: self.told(gateway)["agents_carried"] == 1)
        again = self.told(gateway)
        self.assertEqual((again["connected"], again["masters_joined"]), (1, 2))

    def test_a_gateway_asks_who_reads_its_metrics_where_it_shall(self):
        accounts = self.dir / "credentials"
        accounts.write_text('{"credentials": [{"principal": "ops", "secret": "s"}]}')
        accounts.chmod(0o600)
        gateway = self.start_gateway(self.link, flags=(
            "--authenticate-http-readonly", f"--credentials={accounts}"))
        for path in ("metrics", "metrics/snapshot"):
            for headers in ({}, login("ops", "wrong")):
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    self.ask(gateway, path, headers)
                self.assertEqual(refused.exception.code, 401)
                self.assertIn("bourse-gateway-readonly",
                              refused.exception.headers["WWW-Authenticate"])
            self.assertTrue(self.ask(gateway, path, login("ops", "s")))
        self.assertTrue(self.ask(gateway, "health"))

    def test_agents_of_a_dead_gateway_go_to_another_one_or_to_the_master_itself(self):
        gateway = self.start_gateway(self.link)
        other = self.start_gateway(self.link, name="other gateway")
        self.start_agent_at("a", f"127.0.0.1:{gateway.port},127.0.0.1:{other.port}")
        self.start_agent_at("b", f"127.0.0.1:{gateway.port},{self.link}")
        self.wait_agents(2)
        gateway.kill()
        wait_for("the other gateway carries one",
                 lambda: self.metric("bourse/link/peers_behind_gateways") == 1)
        self.wait_agents(2)

    def test_who_is_no_agent_is_turned_away_and_others_do_not_notice(self):
        gateway = self.start_gateway(self.link)
        self.start_agent_at("a", f"127.0.0.1:{gateway.port}")
        with Peer.connect(gateway.port) as stranger:
            stranger.send(b"bourse-framework/1")
            stranger.wait_closed()
        with Peer.connect(gateway.port) as liar:
            liar.send(b"bourse-agent/1")
            liar.send(b"\xff\xff\xff")
            liar.wait_closed()  # the master would not hear more of it
        self.wait_carried(1)

    def test_an_agent_that_stands_still_costs_its_own_budget_and_the_others_work_on(self):
        gateway = self.start_gateway(self.link)
        address = f"127.0.0.1:{gateway.port}"
        still = self.start_agent_at("still", address, "cpus:0.1;mem:64;disk:100")
        for name in ("b", "c"):
            self.start_agent_at(name, address)
        self.wait_carried(3)
        ids = {one["agent_info"]["hostname"]: one["agent_info"]["id"]["value"]
               for one in self.agents()}
        self.start_scheduler_here()
        still.popen.send_signal(signal.SIGSTOP)
        self.addCleanup(still.popen.send_signal, signal.SIGCONT)
        sent = 0

        def closed():
            """Sends it more and more; while it does not read, tasks, which it has no room for,
            begin and end on the others."""
            nonlocal sent
            if any("does not read" in line for line in gateway.errors):
                return True
            for _ in range(4):
                self.scheduler.say(f"send {ids['still']} nobody 1000")
            sent += 1
            self.scheduler.say(f"launch t{sent} 500 32 true")
            self.scheduler.line(f"update t{sent} TASK_FINISHED", 10)
            return False

        wait_for("the gateway closes the one that does not read", closed, 120)
        self.assertGreater(sent, 1)
        self.assertFalse([line for line in gateway.errors if "does not read" in line][1:])
        still.popen.send_signal(signal.SIGCONT)
        self.wait_carried(3)
        self.assertEqual({one["agent_info"]["id"]["value"] for one in self.agents()},
                         set(ids.values()))

    def test_a_gateway_that_breaks_the_protocol_is_disconnected_with_its_agents_only(self):
        gateway = self.start_gateway(self.link)
        self.start_agent_at("a", f"127.0.0.1:{gateway.port}")
        self.wait_carried(1)
        with Peer.connect(self.link_port) as liar:
            liar.send(b"bourse-gateway/1")
            self.assertEqual(liar.receive(), b"\x05\x00\x00")  # welcome
            liar.send(b"\x01\x01\x0ebourse-agent/1" + b"\x09")
            liar.wait_closed()
        self.wait_carried(1)
        wait_for("one gateway", lambda: self.metric("bourse/link/gateways") == 1)


@unittest.skipUnless(available(), "needs Java and ZooKeeper's jar")
class ManyMasters(GatewayCase):
    start_masters = failover_test.Failover.start_masters
    leader = failover_test.Failover.leader
    links = failover_test.Failover.links

    def setUp(self):
        super().setUp()
        self.ensemble = ZookeeperEnsemble(3, self.dir).start()
        self.addCleanup(self.ensemble.stop)
        self.url = self.ensemble.url("/bourse")
        self.masters = []

    def test_the_leader_behind_a_gateway_dies_and_its_agents_stay_with_the_gateway(self):
        self.start_masters(3)
        leader = self.leader()
        by_list = self.start_gateway(self.links())
        by_ensemble = self.start_gateway(self.url, name="gateway by ensemble")
        self.start_agent_at("a", f"127.0.0.1:{by_list.port}")
        self.start_agent_at("b", f"127.0.0.1:{by_ensemble.port}")
        self.wait_carried(2)
        self.scheduler = self.start("scheduler", [BIN / "told-scheduler", self.links(), "-"], True)
        self.scheduler.line("registered")
        self.launch("t1")
        self.launch("t2")
        tasks = {task: self.pid_of(task) for task in ("t1", "t2")}
        leader.process.kill()
        self.leader([m for m in self.masters if m is not leader])
        self.wait_carried(2)
        self.scheduler.line("registered", skip=1)
        self.assert_untouched(tasks)
        self.scheduler.say("kill t2 0")
        self.scheduler.line("update t2 TASK_KILLED")
        self.assertFalse([line for agent in self.processes for line in agent.errors
                          if "agent.refused" in line])


if __name__ == "__main__":
    unittest.main()
