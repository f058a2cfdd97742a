"""The SDK as an outside project sees it: installed, found by CMake, compiled against, run."""

import base64
import json
import os
import pathlib
import subprocess
import unittest
import urllib.error
import urllib.request

from cluster_case import BIN, DEADLINE_S, ClusterCase, wait_for

SOURCE = pathlib.Path(os.environ["BOURSE_SOURCE"])
BUILD = pathlib.Path(os.environ["BOURSE_BUILD"])


class InstalledSdk(ClusterCase):
    def run_tool(self, *argv):
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_hello_is_built_against_the_installed_sdk_and_runs(self):
        prefix = self.dir / "prefix"
        self.run_tool("cmake", "--install", BUILD, "--component", "sdk", "--prefix", prefix)
        project = self.dir / "hello"
        self.run_tool("cmake", "-S", SOURCE / "examples/hello", "-B", project,
                      f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Debug")
        self.run_tool("cmake", "--build", project)
        self.start_master()
        self.start_agent()
        self.wait_agents(1)
        for master in (f"127.0.0.1:{self.link_port}", f"http://127.0.0.1:{self.http_port}"):
            with self.subTest(master):
                out = self.run_tool(project / "hello", master)
                self.assertEqual(out.count("TASK_FINISHED"), 3, out)


class SdkOperations(ClusterCase):
    def life(self, scheduler):
        def done(command, state="OPERATION_FINISHED"):
            scheduler.say(command)
            return scheduler.line(f"operation {command.split()[1]} {state}")
        refused = done("create early v 16", "OPERATION_ERROR")
        self.assertIn("no disk of the offers is reserved for role 'web'", refused)
        done("reserve r1 64")
        done("create c1 v 16")
        scheduler.say("launch-in v writer test -d data && echo kept > data/file")
        scheduler.line("update writer TASK_FINISHED")
        volume = self.dir / "a" / "volumes" / "roles" / "web" / "v"
        self.assertEqual((volume / "file").read_text(), "kept\n")
        done("grow g1 v 8")
        done("shrink s1 v 4")
        self.assertIn("20 MB", self.cli("volume", "list"))
        done("what-of never", "OPERATION_UNKNOWN")
        done("destroy d1 v")
        wait_for("the volume's files to go", lambda: not volume.exists())
        done("unreserve u1 64")
        # Each was acknowledged.
        wait_for("no operation", lambda: self.cli("operations").startswith("no operations"))
        scheduler.say("teardown")
        self.assertEqual(scheduler.popen.wait(DEADLINE_S), 0)

    def test_operations_of_the_sdk_are_done_and_told_over_the_link_and_over_http(self):
        self.start_master()
        self.start_agent()
        self.wait_agents(1)
        for master in (f"127.0.0.1:{self.link_port}", f"http://127.0.0.1:{self.http_port}"):
            with self.subTest(master):
                self.life(self.start_scheduler(master=master, env={"TOLD_ROLE": "web"}))


class SdkOptions(ClusterCase):
    """What a framework may say of itself, over the link and over HTTP."""

    def each_way(self):
        self.start_master()
        self.start_agent("a", "--attributes=rack:r1", "--hostname=one")
        self.start_agent("b", "--attributes=rack:r2", "--hostname=two")
        self.wait_agents(2)
        return (f"127.0.0.1:{self.link_port}", f"http://127.0.0.1:{self.http_port}")

    def info(self, scheduler):
        answer = self.call({"type": "GET_FRAMEWORKS", "get_frameworks": {
            "framework_id": [{"value": scheduler.framework_id}]}})
        return answer["get_frameworks"]["frameworks"][0]["framework_info"]

    def host_of(self, task_id):
        hosts = {agent["agent_info"]["id"]["value"]: agent["agent_info"]["hostname"]
                 for agent in self.agents()}
        tasks = self.call({"type": "GET_TASKS"})["get_tasks"]["tasks"]
        return next(hosts[task["agent_id"]["value"]] for task in tasks
                    if task["task_id"]["value"] == task_id)

    def test_what_a_framework_wants_to_be_offered_is_said_over_both_and_may_change(self):
        for master in self.each_way():
            with self.subTest(master):
                scheduler = self.start_scheduler(master=master, env={
                    "TOLD_ROLE": "web", "TOLD_RACK": "r2", "TOLD_LEAST_MB": "64",
                    "TOLD_SUPPRESSED": "web", "TOLD_REVOCABLE": "1"})
                info = self.info(scheduler)
                self.assertIn({"type": "REVOCABLE_RESOURCES"}, info["capabilities"])
                self.assertEqual(
                    info["offer_filters"]["web"]["min_allocatable_resources"]["quantities"],
                    [{"quantities": {"mem": {"value": 64.0}}}])
                self.assertIn("suppressed", self.cli("why", scheduler.framework_id))
                scheduler.say("launch t 100 32 sleep 1000")  # and revives
                scheduler.line("update t TASK_RUNNING")
                self.assertEqual(self.host_of("t"), "two")
                scheduler.say("describe r1 http://page.test")
                wait_for("the page of the framework", lambda: self.info(scheduler).get(
                    "webui_url") == "http://page.test")
                scheduler.say("launch u 100 32 sleep 1000")
                scheduler.line("update u TASK_RUNNING")
                self.assertEqual(self.host_of("u"), "one")
                scheduler.say("teardown")
                self.assertEqual(scheduler.popen.wait(DEADLINE_S), 0)

    def test_options_that_cannot_be_are_refused_before_a_master_is_asked(self):
        scheduler = self.start("scheduler", [BIN / "told-scheduler", "127.0.0.1:1"],
                               env={"TOLD_ROLE": "web", "TOLD_SUPPRESSED": "batch"})
        self.assertEqual(scheduler.popen.wait(DEADLINE_S), 1)
        self.assertIn("options.suppressed_roles: the framework is not in role 'batch'",
                      " ".join(scheduler.errors))

    def test_labels_of_a_reservation_are_made_and_exchanged_over_both(self):
        for master in self.each_way():
            with self.subTest(master):
                scheduler = self.start_scheduler(master=master, env={
                    "TOLD_ROLE": "web", "TOLD_RACK": "r1"})
                for command, labels in (
                        ("reserve r1 64 db", [[{"key": "for", "value": "db"}]]),
                        ("reserve-again r2 64 cache", [[{"key": "for", "value": "cache"}]]),
                        ("unreserve r3 64", [])):
                    scheduler.say(command)
                    scheduler.line(f"operation {command.split()[1]} OPERATION_FINISHED")
                    self.assertEqual([
                        reservation["labels"]["labels"] for agent in self.agents()
                        for resource in agent["total_resources"]
                        for reservation in resource.get("reservations", [])], labels)
                scheduler.say("teardown")
                self.assertEqual(scheduler.popen.wait(DEADLINE_S), 0)

    def test_a_document_is_published_over_both(self):
        for master in self.each_way():
            with self.subTest(master):
                scheduler = self.start_scheduler(master=master)
                scheduler.say("publish notes as short as can be")
                path = f"/frameworks/{scheduler.framework_id}/published/notes"
                read = {"type": "READ_FILE", "read_file": {"path": path, "offset": 0}}

                def content():
                    with urllib.request.urlopen(urllib.request.Request(
                            f"http://127.0.0.1:{self.http_port}/api/v1", json.dumps(read).encode(),
                            {"Content-Type": "application/json"}), timeout=10) as answer:
                        return json.load(answer)["read_file"]["data"]

                def published():
                    try:
                        return base64.b64decode(content())
                    except urllib.error.HTTPError:
                        return None
                self.assertEqual(wait_for("the document", published), b"as short as can be")
                scheduler.say("publish Not-A-Name x")
                if master.startswith("http"):
                    self.assertIn("publish.name", scheduler.line("error"))


class SdkOverHttp(ClusterCase):
    """The same schedulers by another URL."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http_port}"

    def test_a_scheduler_of_the_sdk_lives_its_life_over_http(self):
        self.start_master()
        self.start_agent()
        scheduler = self.start_scheduler(master=self.url)
        scheduler.say("launch long 100 32 sleep 1000")
        scheduler.line("update long TASK_RUNNING")
        scheduler.say("launch quick 100 32 exit 3")
        scheduler.line("update quick TASK_FAILED")
        scheduler.say("kill long")
        scheduler.line("update long TASK_KILLED")
        scheduler.say("teardown")
        self.assertEqual(scheduler.popen.wait(DEADLINE_S), 0)
        self.assertEqual(self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]
                         .get("frameworks", []), [])

    def test_a_scheduler_over_http_finds_its_master_again_with_its_tasks(self):
        master = self.start_master()
        self.start_agent()
        scheduler = self.start_scheduler(master=self.url)
        scheduler.say("launch long 100 32 sleep 1000")
        scheduler.line("update long TASK_RUNNING")
        master.kill()
        scheduler.line("disconnected")
        self.start_master()
        scheduler.line(f"registered {scheduler.framework_id} again")
        self.wait_agents(1)
        scheduler.say("launch other 100 32 sleep 1000")
        scheduler.line("update other TASK_RUNNING")
        scheduler.say("kill long")
        scheduler.line("update long TASK_KILLED")

    def test_a_framework_changes_between_the_link_and_http_and_keeps_its_tasks(self):
        self.start_master()
        self.start_agent()
        first = self.start_scheduler()
        first.say("launch long 100 32 sleep 1000")
        first.line("update long TASK_RUNNING")
        second = self.start_scheduler(first.framework_id, master=self.url)
        first.line("error")
        self.assertEqual(second.framework_id, first.framework_id)
        third = self.start_scheduler(first.framework_id)
        second.line("error")
        third.say("kill long")
        third.line("update long TASK_KILLED")

    def test_what_a_scheduler_wants_is_said_over_both_and_again_to_the_next_master(self):
        master = self.start_master()
        self.start_agent()
        schedulers = [self.start_scheduler(), self.start_scheduler(master=self.url)]

        def wanted():
            answer = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]
            return {demand["framework_id"]["value"]: demand["count"]
                    for demand in answer.get("demands", [])}

        everything = {}
        for count, scheduler in enumerate(schedulers, start=2):
            scheduler.say("want 0")
            scheduler.say(f"want {count} 99000")
            everything[scheduler.framework_id] = count
        wait_for("both demands", lambda: wanted() == everything)
        schedulers[0].say("want -3 1000")
        self.assertIn("request: entry 0 is wanted -3 times", schedulers[0].line("error"))
        master.kill()
        self.start_master()
        for scheduler in schedulers:
            scheduler.line(f"registered {scheduler.framework_id} again")
        wait_for("both demands again", lambda: wanted() == everything)
        schedulers[0].say("want 0")
        wait_for("one demand", lambda: len(wanted()) == 1)

    def test_an_address_that_is_none_is_refused_with_a_sentence(self):
        scheduler = self.start("scheduler", [BIN / "told-scheduler", "http://nowhere:x"])
        self.assertEqual(scheduler.popen.wait(DEADLINE_S), 1)
        wait_for("the sentence", lambda: "http://host:port" in "".join(scheduler.errors))


if __name__ == "__main__":
    unittest.main()
