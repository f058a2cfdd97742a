"""A master's registry goes from its file into an ensemble and back while a task runs: the same
cluster, a higher epoch, the same agent. What would lose something is refused with a sentence."""

import json
import os
import resource
import shutil
import signal
import subprocess
import unittest
import unittest.mock
import urllib.request

from cluster_case import BIN, ClusterCase, wait_for
from zookeeper_case import ZookeeperEnsemble, available


class RegistryCase(ClusterCase):
    def registry(self, *words, expect=0, **more):
        done = subprocess.run([str(BIN / "bourse"), "registry", *map(str, words)],
                              capture_output=True, text=True, timeout=60, check=False, **more)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout if expect == 0 else done.stderr

    def export(self, source, name):
        """The file and its header."""
        path = self.dir / name
        self.registry("export", source, f"--output={path}")
        return path, json.loads(path.read_text().splitlines()[0])

    def start_cluster(self):
        """A master on a file, an agent and a scheduler with a task that runs."""
        master = self.start_master()
        self.start_agent()
        scheduler = self.start_scheduler()
        scheduler.say("launch t1 1000 64 echo $$ > pid; exec sleep 1000")
        scheduler.line("update t1 TASK_RUNNING")
        return master, scheduler

    def leads(self):
        with urllib.request.urlopen(
                f"http://127.0.0.1:{self.http_port}/metrics/snapshot", timeout=10) as answer:
            return json.load(answer).get("master/elected") == 1

    def agent_id(self):
        return self.wait_agents(1)[0]["agent_info"]["id"]["value"]


class RegistryInFiles(RegistryCase):
    def test_an_export_is_imported_into_another_work_directory_and_the_cluster_goes_on_there(self):
        master, _ = self.start_cluster()
        agent_id, pid = self.agent_id(), self.pid_of("t1")
        work = self.dir / "master"
        refusal = self.registry("export", work, expect=1)
        self.assertIn("registry.db: another process uses it: stop the master", refusal)
        master.end()
        self.assertIn("1 agent, 1 framework", self.registry("check", work))
        file, header = self.export(work, "export.json")
        self.assertEqual(self.registry("export", work), file.read_text())
        self.assertIn("1 agent, 1 framework", self.registry("check", file))

        other = self.dir / "other"
        other.mkdir()
        self.registry("import", file, other)
        _, moved = self.export(other, "moved.json")
        self.assertEqual(moved["cluster_id"], header["cluster_id"])
        self.assertGreater(moved["epoch"], header["epoch"])
        refusal = self.registry("import", file, other, expect=1)
        self.assertIn("holds a registry already", refusal)
        self.assertIn("--replace", refusal)
        self.registry("import", file, other, "--replace")
        _, again = self.export(other, "again.json")
        self.assertGreater(again["epoch"], moved["epoch"])

        master = self.start_master(f"--work-dir={other}")
        self.assertEqual(self.agent_id(), agent_id)
        self.assertEqual(self.pid_of("t1"), pid)
        refusal = self.registry("import", file, other, "--replace", expect=1)
        self.assertIn("stop the master", refusal)

    def test_a_file_that_forgot_its_last_life_costs_only_what_it_forgot_and_that_is_told(self):
        master, scheduler = self.start_cluster()
        agent_id, running = self.agent_id(), self.processes_of("t1")
        self.assertTrue(running)
        master.end()
        work, old = self.dir / "master", self.dir / "old"
        shutil.copytree(work, old)
        master = self.start_master()
        self.wait_agents(1)
        other = self.start_agent("b", "--resources=cpus:8;mem:2048;disk:1000")
        self.wait_agents(2)
        scheduler.say("launch t2 6000 64 exec sleep 1000")
        scheduler.line("update t2 TASK_RUNNING")
        self.assertTrue(self.processes_of("t2"))
        # As a disk leaves it that had said it was written, and the power failed.
        master.kill()
        shutil.rmtree(work)
        old.rename(work)
        self.start_master()
        # Whom it knows comes back with what runs there, whom it does not know as somebody new.
        self.wait_agents(2)
        self.assertTrue([line for line in other.errors if "is not in the registry" in line])
        self.assertIn(agent_id, [a["agent_info"]["id"]["value"] for a in self.agents()])
        self.assertEqual(self.processes_of("t1"), running)
        wait_for("what the forgotten agent ran is gone", lambda: not self.processes_of("t2"))
        scheduler.say("reconcile t2")
        scheduler.line("update t2 TASK_UNKNOWN")
        self.assertFalse([line for line in scheduler.lines if line.startswith("update t1 ")
                          and "RUNNING" not in line and "STARTING" not in line])

    def test_a_file_that_forgot_several_lives_is_obeyed_by_nobody_who_knew_the_latest(self):
        master, _ = self.start_cluster()
        agent_id, running = self.agent_id(), self.processes_of("t1")
        self.assertTrue(running)
        master.end()
        work, old = self.dir / "master", self.dir / "old"
        shutil.copytree(work, old)
        for _ in range(2):
            master = self.start_master()
            self.wait_agents(1)
            master.kill()
        shutil.rmtree(work)
        old.rename(work)
        agent = [p for p in self.processes if p.name == "agent a"][0]
        master = self.start_master()
        wait_for("both say so", lambda: any(
            "master.stale_epoch epoch=2 seen=3" in line for line in agent.errors) and any(
            "epoch_seen: 3 is above this master's 2" in line for line in master.errors))
        self.assertEqual(self.agents(), [])
        # Each start is a life more; then it is the master that they had.
        master.end()
        self.start_master()
        self.assertEqual(self.agent_id(), agent_id)
        self.assertEqual(self.processes_of("t1"), running)

    def test_what_cannot_be_exported_or_imported_is_said_and_changes_nothing(self):
        self.assertIn("there is no such file", self.registry("check", self.dir / "no", expect=1))
        master = self.start_master()
        master.end()
        work = self.dir / "master"
        file, _ = self.export(work, "export.json")
        text = file.read_text()
        before = self.registry("check", work)
        for damaged, sentence in (
                (text[:-5], "the file is cut off here"),
                (text.replace('"about":"', '"about":"x', 1), "the checksum does not match"),
                (text.replace('"version":1', '"version":2'), "import it with a newer build")):
            file.write_text(damaged)
            self.assertIn(sentence, self.registry("check", file, expect=1))
            refusal = self.registry("import", file, work, "--replace", expect=1)
            self.assertIn(f"{file}: line ", refusal)
        self.assertEqual(self.registry("check", work), before)
        database = work / "registry.db"
        database.write_bytes(database.read_bytes()[:100])
        self.assertIn("registry.db", self.registry("check", work, expect=1))
        self.registry("move", work, expect=2)
        self.registry("import", file, expect=2)

    def test_an_export_that_cannot_be_written_leaves_the_one_before_it(self):
        master = self.start_master()
        work = self.dir / "master"
        self.assertIn("another process uses it", self.registry("check", work, expect=3))
        master.end()
        file, _ = self.export(work, "export.json")
        good = file.read_text()
        # A file may not grow beyond 100 bytes: what a full disk does to a write.
        refusal = self.registry(
            "export", work, f"--output={file}", expect=1, preexec_fn=lambda: (
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
                resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))))
        self.assertIn(f"--output: {file} cannot be written", refusal)
        self.assertEqual(file.read_text(), good)
        self.assertFalse(file.with_name("export.json.new").exists())
        before = (work / "registry.db").read_bytes()
        self.assertIn("is the registry itself", self.registry(
            "export", work, f"--output={work}/registry.db", expect=1))
        self.assertEqual((work / "registry.db").read_bytes(), before)


