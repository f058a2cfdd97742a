"""What a build stored, every later one reads: a registry and a checkpoint of today's form, kept in
tests/data/stored, are taken by this build's daemons. With --rewrite they are made anew, which is
right only before a release has written that form."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from cluster_case import BIN, ClusterCase, wait_for

STORED = pathlib.Path(os.environ["BOURSE_SOURCE"]) / "tests" / "data" / "stored"
AGENT = ("--hostname=golden", "--attributes=rack:r1", "--resources=cpus:4;mem:2048;disk:1000")
FRAMEWORK = {"TOLD_USER": "root"}


class Stored(ClusterCase):
    def take(self):
        shutil.copytree(STORED / "registry", self.dir / "master")
        (self.dir / "a").mkdir()
        shutil.copytree(STORED / "checkpoint", self.dir / "a" / "meta")
        return (STORED / "names").read_text().split()

    def test_a_registry_and_a_checkpoint_of_the_first_form_are_read_by_this_build(self):
        cluster, agent_id, framework_id = self.take()
        self.assertIn(f"cluster {cluster}", self.registry("check", self.dir / "master"))
        self.start_master()
        # The machine of the checkpoint is another boot for whoever reads it here.
        self.start_agent("a", *AGENT)
        agent = self.wait_agents(1)[0]["agent_info"]
        self.assertEqual(agent["id"]["value"], agent_id)
        self.assertEqual(agent["hostname"], "golden")
        scheduler = self.start_scheduler(framework_id, env=FRAMEWORK)
        self.assertEqual(scheduler.framework_id, framework_id)
        self.assertIn("the machine was restarted while it ran",
                      scheduler.line("update running TASK_FAILED"))
        # What had ended with a status is told with it, although nobody had acknowledged it.
        self.assertIn("status 3", scheduler.line("update ended TASK_FAILED"))
        scheduler.say("launch next 100 32 true")
        scheduler.line("update next TASK_FINISHED")

    def registry(self, *words):
        done = subprocess.run([str(BIN / "bourse"), "registry", *map(str, words)],
                              capture_output=True, text=True, timeout=60, check=True)
        return done.stdout


class Rewrite(Stored):
    """Not a test: makes what the test above reads."""

    def make(self):
        boot = self.dir / "boot_id"
        boot.write_text("11111111-2222-3333-4444-555555555555\n")
        master = self.start_master()
        agent = self.start("agent", [
            "unshare", "-m", "sh", "-c",
            f'mount --bind {boot} /proc/sys/kernel/random/boot_id; exec "$@"', "sh",
            BIN / "bourse-agent", f"--master=127.0.0.1:{self.link_port}", "--port=0",
            f"--work-dir={self.dir}/a", f"--run-dir={self.dir}/ar", *AGENT])
        agent.line("ready")
        scheduler = self.start_scheduler(env=FRAMEWORK)
        scheduler.say("launch running 100 32 exec sleep 1000")
        scheduler.line("update running TASK_RUNNING")
        scheduler.say("launch ended 100 32 while ! [ -e go ]; do sleep 0.05; done; exit 3")
        scheduler.line("update ended TASK_RUNNING")
        agent_id = self.agents()[0]["agent_info"]["id"]["value"]
        # Nobody is there to hear of the end.
        scheduler.kill()
        sandbox = next((self.dir / "a").glob("slaves/*/frameworks/*/executors/ended/runs/latest"))
        (sandbox / "go").touch()
        wait_for("the end is told, so it is stored", lambda: "TASK_FAILED" in json.dumps(
            self.call({"type": "GET_TASKS"})))
        master.end()
        agent.end()
        for name, place in (("registry", "master"), ("checkpoint", "a/meta")):
            shutil.rmtree(STORED / name, ignore_errors=True)
            shutil.copytree(self.dir / place, STORED / name,
                            ignore=shutil.ignore_patterns("*.pid", "*-shm", "recording"))
        cluster = self.registry("check", self.dir / "master").split("cluster ")[1].split(",")[0]
        (STORED / "names").write_text(f"{cluster}\n{agent_id}\n{scheduler.framework_id}\n")


if __name__ == "__main__":
    if "--rewrite" in sys.argv:
        made = unittest.TextTestRunner(verbosity=2).run(Rewrite("make"))
        sys.exit(0 if made.wasSuccessful() else 1)
    del Rewrite  # it inherits a test
    unittest.main()
