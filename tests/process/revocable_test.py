"""What an agent lends: a real agent measures what a task leaves unused, another runs on it, and
has to go when the first one needs it."""

import os
import pathlib
import subprocess
import unittest

from cluster_case import BIN, DEADLINE_S, wait_for
from v1_scheduler import Scheduler, StreamCase, task

LENDING = ("--resource-estimator=usage", "--usage-window=2s", "--usage-sample-interval=200ms",
           "--oversubscribed-resources-interval=300ms")


def amount(resources, name, revocable):
    return sum(one["scalar"]["value"] for one in resources
               if one["name"] == name and ("revocable" in one) == revocable)


def cgroup_file(pid, controller, v1_name, v2_name):
    """A file of the cgroup that a process is in, as text."""
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers.split(",") == [controller] or controller in controllers.split(","):
            return pathlib.Path(f"/sys/fs/cgroup/{controllers}{path}/{v1_name}").read_text()
        if controllers == "" and pathlib.Path(f"/sys/fs/cgroup{path}/{v2_name}").exists():
            return pathlib.Path(f"/sys/fs/cgroup{path}/{v2_name}").read_text()
    raise AssertionError(f"no cgroup with {controller} for {pid}")


@unittest.skipIf(os.geteuid() != 0, "cgroups need root")
class Revocable(StreamCase):
    def scheduler(self, name, *capabilities):
        stream = Scheduler(self.http_port, name=name, roles=["*"], failover_timeout=3600,
                           capabilities=[{"type": one} for one in ("MULTI_ROLE", *capabilities)])
        self.streams.append(stream)
        return stream

    def run_idle_task(self, command):
        """Of the whole agent; returns its scheduler and agent id."""
        owner = self.scheduler("owner")
        offer = owner.offer()
        owner.launch(offer, task("own", offer, command, cpus=0.4))
        owner.acknowledge(owner.reach("own", "TASK_RUNNING"))
        owner.call("SUPPRESS")
        return owner, offer["agent_id"]

    def give_back_all(self, owner):
        """What its task left of the agent, and was offered to it again."""
        def look():
            for event in owner.json_events("OFFERS"):
                owner.call("DECLINE", {"offer_ids": [o["id"] for o in event["offers"]["offers"]],
                                       "filters": {"refuse_seconds": 3600}})
            return not self.agents()[0].get("offered_resources")
        wait_for("the owner holds no offer", look)

    def lent_offer(self, guest, cpus):
        """An offer with as much that may be taken back, once there is one."""
        def look():
            gone = {e["rescind"]["offer_id"]["value"] for e in guest.json_events("RESCIND")}
            for event in guest.json_events("OFFERS"):
                for offer in event["offers"]["offers"]:
                    if offer["id"]["value"] in gone:
                        continue
                    if amount(offer["resources"], "cpus", True) >= cpus:
                        return offer
                    guest.call("DECLINE", {"offer_ids": [offer["id"]],
                                           "filters": {"refuse_seconds": 0}})
                    gone.add(offer["id"]["value"])
            return None
        return wait_for("an offer of what is lent", look)

    def guest_task(self, task_id, offer, command, cpus=0.2):
        made = task(task_id, offer, command, cpus=cpus)
        made["resources"] = [{**made["resources"][0], "revocable": {}}]
        return made

    def test_idle_cpus_are_lent_and_taken_back_under_pressure(self):
        self.start_master()
        self.start_agent("a", "--resources=cpus:0.4;mem:512;disk:100", *LENDING,
                         "--qos-controller=pressure", "--pressure-cpus=0.3", "--pressure-for=1s")
        self.run_idle_task("until [ -e go ]; do sleep 0.2; done; while :; do :; done")
        plain = self.scheduler("plain")
        guest = self.scheduler("guest", "REVOCABLE_RESOURCES", "PARTITION_AWARE")
        offer = self.lent_offer(guest, 0.2)
        self.assertEqual(amount(offer["resources"], "cpus", False), 0)
        shown = self.agents()[0]["total_resources"]
        self.assertEqual(amount(shown, "cpus", False), 0.4)
        self.assertGreaterEqual(amount(shown, "cpus", True), 0.2)
        for event in plain.json_events("OFFERS"):
            for one in event["offers"]["offers"]:
                self.assertEqual(amount(one["resources"], "cpus", True), 0)

        guest.launch(offer, self.guest_task(
            "guest", offer, "echo $$ > pid; mv pid done; exec sleep 1000"))
        guest.acknowledge(guest.reach("guest", "TASK_RUNNING"))
        runs = list(pathlib.Path(self.dir).glob("a/slaves/*/frameworks/*/executors/guest/runs/*"))
        run = next(one for one in runs if one.name != "latest")
        wait_for("the guest's first words", lambda: (run / "done").exists())
        pid = next(pid for pid in filter(str.isdigit, os.listdir("/proc"))
                   if self.runs_in(pid, run, b"sleep"))
        # Ten shares are one lent cpu, and the kernel gives at least two; on v2 the least weight.
        self.assertIn(cgroup_file(pid, "cpu", "cpu.shares", "cpu.weight").strip(), ("2", "1"))
        lent = self.cli("agents").splitlines()
        self.assertRegex(lent[1], r" 0\.2/0\.\d+ ")
        metrics = {m["name"]: m.get("value", 0) for m in self.call(
            {"type": "GET_METRICS", "get_metrics": {}})["get_metrics"]["metrics"]}
        self.assertEqual(metrics["master/cpus_revocable_used"], 0.2)
        self.assertGreaterEqual(metrics["master/cpus_revocable_total"], 0.2)
        self.assertEqual(metrics["master/cpus_total"], 0.4)

        own = next(pathlib.Path(self.dir).glob(
            "a/slaves/*/frameworks/*/executors/own/runs/latest"))
        (own / "go").touch()
        end = guest.update("guest", "TASK_GONE")
        self.assertEqual((end["reason"], end["source"]),
                         ("REASON_CONTAINER_PREEMPTED", "SOURCE_AGENT"))
        self.assertRegex(end["message"],
                         r"Preempted: 0\.\d+ of 0\.4 cpus were used, at least 30 %")
        guest.acknowledge(end)
        wait_for("nothing is lent any more", lambda: amount(
            self.agents()[0]["total_resources"], "cpus", True) == 0)
        owner_task = [t for t in self.call({"type": "GET_TASKS"})["get_tasks"]["tasks"]
                      if t["task_id"]["value"] == "own"]
        self.assertEqual(owner_task[0]["state"], "TASK_RUNNING")

    def test_a_task_of_the_sdk_runs_on_what_is_lent(self):
        self.start_master()
        self.start_agent("a", "--resources=cpus:0.4;mem:512;disk:100", *LENDING)
        owner, _ = self.run_idle_task("sleep 1000")
        self.give_back_all(owner)
        for master in (f"127.0.0.1:{self.link_port}", f"http://127.0.0.1:{self.http_port}"):
            with self.subTest(master):
                guest = self.start_scheduler(master=master, env={"TOLD_REVOCABLE": "1"})
                guest.say("launch-lent guest 100 32 sleep 1000")
                guest.line("update guest TASK_RUNNING")
                task = next(t for t in self.call({"type": "GET_TASKS"})["get_tasks"]["tasks"]
                            if t["task_id"]["value"] == "guest")
                self.assertEqual(amount(task["resources"], "cpus", True), 0.1)
                self.assertEqual(amount(task["resources"], "mem", False), 32)
                guest.say("teardown")
                self.assertEqual(guest.popen.wait(DEADLINE_S), 0)

    def runs_in(self, pid, run, program):
        try:
            return os.readlink(f"/proc/{pid}/cwd") == str(run) and program in pathlib.Path(
                f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False

    def test_flags_of_plug_ins_that_cannot_be_are_refused_with_what_would_be_right(self):
        for flags, sentence in [
                (("--resource-estimator=crystal",), "'crystal' is not one of: none, usage"),
                (("--qos-controller=judge",), "'judge' is not one of: none, pressure"),
                (("--usage-window=1ms",), "--usage-window: 1ms is not between"),
                (("--usage-margin=nan",), "--usage-margin: "),
                (("--usage-margin=1.5",), "is not between 0 and 1"),
                (("--pressure-victim=oldest",), "'oldest' is not biggest or newest"),
                (("--resource-estimator=usage", "--no-cgroups"), "cannot be measured")]:
            done = subprocess.run(
                [BIN / "bourse-agent", "--master=127.0.0.1:1", "--port=0",
                 f"--work-dir={self.dir}/x", f"--run-dir={self.dir}/xr", *flags],
                capture_output=True, text=True, timeout=30)
            self.assertNotEqual(done.returncode, 0, flags)
            self.assertIn(sentence, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