@unittest.skipUnless(available(), "needs Java and ZooKeeper's jar")
class RegistryInAnEnsemble(RegistryCase):
    def setUp(self):
        super().setUp()
        self.ensemble = ZookeeperEnsemble(3, self.dir).start()
        self.addCleanup(self.ensemble.stop)
        self.url = self.ensemble.url("/deep/bourse", "ada:secret")

    def test_a_cluster_moves_from_its_file_into_an_ensemble_and_back_while_its_task_runs(self):
        master, scheduler = self.start_cluster()
        agent_id, pid = self.agent_id(), self.pid_of("t1")
        master.end()
        work = self.dir / "master"
        file, header = self.export(work, "export.json")
        self.assertIn("holds no registry", self.registry("check", self.url, expect=1))
        said = self.registry("import", file, self.url)
        self.assertNotIn("secret", said)
        self.registry("import", file, self.url, expect=1)

        master = self.start_master(f"--work-dir={self.dir}/second", f"--zk={self.url}",
                                   "--zk-session-timeout=2secs")
        wait_for("it leads", self.leads)
        self.assertEqual(self.agent_id(), agent_id)
        scheduler.line("registered", skip=1)
        self.assertEqual(self.pid_of("t1"), pid)
        # While it leads: reading takes nothing from it, and nothing can be put in its place.
        _, there = self.export(self.url, "there.json")
        self.assertEqual(there["cluster_id"], header["cluster_id"])
        self.assertGreater(there["epoch"], header["epoch"])
        self.assertIn("1 agent, 1 framework", self.registry("check", self.url))
        refusal = self.registry("import", file, self.url, "--replace", expect=1)
        self.assertIn("a master stands there: stop every master", refusal)
        self.assertIsNone(master.popen.poll())
        wrong = self.url.replace("secret", "wrong")
        self.assertIn("use the credentials that made", self.registry("check", wrong, expect=3))
        # A password in the environment stands in no list of processes.
        with unittest.mock.patch.dict(os.environ, BOURSE_ZK=self.url):
            self.assertIn("1 agent, 1 framework", self.registry("check"))
            self.registry("export", f"--output={self.dir}/by-environment.json")
            self.assertIn("a master stands there", self.registry(
                "import", self.dir / "by-environment.json", "--replace", expect=1))

        master.end()
        file, there = self.export(self.url, "there.json")
        self.registry("import", file, work, "--replace")
        _, back = self.export(work, "back.json")
        self.assertEqual(back["cluster_id"], header["cluster_id"])
        self.assertGreater(back["epoch"], there["epoch"])
        self.start_master()
        self.assertEqual(self.agent_id(), agent_id)
        scheduler.line("registered", skip=2)
        self.assertEqual(self.pid_of("t1"), pid)

    def test_an_import_replaces_what_an_ensemble_holds_when_that_is_typed(self):
        master = self.start_master()
        master.end()
        file, header = self.export(self.dir / "master", "export.json")
        self.registry("import", file, self.url)
        _, first = self.export(self.url, "first.json")
        self.registry("import", file, self.url, "--replace")
        _, second = self.export(self.url, "second.json")
        self.assertEqual(second["cluster_id"], header["cluster_id"])
        self.assertGreater(second["epoch"], first["epoch"])


if __name__ == "__main__":
    unittest.main()
