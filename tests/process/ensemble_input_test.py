"""What masters do about an ensemble, a path or a registry that is not what it should be: each says
a sentence and nothing is changed. Who cannot lead stays and looks again later: there is no loop of
processes that end and begin."""

import http.client
import json
import random
import shutil
import subprocess
import unittest

from cluster_case import BIN, ClusterCase, damage, wait_for
from zookeeper_case import CLASS_PATH, ZookeeperEnsemble, available
from zookeeper_form import ZookeeperClient, sealed_shard, shard_of

SOMEBODY_MUST_LOOK = 78


class MasterInput(ClusterCase):
    def master(self, *flags, name="m"):
        return self.start(name, [BIN / "bourse-master", "--port=0", "--agent-port=0",
                                 f"--work-dir={self.dir}/{name}", *flags])

    def refused(self, *flags):
        done = subprocess.run([str(BIN / "bourse-master"), "--port=0", "--agent-port=0",
                               f"--work-dir={self.dir}/refused", *flags],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        return done.stderr

    def says(self, master, *words):
        wait_for(f"{master.name} to say {words}; it said {master.errors[-8:]}", lambda: any(
            all(word in line for word in words) for line in list(master.errors)))

    def http(self, master):
        ready = dict(word.split("=") for word in master.line("ready").split()[1:])
        return int(ready["http"].rsplit(":", 1)[1])

    def get(self, master, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.http(master), timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def leads(self, master):
        return json.loads(self.get(master, "/metrics/snapshot")[1]).get("master/elected") == 1


class Addresses(MasterInput):
    def test_an_address_that_is_no_path_of_an_ensemble_is_refused_in_a_sentence(self):
        for url, words in (("zk://127.0.0.1:1/", "ends with a path of its own"),
                           ("zk://127.0.0.1:1", "ends with a path of its own"),
                           ("zk://127.0.0.1:1/a//b", "an empty component"),
                           ("zk:///bourse", "at least one server"),
                           ("zk://127.0.0.1:none/bourse", "'none' is not a number"),
                           ("127.0.0.1:2181/bourse", "begins with zk://")):
            said = self.refused(f"--zk={url}")
            self.assertIn("--zk: ", said)
            self.assertIn(words, said)

    def test_an_ensemble_that_is_not_there_is_waited_for_and_said(self):
        master = self.master("--zk=zk://127.0.0.1:1,127.0.0.1:2/bourse",
                             "--zk-session-timeout=2secs")
        self.says(master, "no ZooKeeper server answers", "servers=127.0.0.1:1,127.0.0.1:2")
        self.assertEqual(self.get(master, "/state")[0], 503)
        self.assertIsNone(master.popen.poll())
        self.assertLess(len(master.errors), 30, master.errors)


@unittest.skipUnless(available(), "needs Java and ZooKeeper's jar")
class Ensembles(MasterInput):
    def setUp(self):
        super().setUp()
        self.ensemble = ZookeeperEnsemble(1, self.dir).start()
        self.addCleanup(self.ensemble.stop)

    def standing(self, path="/bourse", auth=None, name="m"):
        return self.master(f"--zk={self.ensemble.url(path, auth)}", "--zk-session-timeout=2secs",
                           name=name)

    def leading(self, *words, **named):
        master = self.standing(*words, **named)
        wait_for("it leads", lambda: self.leads(master))
        return master

    def foreign(self, *words):
        """Somebody else's client."""
        done = subprocess.run(
            ["java", "-cp", CLASS_PATH + ":/usr/share/java/commons-cli.jar",
             "org.apache.zookeeper.ZooKeeperMain", "-server", self.ensemble.address(0), *words],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def stays_and_does_not_lead(self, master):
        self.assertIsNone(master.popen.poll())
        self.assertFalse(self.leads(master))
        self.assertIn(self.get(master, "/state")[0], (307, 503))  # never an answer of its own
        self.assertLess(len(master.errors), 30, master.errors)

    def check(self, path="/bourse"):
        done = subprocess.run(
            [str(BIN / "bourse"), "registry", "check", self.ensemble.url(path)],
            capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_a_master_with_other_credentials_says_so_and_waits(self):
        first = self.leading(auth="ada:secret")
        other = self.standing(auth="ada:wrong", name="other")
        self.says(other, "the access list of this node does not admit us",
                  "use the credentials that made it")
        self.stays_and_does_not_lead(other)
        self.assertNotIn("secret", "".join(first.errors + other.errors))
        first.end()
        self.stays_and_does_not_lead(other)
        other.end()
        self.leading(auth="ada:secret", name="again")

    def test_a_master_pointed_at_another_program_s_path_leaves_it_alone(self):
        self.foreign("create", "/queue.bourse", "")
        self.foreign("create", "/queue.bourse/registry", "theirs")
        master = self.standing("/queue")
        self.says(master, "coordination.cannot_lead", "/queue.bourse/registry")
        self.stays_and_does_not_lead(master)
        self.assertIn("theirs", self.foreign("get", "/queue.bourse/registry"))
        status, said = self.check("/queue")
        self.assertEqual(status, 1)
        self.assertIn("/queue.bourse/registry", said)

    def test_a_foreign_writer_ends_a_leadership_in_a_sentence_and_nobody_leads_until_it_is_mended(
            self):
        leader = self.leading()
        export = self.dir / "export.json"
        subprocess.run([str(BIN / "bourse"), "registry", "export", self.ensemble.url("/bourse"),
                        f"--output={export}"], check=True, timeout=60, capture_output=True)
        standby = self.standing(name="standby")
        self.foreign("set", "/bourse.bourse/epoch", "mine")
        # It is noticed with the next write, which changes nothing.
        agent = self.start("agent", [
            BIN / "bourse-agent", f"--master={self.ensemble.url('/bourse')}", "--port=0",
            f"--work-dir={self.dir}/a", f"--run-dir={self.dir}/ar",
            "--resources=cpus:4;mem:2048;disk:1000"])
        self.assertNotEqual(leader.popen.wait(30), 0)
        self.says(leader, "epoch 1 is over: /bourse.bourse/epoch was changed by somebody who does "
                          "not lead")
        self.says(standby, "coordination.cannot_lead", "/bourse.bourse/epoch")
        self.stays_and_does_not_lead(standby)
        self.assertIsNone(agent.popen.poll())
        self.assertIn("mine", self.foreign("get", "/bourse.bourse/epoch"))
        standby.end()
        done = subprocess.run([str(BIN / "bourse"), "registry", "import", str(export),
                               self.ensemble.url("/bourse"), "--replace"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.http_port = self.http(self.leading(name="mended"))
        self.wait_agents(1)

    def test_an_agent_that_looks_where_no_master_stands_says_so_and_finds_one_that_comes(self):
        agent = self.start("agent", [
            BIN / "bourse-agent", f"--master={self.ensemble.url('/wrong')}", "--port=0",
            f"--work-dir={self.dir}/a", f"--run-dir={self.dir}/ar"])
        agent.line("ready")
        self.says(agent, "no master leads", "path=/wrong", "check the path behind zk://")
        self.assertLess(len(agent.errors), 30, agent.errors)
        self.http_port = self.http(self.leading("/wrong"))
        self.wait_agents(1)

    def test_strange_nodes_keep_a_candidate_from_leading_and_are_named(self):
        self.leading().end()
        self.foreign("create", "/bourse.bourse/shards/notes", "mine")
        master = self.standing(name="next")
        self.says(master, "coordination.cannot_lead", "/bourse.bourse/shards/notes",
                  "somebody else writes here")
        self.stays_and_does_not_lead(master)
        self.assertIn("mine", self.foreign("get", "/bourse.bourse/shards/notes"))
        master.end()
        self.foreign("delete", "/bourse.bourse/shards/notes")
        self.leading(name="mended")

    def test_an_entry_that_this_build_does_not_know_keeps_it_from_leading_and_is_named(self):
        self.leading().end()
        path = f"/bourse.bourse/shards/{shard_of('zebra', 512):04}"
        client = ZookeeperClient(self.ensemble.address(0))
        self.addCleanup(client.close)
        client.create(path, sealed_shard(1, {"zebra": "stripes"}))
        masters = [self.standing(name=name) for name in ("next", "after")]
        for master in masters:
            self.says(master, "coordination.cannot_lead", "the registry at /bourse cannot be read",
                      "'zebra': this build does not know")
        for master in masters:
            self.stays_and_does_not_lead(master)
            master.end()
        client.delete(path)
        self.leading(name="mended")


class RegistryFile(MasterInput):
    def test_a_damaged_registry_is_refused_naming_the_file_and_whole_again_it_is_led(self):
        master = self.start_master()
        self.start_agent()
        agent_id = self.wait_agents(1)[0]["agent_info"]["id"]["value"]
        master.kill()
        work, kept = self.dir / "master", self.dir / "kept"
        shutil.copytree(work, kept)
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        refused = 0
        for round_ in range(24):
            shutil.rmtree(work)
            shutil.copytree(kept, work)
            victim = work / chance.choice(["registry.db", "registry.db-wal"])
            damage(victim, chance, flip=round_ % 2 == 1)
            process = subprocess.Popen(
                [str(BIN / "bourse-master"), "--port=0", "--agent-port=0", f"--work-dir={work}"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            line = process.stdout.readline()
            process.kill() if line else None
            said = process.communicate(timeout=20)[1]
            if not line:
                refused += 1
                self.assertEqual(process.returncode, SOMEBODY_MUST_LOOK, f"seed {seed}: {said}")
                self.assertIn("registry.db", said)
                self.assertEqual(len(said.strip().splitlines()), 1, said)
        self.assertGreater(refused, 3, f"seed {seed}")
        shutil.rmtree(work)
        shutil.copytree(kept, work)
        self.start_master()
        self.assertEqual(self.wait_agents(1)[0]["agent_info"]["id"]["value"], agent_id)


if __name__ == "__main__":
    unittest.main()
