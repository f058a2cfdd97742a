"""Operations on resources with real processes: reservations and volumes that outlive tasks, the
agent and the master, by the scheduler API and the operator API; files on real disks."""

import json
import os
import subprocess
import unittest

from cluster_case import wait_for
from operations_case import ROLE, OperationsCase, disk, operation
from v1_scheduler import task


class Operations(OperationsCase):
    def setUp(self):
        super().setUp()
        self.mounted = []

    def tearDown(self):
        # A disk is taken away once nothing runs on it.
        for process in reversed(self.processes):
            process.end()
        self.kill_containers()
        for path in reversed(list(self.mounted)):
            self.unmount(path)
        super().tearDown()

    def test_a_volume_outlives_its_task_the_agent_and_the_master(self):
        scheduler = self.cluster()
        offer = scheduler.offer()
        writer = task("writer", offer, "echo kept > data/file && echo more > data/other")
        writer["resources"].append(disk(16, volume="v1"))
        self.accept(scheduler, offer, [
            operation("RESERVE", [disk(32)], "op1"),
            operation("CREATE", [disk(16, volume="v1")], "op2"),
            {"type": "LAUNCH", "launch": {"task_infos": [writer]}}])
        for name in ("op1", "op2"):
            status = self.status(scheduler, name)
            self.assertEqual(len(status["uuid"]["value"]), 24)
            self.acknowledge(scheduler, status)
        wait_for("no operation", lambda: not self.operations())
        scheduler.acknowledge(scheduler.reach("writer", "TASK_FINISHED"))
        self.assertEqual((self.volume_dir("v1") / "file").read_text(), "kept\n")

        self.agent.kill()
        self.master.kill()
        self.start_master()
        self.agent = self.start_agent("a0")
        again = self.scheduler(scheduler.framework_id)
        offer = self.offer_with(again, "v1")
        reader = task("reader", offer, "test $(cat data/file) = kept")
        reader["resources"].append(disk(16, volume="v1"))
        self.assertEqual(again.launch(offer, reader).status, 202)
        again.acknowledge(again.reach("reader", "TASK_FINISHED"))

        self.accept(again, self.offers_of(4), [operation("DESTROY", [disk(16, volume="v1")], "op3"),
                                   operation("UNRESERVE", [disk(32)], "op4")])
        self.status(again, "op4")
        wait_for("the volume's files to go", lambda: not self.volume_dir("v1").exists())

    @unittest.skipUnless(os.geteuid() == 0, "needs root: mounts of its own for a container")
    def test_a_read_only_volume_is_read_only_and_a_shared_one_is_used_by_two(self):
        scheduler = self.cluster()
        offer = scheduler.offer()
        shared = {**disk(8, volume="both"), "shared": {}}
        sealed = disk(8, volume="sealed", path="sealed", mode="RO")
        writer = task("writer", offer, "if touch sealed/x 2>/dev/null; then exit 3; fi")
        writer["resources"].append(sealed)
        one = task("one", offer, "touch data/one; until test -e data/two; do sleep 0.05; done")
        two = task("two", offer, "touch data/two; until test -e data/one; do sleep 0.05; done")
        one["resources"].append(shared)
        two["resources"].append(shared)
        self.accept(scheduler, offer, [
            operation("RESERVE", [disk(32)]), operation("CREATE", [shared, sealed]),
            {"type": "LAUNCH", "launch": {"task_infos": [writer, one, two]}}])
        for name in ("writer", "one", "two"):
            scheduler.acknowledge(scheduler.reach(name, "TASK_FINISHED"))

    def test_volumes_of_path_and_mount_disks_are_below_their_roots(self):
        roots = {kind: self.dir / kind for kind in ("path", "mount")}
        for root in roots.values():
            root.mkdir()
        sources = {"path": {"type": "PATH", "path": {"root": str(roots["path"])}},
                   "mount": {"type": "MOUNT", "mount": {"root": str(roots["mount"])}}}
        given = [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 4}},
                 {"name": "mem", "type": "SCALAR", "scalar": {"value": 1024}}]
        given += [{"name": "disk", "type": "SCALAR", "scalar": {"value": 100},
                   "disk": {"source": source}} for source in sources.values()]
        scheduler = self.cluster(resources=json.dumps(given))
        offer = scheduler.offer()
        # A mounted disk is used whole or not at all.
        self.accept(scheduler, offer, [
            operation("RESERVE", [disk(50, source=sources["mount"])], "part"),
            operation("RESERVE", [disk(100, source=sources["mount"]),
                                  disk(50, source=sources["path"])], "whole"),
            operation("CREATE", [disk(100, volume="m", source=sources["mount"]),
                                 disk(20, volume="p", source=sources["path"])], "create")])
        self.status(scheduler, "part", "OPERATION_ERROR")
        self.status(scheduler, "whole")
        self.status(scheduler, "create")
        self.assertTrue((roots["path"] / "volumes" / "roles" / ROLE / "p").is_dir())
        self.assertTrue((roots["mount"] / "volumes" / "roles" / ROLE / "m").is_dir())

    @unittest.skipUnless(os.geteuid() == 0, "needs root: a disk that is mounted")
    def test_a_volume_on_a_mounted_disk_outlives_the_agent_and_is_missed_while_it_is_away(self):
        disk_of_its_own, root = self.dir / "disk", self.dir / "root"
        for directory in (disk_of_its_own, root):
            directory.mkdir()
        self.mount("-t", "tmpfs", "-o", "size=16m", "tmpfs", disk_of_its_own)
        self.mount("--bind", disk_of_its_own, root)
        source = {"type": "MOUNT", "mount": {"root": str(root)}}
        volume = disk(100, volume="m", source=source)
        given = json.dumps([
            {"name": "cpus", "type": "SCALAR", "scalar": {"value": 4}},
            {"name": "mem", "type": "SCALAR", "scalar": {"value": 1024}},
            {"name": "disk", "type": "SCALAR", "scalar": {"value": 100},
             "disk": {"source": source}}])
        scheduler = self.cluster(resources=given)

        def run(name, command, state, offer):
            wanted = task(name, offer, command)
            wanted["resources"].append(volume)
            self.assertEqual(scheduler.launch(offer, wanted).status, 202)
            status = scheduler.reach(name, state)
            scheduler.acknowledge(status)
            return status

        def restart():
            self.agent.end()
            self.agent = self.agent_with(given)
        offer = scheduler.offer()
        self.accept(scheduler, offer, [operation("RESERVE", [disk(100, source=source)]),
                                       operation("CREATE", [volume], "c")])
        self.status(scheduler, "c")
        run("writer", "echo kept > data/file", "TASK_FINISHED", self.offer_with(scheduler, "m"))
        self.assertEqual((disk_of_its_own / "volumes/roles" / ROLE / "m/file").read_text(),
                         "kept\n")
        restart()
        run("reader", "test $(cat data/file) = kept", "TASK_FINISHED",
            self.offer_with(scheduler, "m"))
        self.agent.end()
        self.unmount(root)
        self.agent = self.agent_with(given)
        lost = run("lost", "true", "TASK_FAILED", self.offer_with(scheduler, "m"))
        self.assertIn("is not there: is its disk mounted?", lost["message"])
        self.assertFalse((root / "volumes").exists())
        self.agent.end()
        self.mount("--bind", disk_of_its_own, root)
        self.agent = self.agent_with(given)
        run("again", "test $(cat data/file) = kept", "TASK_FINISHED",
            self.offer_with(scheduler, "m"))

    def mount(self, *words):
        subprocess.run(["mount", *words], check=True)
        self.mounted.append(words[-1])

    def unmount(self, path):
        wait_for(f"{path} to be free", lambda: subprocess.run(
            ["umount", path], capture_output=True).returncode == 0)
        self.mounted.remove(path)

    def test_a_volume_that_a_task_uses_is_not_destroyed_and_it_is_said_why(self):
        scheduler = self.cluster()
        offer = scheduler.offer()
        shared = {**disk(8, volume="both", path="both"), "shared": {}}
        own = disk(8, volume="own", path="own")
        user = task("user", offer, "sleep 1000")
        user["resources"] += [shared, own]
        self.accept(scheduler, offer, [
            operation("RESERVE", [disk(16)]), operation("CREATE", [shared, own]),
            {"type": "LAUNCH", "launch": {"task_infos": [user]}}])
        scheduler.acknowledge(scheduler.reach("user", "TASK_RUNNING"))
        for volume, named in ((shared, "disk(web)[both:both]<SHARED>:8"),
                              (own, "disk(web)[own:own]:8")):
            refused = self.write("DESTROY_VOLUMES", volumes=[volume])
            self.assertEqual(refused.status, 409, refused.text)
            self.assertIn(f"does not contain {named}: ask for less, or end what uses it",
                          refused.text)
            self.assertTrue(self.volume_dir(volume["disk"]["persistence"]["id"]).is_dir())
        scheduler.call("KILL", {"task_id": {"value": "user"}})
        scheduler.acknowledge(scheduler.reach("user", "TASK_KILLED"))
        for volume in (shared, own):
            done = self.write("DESTROY_VOLUMES", volumes=[volume])
            self.assertEqual(done.status, 202, done.text)

    def test_a_volume_whose_directory_is_gone_fails_its_task_with_the_reason(self):
        scheduler = self.cluster()
        offer = scheduler.offer()
        self.accept(scheduler, offer, [operation("RESERVE", [disk(32)]),
                                       operation("CREATE", [disk(16, volume="v1")], "c")])
        self.status(scheduler, "c")
        self.volume_dir("v1").rmdir()
        offer = self.offer_with(scheduler, "v1")
        lost = task("lost", offer, "true")
        lost["resources"].append(disk(16, volume="v1"))
        self.assertEqual(scheduler.launch(offer, lost).status, 202)
        status = scheduler.reach("lost", "TASK_FAILED")
        self.assertIn("is not there: is its disk mounted?", status["message"])

    def test_operators_reserve_and_make_volumes_and_are_answered_once_it_is_stored(self):
        self.start_master()
        self.start_agent("a0")
        self.wait_agents(1)
        write = self.write
        self.assertEqual(write("RESERVE_RESOURCES", resources=[disk(32, "ops")]).status, 202)
        self.assertEqual(
            write("CREATE_VOLUMES", volumes=[disk(8, "ops", volume="v")]).status, 202)
        total = self.call({"type": "GET_AGENTS"})["get_agents"]["agents"][0]["total_resources"]
        volume = [r for r in total if "disk" in r][0]
        self.assertEqual(volume["disk"]["persistence"]["id"], "v")
        self.assertEqual(volume["role"], "ops")
        self.assertEqual(write("GROW_VOLUME", volume=disk(8, "ops", volume="v"),
                               addition=disk(4, "ops")).status, 202)
        self.assertEqual(write("SHRINK_VOLUME", volume=disk(12, "ops", volume="v"),
                               subtract={"value": 2}).status, 202)
        # Refused with what is wrong.
        refused = write("RESERVE_RESOURCES", resources=[disk(10 ** 9, "ops")])
        self.assertEqual(refused.status, 409)
        self.assertIn("does not contain disk:1000000000", refused.text)
        refused = write("CREATE_VOLUMES", volumes=[disk(8, "ops", volume="v")])
        self.assertEqual(refused.status, 409)
        self.assertIn("Persistence ID 'v' is taken", refused.text)
        refused = write("UNRESERVE_RESOURCES", resources=[{
            "name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}])
        self.assertEqual(refused.status, 400)
        self.assertIn("is not dynamically reserved", refused.text)
        self.assertEqual(
            write("DESTROY_VOLUMES", volumes=[disk(10, "ops", volume="v")]).status, 202)
        self.assertEqual(write("UNRESERVE_RESOURCES", resources=[disk(32, "ops")]).status, 202)

    def test_the_command_line_reserves_and_makes_volumes_and_lists_what_is_under_way(self):
        self.start_master()
        self.start_agent("a0")
        self.wait_agents(1)
        host = self.agents()[0]["agent_info"]["hostname"]

        def total():
            return sorted((r["name"], r["scalar"]["value"], r["role"], "disk" in r)
                          for r in self.agents()[0]["total_resources"]
                          if r["role"] != "*" and "scalar" in r)
        self.assertEqual(self.cli("volume", "list"), "no volumes\n")
        self.assertEqual(self.cli("operations"), "no operations are under way\n")
        self.cli("reserve", host, "disk:64;cpus:1", f"--role={ROLE}", "--label=why=test")
        self.assertEqual(total(), [("cpus", 1.0, ROLE, False), ("disk", 64.0, ROLE, False)])
        self.cli("volume", "create", host, "v1", f"--role={ROLE}", "--size=16", "--path=db")
        self.assertTrue(self.volume_dir("v1").is_dir())
        self.cli("volume", "grow", host, "v1", "--by=8")
        self.cli("volume", "shrink", host, "v1", "--by=4")
        listed = self.cli("volume", "list")
        for text in ("v1", ROLE, "20 MB", "db"):
            self.assertIn(text, listed)
        shown = json.loads(self.cli("volume", "list", "--json"))
        self.assertEqual(shown[0]["scalar"], {"value": 20.0})
        for words, sentence in (
            (("unreserve", host, "disk:64", f"--role={ROLE}"), "does not contain"),
            (("unreserve", host, "mem:1", f"--role={ROLE}"), "no 'mem' is reserved"),
            (("volume", "destroy", host, "v2"), "there is no volume 'v2'"),
            (("volume", "create", host, "v1", f"--role={ROLE}", "--size=1"), "is taken"),
            (("volume", "create", host, "x", "--role=other", "--size=1"), "no disk is reserved"),
            (("reserve", "nowhere", "cpus:1", f"--role={ROLE}"), "'nowhere' is not in this"),
        ):
            with self.subTest(words):
                self.assertIn(sentence, self.cli(*words, expect=1))
        for words in (("reserve", host), ("reserve", host, "cpus", f"--role={ROLE}"),
                      ("volume", "grow", host, "v1"), ("volume",)):
            with self.subTest(words):
                self.cli(*words, expect=2)
        self.cli("volume", "destroy", host, "v1")
        self.cli("unreserve", host, "disk:64;cpus:1", f"--role={ROLE}")
        self.assertEqual(total(), [])
        scheduler = self.scheduler()
        self.accept(scheduler, scheduler.offer(), [operation("RESERVE", [disk(32)], "op1")])
        status = self.status(scheduler, "op1")
        listed = self.cli("operations").splitlines()[1].split()
        self.assertEqual(listed[:3], ["op1", "RESERVE", "OPERATION_FINISHED"])
        self.acknowledge(scheduler, status)

    def test_operations_are_listed_and_reconciled_as_mesos_does(self):
        scheduler = self.cluster()
        self.accept(scheduler, scheduler.offer(), [operation("RESERVE", [disk(32)], "op1")])
        status = self.status(scheduler, "op1")
        listed = self.operations()
        self.assertEqual(len(listed), 1)
        self.assertEqual(listed[0]["info"]["type"], "RESERVE")
        self.assertEqual(listed[0]["info"]["id"], {"value": "op1"})
        self.assertEqual(listed[0]["framework_id"], {"value": scheduler.framework_id})
        self.assertEqual(listed[0]["latest_status"]["state"], "OPERATION_FINISHED")
        reserved = listed[0]["info"]["reserve"]["resources"][0]
        self.assertEqual(reserved["allocation_info"], {"role": ROLE})
        answer = scheduler.call("RECONCILE_OPERATIONS", {"operations": [
            {"operation_id": {"value": "op1"}}, {"operation_id": {"value": "never"}}]})
        self.assertEqual(answer.status, 202)
        self.status(scheduler, "never", "OPERATION_UNKNOWN")
        self.acknowledge(scheduler, status)
        wait_for("no operation", lambda: not self.operations())


if __name__ == "__main__":
    unittest.main()
