"""Service schedulers with their store in a real ZooKeeper: one is elected, the others take over."""

import http.client
import json
import signal
import unittest

from cluster_case import wait_for
from service_case import SLEEPER, ServiceCase
from zookeeper_case import ZookeeperEnsemble, available


@unittest.skipUnless(available(), "needs Java and ZooKeeper's jar")
class ServiceInZookeeper(ServiceCase):
    def setUp(self):
        super().setUp()
        self.ensemble = ZookeeperEnsemble(1, self.dir).start()
        self.addCleanup(self.ensemble.stop)

    def start_cluster(self, agents=2, *flags):
        super().start_cluster(agents)
        self.store = self.ensemble.url("/services")

    def start_service(self, *flags, name="service"):
        return super().start_service("--zk-session-timeout=2secs", *flags, name=name)

    def start_elected_master(self):
        """A master in this ensemble, and an agent of it."""
        master = self.start_master(f"--zk={self.ensemble.url('/bourse')}",
                                   "--zk-session-timeout=2secs")
        wait_for("it leads", lambda: self.elected())
        self.start_agent("a")
        self.wait_agents(1)
        return master

    def elected(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=5)
        connection.request("GET", "/metrics/snapshot")
        found = json.loads(connection.getresponse().read())
        connection.close()
        return found.get("master/elected") == 1

    def test_of_two_one_is_elected_and_the_other_takes_over(self):
        self.start_cluster()
        schedulers = [self.start_service(name=f"s{i}") for i in range(2)]
        leader = wait_for("a leader", lambda: next((s for s in schedulers if s.leads()), None))
        other = schedulers[1 - schedulers.index(leader)]
        self.put(leader, "web", {**SLEEPER, "instances": 12, "cpus": 0.05})
        self.wait_done(leader, "web", 12)
        self.post(leader, "/v1/apps/web/scale", {"instances": 3})
        self.wait_done(leader, "web", 3)
        before = self.pids(leader, "web")
        wait_for("it knows who leads", lambda: other.health().get("leader") ==
                 f"127.0.0.1:{leader.port}")
        self.assertEqual(other.ask("GET", "/v1/apps")[::2],
                         (307, f"//127.0.0.1:{leader.port}/v1/apps"))
        framework = leader.health()["framework_id"]
        leader.process.kill()
        wait_for("the other leads", other.leads)
        self.wait_done(other, "web", 3)
        self.assertEqual(self.pids(other, "web"), before)
        # It is the same framework that came back, and no second one beside it.
        self.assertEqual(other.health()["framework_id"], framework)
        known = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]
        self.assertEqual([f["framework_info"]["id"]["value"] for f in known["frameworks"]],
                         [framework])
        self.assertFalse(known.get("completed_frameworks"))
        versions = json.loads(other.ask("GET", "/v1/apps/web/versions")[1])["versions"]
        self.assertEqual([v["version"] for v in versions], [2, 1])
        # Numbers are not given twice, although none of the later ones was left.
        self.post(other, "/v1/apps/web/scale", {"instances": 4})
        self.wait_done(other, "web", 4)
        self.assertEqual(max(t["number"] for t in self.tasks(other, "web")), 13)
        other.ask("DELETE", "/v1/apps/web")
        wait_for("it is gone", lambda: other.ask("GET", "/v1/apps/web")[0] == 404)

    def test_a_leader_that_stood_still_ends_and_its_tasks_run_on(self):
        self.start_cluster(1)
        first = self.start_leading()
        self.put(first, "web", {**SLEEPER, "instances": 2})
        self.wait_done(first, "web", 2)
        before = self.pids(first, "web")
        second = self.start_service(name="second")
        wait_for("it stands by", lambda: second.health().get("leader"))
        first.process.popen.send_signal(signal.SIGSTOP)
        wait_for("the second leads", second.leads)
        first.process.popen.send_signal(signal.SIGCONT)
        wait_for("the first ends", lambda: first.process.popen.poll() is not None)
        self.assertEqual(first.process.popen.returncode, 1)
        self.wait_done(second, "web", 2)
        self.assertEqual(self.pids(second, "web"), before)

    def test_masters_are_found_through_the_ensemble_too(self):
        self.store = self.ensemble.url("/services")
        self.masters = self.ensemble.url("/bourse")
        self.start_elected_master()
        service = self.start_leading()
        self.put(service, "web", SLEEPER)
        self.wait_done(service, "web", 1)

    def test_a_path_of_somebody_else_is_left_alone(self):
        self.start_elected_master().end()
        self.store = self.ensemble.url("/bourse")
        service = self.start_service()
        wait_for("it says whose it is", lambda: any(
            "somebody else's" in line for line in service.process.errors))
        self.assertEqual(service.ask("GET", "/v1/apps")[0], 503)
        self.assertEqual(service.health(), {"state": "standby"})


if __name__ == "__main__":
    unittest.main()
