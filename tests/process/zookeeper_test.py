"""The servers that other process tests stand on do what their names say."""

import pathlib
import shutil
import tempfile
import unittest

from zookeeper_case import ZookeeperEnsemble


class Ensemble(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="bourse-zk-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def ensemble(self, count):
        ensemble = ZookeeperEnsemble(count, self.dir)
        self.addCleanup(ensemble.stop)
        return ensemble

    def test_one_server_serves_and_is_gone_when_killed(self):
        one = self.ensemble(1).start()
        self.assertEqual(one.mode(0), "standalone")
        self.assertEqual(one.ask(0, "ruok"), "imok")
        self.assertEqual(one.url("/bourse", "ada:pass"), f"zk://ada:pass@{one.address(0)}/bourse")
        one.kill(0)
        self.assertIsNone(one.mode(0))
        one.start()
        self.assertEqual(one.mode(0), "standalone")

    def test_three_servers_lose_their_leader_and_get_another(self):
        three = self.ensemble(3).start()
        leader = three.wait_for_leader()
        modes = sorted(three.mode(index) for index in range(3))
        self.assertEqual(modes, ["follower", "follower", "leader"])
        three.pause(leader)
        self.assertEqual(three.ask(leader, "ruok", timeout_s=0.2), "")
        three.resume(leader)
        three.wait_until_serving()
        leader = three.wait_for_leader()
        three.kill(leader)
        others = [index for index in range(3) if index != leader]
        three.wait_until_serving(others)
        self.assertIn(three.wait_for_leader(), others)


if __name__ == "__main__":
    unittest.main()
