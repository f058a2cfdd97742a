"""Several masters on a real ZooKeeper ensemble: one leads, the others send on; a leader that dies
or stands still is replaced, and nothing that runs notices."""

import http.client
import json
import os
import pathlib
import signal
import unittest

from cluster_case import BIN, ClusterCase, wait_for
from zookeeper_case import ZookeeperEnsemble, available
from zookeeper_form import Refused, ZookeeperClient

STUBBORN = "trap '' TERM; while :; do sleep 0.1; done"


class Master:
    def __init__(self, process, ready):
        self.process = process
        self.http = int(ready["http"].rsplit(":", 1)[1])
        self.link = ready["link"]

    def get(self, path, method="GET", body=None):
        """Status, the Location header and the body; None while it cannot be reached."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=5)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Location"), answer.read().decode()
        except OSError:
            return None
        finally:
            connection.close()

    def leads(self):
        answer = self.get("/metrics/snapshot")
        return answer is not None and json.loads(answer[2]).get("master/elected") == 1


def status_of(stream):
    """Of the answer on a connection; None if that ends without one."""
    try:
        answer = stream.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return None


def waiting_at(port):
    """Connections to a port of this machine on which a request was sent and not read."""
    waiting = 0
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, queues = line.split()[:5]
        if local.endswith(f":{port:04X}") and state == "01":
            waiting += int(queues.split(":")[1], 16) > 0
    return waiting


@unittest.skipUnless(available(), "needs Java and ZooKeeper's jar")
class Failover(ClusterCase):
    def setUp(self):
        super().setUp()
        self.ensemble = ZookeeperEnsemble(3, self.dir).start()
        self.addCleanup(self.ensemble.stop)
        self.url = self.ensemble.url("/bourse")
        self.masters = []

    def start_masters(self, count, *flags):
        for _ in range(count):
            name = f"m{len(self.masters)}"
            process = self.start(name, [
                BIN / "bourse-master", "--port=0", "--agent-port=0", f"--zk={self.url}",
                "--zk-session-timeout=2secs", f"--work-dir={self.dir}/{name}", *flags])
            ready = dict(word.split("=") for word in process.line("ready").split()[1:])
            self.masters.append(Master(process, ready))

    def restart_master(self, name, old, url):
        """Another process at the address of one that died."""
        process = self.start(name, [
            BIN / "bourse-master", f"--port={old.http}",
            f"--agent-port={old.link.rsplit(':', 1)[1]}", f"--zk={url}",
            "--zk-session-timeout=2secs", f"--work-dir={self.dir}/{name}"])
        return Master(process, dict(word.split("=") for word in process.line("ready").split()[1:]))

    def leader(self, among=None):
        found = wait_for("a leader", lambda: [
            m for m in (among or self.masters) if m.process.popen.poll() is None and m.leads()])
        self.assertEqual(len(found), 1)
        self.http_port = found[0].http
        return found[0]

    def links(self):
        return ",".join(m.link for m in self.masters)

    def start_cluster(self, masters=None):
        """Three masters, an agent and a scheduler that know all of them, and a task that runs."""
        self.start_masters(3)
        leader = self.leader()
        masters = masters or self.links()
        self.agent = self.start("agent", [
            BIN / "bourse-agent", f"--master={masters}", "--port=0",
            f"--work-dir={self.dir}/a", f"--run-dir={self.dir}/ar",
            "--resources=cpus:4;mem:2048;disk:1000"])
        self.agent.line("ready")
        self.scheduler = self.start("scheduler", [BIN / "told-scheduler", masters, "-"], True)
        self.scheduler.framework_id = self.scheduler.line("registered").split()[1]
        self.scheduler.say("launch t1 1000 64 echo $$ > pid; exec sleep 1000")
        self.scheduler.line("update t1 TASK_RUNNING")
        return leader

    # -- who leads

    def test_one_leads_and_the_others_send_clients_on(self):
        # What clients are sent to is the host name, which need not be the address.
        self.start_masters(3, "--hostname=localhost")
        leader = self.leader()
        for other in self.masters:
            self.assertEqual(other.get("/health")[0], 200)
            wait_for("it knows who leads", lambda other=other: other.get("/redirect")[:2] ==
                     (307, f"//localhost:{leader.http}"))
            self.assertEqual(other.get("/master/redirect")[:2],
                             (307, f"//localhost:{leader.http}"))
            self.assertEqual(other.get("/redirect/x")[0], 404)
            if other is leader:
                continue
            self.assertEqual(other.get("/api/v1", "POST", '{"type":"GET_AGENTS"}')[:2],
                             (307, f"//localhost:{leader.http}/api/v1"))
            self.assertEqual(other.get("/master/state?x=1")[:2],
                             (307, f"//localhost:{leader.http}/master/state?x=1"))
        # The command line follows, and passes over a master that is not there.
        self.http_port = [m for m in self.masters if m is not leader][0].http
        self.assertIn("agents", self.cli("state"))
        self.cli("state", f"--master=127.0.0.1:1,127.0.0.1:{self.http_port}")

    def test_what_stands_in_the_ensemble_is_what_clients_of_mesos_read(self):
        self.start_masters(2)
        leader = self.leader()
        client = ZookeeperClient(self.ensemble.address(0))
        self.addCleanup(client.close)
        names = wait_for("both stand there", lambda: (
            lambda found: found if len(found) == 2 else None)(client.children("/bourse")))
        for name in names:
            self.assertRegex(name, r"^json\.info_\d{10}$")
        told = [json.loads(client.get(f"/bourse/{name}")) for name in names]
        # Who stands first leads; each is a MasterInfo.
        self.assertEqual([info["port"] for info in told],
                         [leader.http, *(m.http for m in self.masters if m is not leader)])
        for info in told:
            self.assertEqual(info["address"], {"hostname": info["hostname"], "ip": "127.0.0.1",
                                               "port": info["port"]})
            # As Mesos writes it: the bytes of the address, read as a little-endian number.
            self.assertEqual(info["ip"].to_bytes(4, "little"), bytes([127, 0, 0, 1]))
            self.assertTrue(info["pid"].endswith(f"@127.0.0.1:{info['port']}"), info["pid"])
            self.assertTrue(info["version"])
        self.assertEqual(len({info["id"] for info in told}), 2)
        master = self.call({"type": "GET_MASTER"})["get_master"]["master_info"]
        self.assertEqual((told[0]["id"], told[0]["pid"]), (master["id"], master["pid"]))

    def test_masters_with_a_password_are_found_by_clients_without_and_changed_by_nobody_else(self):
        anonymous, self.url = self.url, self.ensemble.url("/bourse", "bourse:secret")
        leader = self.start_cluster(masters=anonymous)
        client = ZookeeperClient(self.ensemble.address(0))
        self.addCleanup(client.close)
        paths = [f"/bourse/{name}" for name in client.children("/bourse")]
        self.assertEqual(sorted(json.loads(client.get(path))["port"] for path in paths),
                         sorted(m.http for m in self.masters))
        # What would make another the leader, or none, is refused; so is all that the masters store.
        refused = [lambda: client.create("/bourse/json.info_0000000000", b"{}"),
                   lambda: client.set("/bourse", b""),
                   lambda: client.children("/bourse.bourse"),
                   lambda: client.get("/bourse.bourse/epoch"),
                   lambda: client.set("/bourse.bourse/epoch", b""),
                   lambda: client.create("/bourse.bourse/mine", b"")]
        for path in paths:
            refused += [lambda path=path: client.set(path, b"{}"),
                        lambda path=path: client.delete(path)]
        for number, attempt in enumerate(refused):
            with self.subTest(number), self.assertRaises(Refused) as said:
                attempt()
            self.assertEqual(said.exception.code, Refused.NO_AUTH)
        for url in (anonymous, self.url):
            self.assertIn("1 active", self.cli("state", f"--master={url}"))
        # The next leader is found as this one was.
        leader.process.kill()
        self.leader([m for m in self.masters if m is not leader])
        self.wait_agents(1)
        self.scheduler.line("registered", skip=1)

    def test_without_an_ensemble_nobody_answers_for_the_cluster(self):
        for index in range(3):
            self.ensemble.kill(index)
        self.start_masters(1)
        status, _, body = self.masters[0].get("/api/v1", "POST", '{"type":"GET_AGENTS"}')
        self.assertEqual(status, 503)
        self.assertIn("no master leads", body)
        self.assertEqual(self.masters[0].get("/redirect")[0], 503)
        for index in range(3):
            self.ensemble.start(index)
        self.leader()

    # -- losing it

    def test_a_leader_killed_is_replaced_and_nothing_that_runs_notices(self):
        leader = self.start_cluster()
        pid = self.pid_of("t1")
        leader.process.kill()
        rest = [m for m in self.masters if m is not leader]
        new = self.leader(rest)
        found = self.wait_agents(1)
        self.assertEqual(len(found), 1)
        self.scheduler.line("registered", skip=1)
        self.assertEqual(self.pid_of("t1"), pid)
        os.kill(pid, 0)
        # It is the same cluster: what is launched now runs beside what ran before.
        self.scheduler.say("launch t2 1000 64 sleep 1000")
        self.scheduler.line("update t2 TASK_RUNNING")
        self.assertFalse([line for line in self.scheduler.lines
                          if line.startswith("update t1 ") and "RUNNING" not in line
                          and "STARTING" not in line])
        self.assertEqual(new.get("/redirect")[1], f"//127.0.0.1:{new.http}")

    def test_while_a_new_leader_recovers_reconciliation_says_nothing_and_never_lost(self):
        leader = self.start_cluster()
        os.kill(self.agent.popen.pid, signal.SIGSTOP)
        leader.process.kill()
        new = self.leader([m for m in self.masters if m is not leader])
        self.scheduler.line("registered", skip=1)
        heard = len(self.scheduler.lines)
        for question in ("reconcile t1", "reconcile", "reconcile nobody"):
            self.scheduler.say(question)
        # Its answer comes after those that do not come; it says what the silence means.
        self.scheduler.say("what-of nothing")
        self.scheduler.line("operation nothing OPERATION_RECOVERING")
        self.assertFalse([line for line in self.scheduler.lines[heard:]
                          if line.startswith("update ")])
        metrics = json.loads(new.get("/metrics/snapshot")[2])
        self.assertEqual(metrics["bourse/master/agents_recovering"], 1)
        recovered = self.call({"type": "GET_AGENTS"})["get_agents"]["recovered_agents"]
        self.assertEqual(len(recovered), 1)

        os.kill(self.agent.popen.pid, signal.SIGCONT)
        self.wait_agents(1)
        for question in ("reconcile t1", "reconcile nobody"):
            self.scheduler.say(question)
        self.scheduler.line("update t1 TASK_RUNNING REASON_RECONCILIATION")
        self.scheduler.line("update nobody TASK_UNKNOWN REASON_RECONCILIATION")
        self.scheduler.say("what-of nothing")
        self.scheduler.line("operation nothing OPERATION_UNKNOWN")
        told = {line.split()[2] for line in self.scheduler.lines if line.startswith("update t1 ")}
        self.assertLessEqual(told, {"TASK_STARTING", "TASK_RUNNING"})
        metrics = json.loads(new.get("/metrics/snapshot")[2])
        self.assertEqual(metrics["bourse/master/agents_recovering"], 0)

    def test_a_framework_torn_down_while_its_agent_was_away_ends_there_under_the_next_leader(self):
        leader = self.start_cluster()
        pid = self.pid_of("t1")
        os.kill(self.agent.popen.pid, signal.SIGSTOP)
        self.cli("teardown", self.scheduler.framework_id)
        leader.process.kill()
        self.leader([m for m in self.masters if m is not leader])
        os.kill(pid, 0)
        os.kill(self.agent.popen.pid, signal.SIGCONT)
        self.wait_agents(1)
        wait_for("its task ends", lambda: not self.processes_of("t1"))
        known = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]
        self.assertEqual([known.get(key, []) for key in ("frameworks", "recovered_frameworks")],
                         [[], []])
        wait_for("nothing is held", lambda: not self.agents()[0].get("allocated_resources"))

    def test_a_drain_goes_on_under_the_next_leader_of_an_ensemble(self):
        leader = self.start_cluster()
        self.scheduler.say(f"launch stubborn 100 32 {STUBBORN}")
        self.scheduler.line("update stubborn TASK_RUNNING")
        agent_id = self.wait_agents(1)[0]["agent_info"]["id"]["value"]
        self.cli("agents", "drain", agent_id, "--max-grace=6")
        self.scheduler.line("update t1 TASK_KILLED")
        leader.process.kill()
        self.leader([m for m in self.masters if m is not leader])
        self.assertIn("AGENT_DRAINING", self.scheduler.line("update stubborn TASK_KILLED"))
        wait_for("drained", lambda: [
            a for a in self.agents() if a.get("drain_info", {}).get("state") == "DRAINED"])
        self.scheduler.say("launch t2 100 32 exec sleep 1000")
        self.cli("agents", "reactivate", agent_id)
        self.scheduler.line("update t2 TASK_RUNNING")
        self.assertFalse([line for line in self.scheduler.lines if "LOST" in line])

    def test_an_empty_ensemble_of_another_cluster_takes_nobody_and_costs_nothing(self):
        self.start_cluster()
        pid = self.pid_of("t1")
        agent_id = self.wait_agents(1)[0]["agent_info"]["id"]["value"]
        for master in self.masters:
            master.process.kill()
        # Somebody mistypes: a master comes up at the old address, with an ensemble of nobody.
        place = self.dir / "elsewhere"
        place.mkdir()
        other = ZookeeperEnsemble(1, place).start()
        self.addCleanup(other.stop)
        right, first = self.url, self.masters[0]
        wrong = self.restart_master("wrong", first, other.url("/bourse"))
        wait_for("the agent says so", lambda: [
            line for line in self.agent.errors if "is another cluster's" in line
            and "it runs 1 tasks of its own cluster: give it a master of that" in line])
        self.assertIsNone(self.agent.popen.poll())
        self.http_port = wrong.http
        self.assertEqual(self.agents(), [])
        wrong.process.kill()
        # And is put right.
        self.masters = [self.restart_master("right", first, right)]
        self.leader()
        self.assertEqual(self.wait_agents(1)[0]["agent_info"]["id"]["value"], agent_id)
        self.assertEqual(self.pid_of("t1"), pid)
        os.kill(pid, 0)

    def test_agents_frameworks_and_tools_find_the_leader_through_the_ensemble(self):
        leader = self.start_cluster(masters=self.url)
        leader.process.kill()
        self.leader([m for m in self.masters if m is not leader])
        self.wait_agents(1)
        self.scheduler.line("registered", skip=1)
        self.assertIn("1 active", self.cli("state", f"--master={self.url}"))

    def test_a_leader_that_stood_still_orders_nothing_when_it_wakes(self):
        leader = self.start_cluster()
        self.pid_of("t1")
        paths = ("/roles", "/master/quota", "/redirect", "/maintenance/status") * 8
        streams = [http.client.HTTPConnection("127.0.0.1", leader.http, timeout=10) for _ in paths]
        for stream in streams:
            self.addCleanup(stream.close)
            stream.request("GET", "/health")
            self.assertEqual(status_of(stream), 200)
        os.kill(leader.process.popen.pid, signal.SIGSTOP)
        rest = [m for m in self.masters if m is not leader]
        self.leader(rest)
        self.wait_agents(1)
        # Its connection stands: only the silence of three heartbeats tells that nobody is there.
        self.scheduler.line("registered", deadline_s=40, skip=1)
        # Questions wait in its sockets: what it would say is as old as its sleep.
        for stream, path in zip(streams, paths):
            stream.request("GET", path)
        wait_for("the questions are there", lambda: waiting_at(leader.http) >= len(paths))
        os.kill(leader.process.popen.pid, signal.SIGCONT)
        for stream, path in zip(streams, paths):
            self.assertIn(status_of(stream), (None, 503), path)
        self.assertNotEqual(leader.process.popen.wait(30), 0)
        self.assertEqual(self.leader(rest).process.popen.poll(), None)
        self.scheduler.say("launch t2 1000 64 sleep 1000")
        self.scheduler.line("update t2 TASK_RUNNING")
        self.assertTrue(any("lead" in line for line in leader.process.errors[-5:]),
                        leader.process.errors[-5:])

    def test_an_ensemble_that_is_gone_costs_the_leadership_and_no_task(self):
        leader = self.start_cluster()
        pid = self.pid_of("t1")
        for index in range(3):
            self.ensemble.kill(index)
        # The leader's lease ends before anybody else could lead.
        self.assertNotEqual(leader.process.popen.wait(30), 0)
        os.kill(pid, 0)
        for index in range(3):
            self.ensemble.start(index)
        self.leader([m for m in self.masters if m is not leader])
        self.wait_agents(1)
        self.assertEqual(self.pid_of("t1"), pid)

    def test_every_master_may_die_and_the_registry_remembers(self):
        self.start_cluster()
        pid = self.pid_of("t1")
        agent_id = self.wait_agents(1)[0]["agent_info"]["id"]["value"]
        for master in self.masters:
            master.process.kill()
        self.masters = [self.restart_master(f"again{index}", master, self.url)
                        for index, master in enumerate(self.masters)]
        self.leader()
        self.assertEqual(self.wait_agents(1)[0]["agent_info"]["id"]["value"], agent_id)
        self.assertEqual(self.pid_of("t1"), pid)


if __name__ == "__main__":
    unittest.main()
