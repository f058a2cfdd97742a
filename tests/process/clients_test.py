"""Frameworks on libraries that were written for Mesos and know nothing of Bourse, as their authors
published them: npm's mesos-framework and Debian's mesos-go. Each lives a whole life against real
daemons: subscribes, launches, acknowledges, reconciles, fails over to another connection, kills and
tears down, and finds the leader by asking another master."""

import fcntl
import os
import pathlib
import shutil
import subprocess
import unittest

from cluster_case import BIN, ClusterCase, wait_for
from failover_test import Master
from zookeeper_case import ZookeeperEnsemble, available

PROGRAMS = pathlib.Path(os.environ["BOURSE_SOURCE"]) / "tests/clients"
WORK = pathlib.Path(os.environ["BOURSE_BUILD"]) / "clients"
GO_PATH = "/usr/share/gocode"  # where Debian's Go libraries are
DEADLINE_S = 120


def run(words, directory, **environment):
    done = subprocess.run([str(w) for w in words], cwd=directory, capture_output=True, text=True,
                          timeout=280, env={**os.environ, **environment})
    if done.returncode != 0:
        raise AssertionError(f"{words[0]} ended with {done.returncode}: {done.stderr[-3000:]}")


def build_go():
    """Offline: every library is a package of the system. Go knows itself what has changed."""
    program = WORK / "go/life"
    run(["go", "build", "-o", program, "main.go"], PROGRAMS / "go", GO111MODULE="off",
        GOFLAGS="", GOPATH=GO_PATH, GOCACHE=str(WORK / "go/cache"))
    return program


def install_node():
    """What package-lock.json names, once."""
    directory = WORK / "node"
    lock = PROGRAMS / "node/package-lock.json"
    for name in ("package.json", "package-lock.json", ".npmrc", "life.js"):
        shutil.copy(PROGRAMS / "node" / name, directory)
    done = directory / "installed"
    if not done.exists() or done.read_bytes() != lock.read_bytes():
        run(["npm", "ci", "--ignore-scripts", "--prefer-offline", "--loglevel=error"], directory)
        done.write_bytes(lock.read_bytes())
    return directory / "life.js"


class Clients(ClusterCase):
    @classmethod
    def setUpClass(cls):
        for name in ("go", "node"):
            (WORK / name).mkdir(parents=True, exist_ok=True)
        with open(WORK / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            cls.go, cls.node = build_go(), install_node()

    def lives(self, name, argv, tasks):
        """The lines of a whole life, in the order that must be; between them others may be."""
        client = self.start(name, argv)
        wait_for(f"the end of {name}; it said {client.lines} {client.errors}",
                 lambda: client.popen.poll() is not None, DEADLINE_S)
        self.assertEqual(client.end(), 0, client.lines + client.errors)
        long, quick = tasks
        framework = client.line("subscribed")
        at = 0
        for wanted in (framework, f"{long} TASK_RUNNING", f"{long} TASK_RUNNING told",
                       framework, f"{long} TASK_RUNNING told", f"{long} TASK_KILLED", "torn down"):
            self.assertIn(wanted, client.lines[at:], f"after line {at} of {client.lines}")
            at = client.lines.index(wanted, at) + 1
        for wanted in (f"{quick} TASK_FINISHED", "failed over"):
            self.assertIn(wanted, client.lines)
        known = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]
        self.assertEqual(known.get("frameworks", []), [])
        ended = {f["framework_info"]["id"]["value"] for f in known["completed_frameworks"]}
        self.assertIn(framework.split()[1], ended)

    def lives_on_go(self, codec, port, *login):
        self.lives(f"go {codec}", [self.go, f"http://127.0.0.1:{port}", codec, *login],
                   ("long", "quick"))

    def lives_on_node(self, port):
        self.lives("node", ["node", self.node, "127.0.0.1", port, self.dir],
                   ("long-1", "quick-1"))

    def start_cluster(self, *flags):
        self.start_master(*flags)
        self.start_agent("a", "--resources=cpus:4;mem:2048;disk:1000;ports:[31000-32000]")
        self.wait_agents(1)

    def test_a_framework_on_mesos_go_lives_a_whole_life_in_json(self):
        self.start_cluster()
        self.lives_on_go("json", self.http_port)

    def test_a_framework_on_mesos_go_lives_a_whole_life_in_protobuf(self):
        self.start_cluster()
        self.lives_on_go("protobuf", self.http_port)

    def test_a_framework_on_mesos_go_proves_who_it_is(self):
        credentials = self.dir / "credentials"
        credentials.touch(0o600)
        credentials.write_text('{"credentials":[{"principal":"go","secret":"an elk"}]}')
        self.start_cluster("--authenticate-http-frameworks", f"--credentials={credentials}")
        self.lives_on_go("json", self.http_port, "go", "an elk")
        known = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]["completed_frameworks"]
        self.assertEqual([f["framework_info"]["principal"] for f in known], ["go"])

    def test_a_framework_on_npm_mesos_framework_lives_a_whole_life(self):
        self.start_cluster()
        self.lives_on_node(self.http_port)

    @unittest.skipUnless(available(), "needs Java and ZooKeeper's jar")
    def test_both_find_the_leader_by_asking_a_master_that_does_not_lead(self):
        ensemble = ZookeeperEnsemble(1, self.dir).start()
        self.addCleanup(ensemble.stop)
        masters = []
        for name in ("m0", "m1"):
            process = self.start(name, [
                BIN / "bourse-master", "--port=0", "--agent-port=0", "--zk-session-timeout=10secs",
                f"--zk={ensemble.url('/bourse')}", f"--work-dir={self.dir}/{name}"])
            ready = dict(word.split("=") for word in process.line("ready").split()[1:])
            masters.append(Master(process, ready))
        leader = wait_for("a leader", lambda: [m for m in masters if m.leads()])[0]
        other = next(m for m in masters if m is not leader)
        self.http_port, self.link_port = leader.http, int(leader.link.rsplit(":", 1)[1])
        self.start_agent("a", "--resources=cpus:4;mem:2048;disk:1000;ports:[31000-32000]")
        wait_for("a way to the leader",
                 lambda: other.get("/api/v1/scheduler", "POST", "{}")[0] == 307)
        # Below /master and with a query, relative to the protocol, as clients take it apart.
        for path in ("/api/v1/scheduler", "/master/api/v1/scheduler?x=1"):
            self.assertEqual(other.get(path, "POST", "{}")[:2],
                             (307, f"//127.0.0.1:{leader.http}{path}"))
        for path in ("/redirect", "/master/redirect"):
            self.assertEqual(other.get(path)[:2], (307, f"//127.0.0.1:{leader.http}"))
        self.lives_on_go("json", other.http)
        self.lives_on_node(other.http)


if __name__ == "__main__":
    unittest.main()
