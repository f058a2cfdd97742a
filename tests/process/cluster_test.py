"""A real master, real agents, real containers."""

import os
import pathlib
import signal
import socket
import subprocess
import unittest
import urllib.request

from cluster_case import BIN, ClusterCase, wait_for


def task_processes(mark):
    """Pids of processes whose command line has this mark."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "cmdline").read_bytes().decode():
                found.append(int(entry.name))
        except (OSError, UnicodeDecodeError):
            pass
    return found


class Cluster(ClusterCase):
    def test_hello_runs_three_tasks_and_ends(self):
        self.start_master()
        self.start_agent()
        self.wait_agents(1)
        done = subprocess.run([str(BIN / "hello"), f"127.0.0.1:{self.link_port}"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("TASK_FINISHED"), 3, done.stdout)
        self.assertEqual(self.cli("logs", "two"), "hello from two\n")
        self.assertIn("TASK_FINISHED", self.cli("tasks", "--all"))
        self.assertIn("3 finished", self.cli("state"))

    def test_an_exit_code_and_a_kill_reach_the_framework(self):
        self.start_master()
        self.start_agent()
        scheduler = self.start_scheduler()
        scheduler.say("launch bad 100 32 exit 3")
        self.assertIn("status 3", scheduler.line("update bad TASK_FAILED"))
        scheduler.say("launch long 100 32 sleep 1000")
        scheduler.line("update long TASK_RUNNING")
        scheduler.say("kill long 100")
        scheduler.line("update long TASK_KILLED")

    def test_a_launch_on_an_offer_that_is_not_held_is_told_as_dropped(self):
        self.start_master()
        scheduler = self.start_scheduler()
        scheduler.say("launch-on O-none lost-one")
        self.assertIn("REASON_INVALID_OFFERS", scheduler.line("update lost-one TASK_DROPPED"))

    def test_an_operator_kills_a_task_and_tears_a_framework_down(self):
        self.start_master()
        self.start_agent()
        scheduler = self.start_scheduler()
        for name in ("one", "two"):
            scheduler.say(f"launch {name} 100 32 sleep 1000")
            scheduler.line(f"update {name} TASK_RUNNING")
        self.cli("kill", "one")
        scheduler.line("update one TASK_KILLED")
        self.assertIn("no framework has a task 'nobody'", self.cli("kill", "nobody", expect=1))
        self.cli("teardown", scheduler.framework_id)
        scheduler.line("error")
        wait_for("no framework", lambda: not self.call(
            {"type": "GET_FRAMEWORKS"})["get_frameworks"].get("frameworks"))

    def test_an_agent_killed_and_restarted_keeps_its_tasks_with_their_pids(self):
        self.start_master("--agent-heartbeat=200ms", "--agent-silence=1secs")
        agent = self.start_agent()
        scheduler = self.start_scheduler()
        mark = f"sleep 98{os.getpid() % 1000:03d}"
        scheduler.say(f"launch keeps 100 32 exec {mark}")
        scheduler.line("update keeps TASK_RUNNING")
        before = wait_for("the task", lambda: task_processes(mark.replace(" ", "\0")))
        agent.kill()
        self.start_agent()
        self.wait_agents(1)
        self.assertEqual(task_processes(mark.replace(" ", "\0")), before)
        scheduler.say("kill keeps 0")
        scheduler.line("update keeps TASK_KILLED")

    def test_an_exit_that_happened_without_an_agent_is_learned(self):
        self.start_master("--agent-heartbeat=200ms", "--agent-silence=1secs")
        agent = self.start_agent()
        scheduler = self.start_scheduler()
        gate = self.dir / "gate"
        os.mkfifo(gate)
        os.chmod(gate, 0o666)
        os.chmod(self.dir, 0o755)
        scheduler.say(f"launch waits 100 32 read line < {gate}; exit 7")
        scheduler.line("update waits TASK_RUNNING")
        agent.kill()
        with open(gate, "w") as out:
            out.write("go\n")
        self.start_agent()
        self.assertIn("status 7", scheduler.line("update waits TASK_FAILED"))

    def test_a_master_restart_loses_no_task_and_keeps_ids(self):
        master = self.start_master("--agent-heartbeat=200ms", "--agent-silence=1secs")
        self.start_agent()
        scheduler = self.start_scheduler()
        scheduler.say("launch stays 100 32 sleep 1000")
        scheduler.line("update stays TASK_RUNNING")
        agent_id = self.wait_agents(1)[0]["agent_info"]["id"]["value"]
        master.kill()
        self.start_master("--agent-heartbeat=200ms", "--agent-silence=1secs")
        self.assertEqual(self.wait_agents(1)[0]["agent_info"]["id"]["value"], agent_id)
        again = scheduler.line("registered", skip=1)
        self.assertEqual(again.split()[1], scheduler.framework_id)
        running = wait_for("the task in the new master's view", lambda: [
            t for t in self.call({"type": "GET_TASKS"})["get_tasks"].get("tasks", [])
            if t["state"] == "TASK_RUNNING"])
        self.assertEqual(running[0]["task_id"]["value"], "stays")
        self.assertFalse([line for line in scheduler.lines if "TASK_LOST" in line])
        scheduler.say("kill stays 0")
        scheduler.line("update stays TASK_KILLED")

    def test_after_a_failover_tasks_are_orphans_until_their_framework_is_back(self):
        master = self.start_master()
        self.start_agent()
        first = self.start_scheduler()
        first.say("launch stays 100 32 sleep 1000")
        first.line("update stays TASK_RUNNING")
        first.kill()
        master.kill()
        self.start_master()
        self.wait_agents(1)

        def orphans():
            tasks = self.call({"type": "GET_TASKS"})["get_tasks"].get("orphan_tasks", [])
            return [task["task_id"]["value"] for task in tasks]
        wait_for("the orphan", lambda: orphans() == ["stays"])
        recovered = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]
        self.assertEqual(recovered["recovered_frameworks"][0]["id"]["value"], first.framework_id)
        self.assertTrue(recovered["frameworks"][0]["recovered"])
        self.assertIn("TASK_RUNNING (orphan)", self.cli("tasks", "--orphans"))
        self.assertIn("not seen yet", self.cli("frameworks"))
        second = self.start_scheduler(first.framework_id)
        wait_for("it is adopted", lambda: not orphans())
        self.assertEqual(self.cli("tasks", "--orphans"), "no tasks\n")
        second.say("kill stays 0")
        second.line("update stays TASK_KILLED")

    def test_a_scheduler_that_comes_back_takes_its_tasks_over(self):
        self.start_master()
        self.start_agent()
        first = self.start_scheduler()
        first.say("launch stays 100 32 sleep 1000")
        first.line("update stays TASK_RUNNING")
        first.kill()
        second = self.start_scheduler(first.framework_id)
        self.assertEqual(second.framework_id, first.framework_id)
        second.say("kill stays 0")
        second.line("update stays TASK_KILLED")

    def test_flags_override_what_the_machine_has_and_say_where_it_stands(self):
        self.start_master()
        agent = self.start_agent(
            "a", "--resources=cpus:1.5;ports:[41000-41009];seats:3",
            "--attributes=rack:r7;ssd:yes;level:2", "--region=north", "--zone=north-1")
        shown = self.wait_agents(1)[0]
        total = {row["name"]: row for row in shown["total_resources"]}
        self.assertEqual(total["cpus"]["scalar"]["value"], 1.5)
        self.assertEqual(total["ports"]["ranges"]["range"], [{"begin": 41000, "end": 41009}])
        self.assertEqual(total["seats"]["scalar"]["value"], 3)
        # What the flag does not name is taken from the machine.
        megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
        self.assertGreater(total["mem"]["scalar"]["value"], 0)
        self.assertLess(total["mem"]["scalar"]["value"], megabytes)
        self.assertGreater(total["disk"]["scalar"]["value"], 0)
        info = shown["agent_info"]
        attributes = {row["name"]: row.get("text", row.get("scalar")) for row in info["attributes"]}
        self.assertEqual(attributes["rack"], {"value": "r7"})
        self.assertEqual(attributes["ssd"], {"value": "yes"})
        self.assertEqual(attributes["level"], {"value": 2})
        self.assertEqual(info["domain"]["fault_domain"],
                         {"region": {"name": "north"}, "zone": {"name": "north-1"}})
        self.assertIsNone(agent.popen.poll())

    @unittest.skipUnless(os.geteuid() == 0, "only root can run a task as somebody else")
    def test_a_task_without_a_user_runs_as_its_frameworks_user(self):
        self.dir.chmod(0o755)
        self.start_master()
        self.start_agent()
        scheduler = self.start_scheduler(env={"TOLD_USER": "nobody"})
        scheduler.say("launch who 100 32 id -un; stat -c %U .")
        scheduler.line("update who TASK_FINISHED")
        self.assertEqual(self.cli("logs", "who"), "nobody\nnobody\n")

    def test_memory_beyond_the_limit_is_reported_as_such(self):
        if os.geteuid() != 0:
            self.skipTest("memory limits need root")
        self.start_master()
        self.start_agent()
        scheduler = self.start_scheduler()
        scheduler.say("launch eats 100 64 python3 -c \"x = bytearray(300 << 20)\"")
        line = scheduler.line("update eats TASK_FAILED")
        self.assertIn("REASON_CONTAINER_LIMITATION_MEMORY", line)

    def test_strangers_on_the_link_are_disconnected_and_nothing_else_happens(self):
        self.start_master()
        self.start_agent()
        self.wait_agents(1)
        for bytes_sent in (b"GET / HTTP/1.0\r\n\r\n", b"\x00" * 64, os.urandom(4096)):
            with socket.create_connection(("127.0.0.1", self.link_port), timeout=10) as stranger:
                stranger.sendall(bytes_sent)
        self.wait_agents(1)
        scheduler = self.start_scheduler()
        scheduler.say("launch ok 100 32 true")
        scheduler.line("update ok TASK_FINISHED")

    @unittest.skipIf("asan" in str(BIN) or "tsan" in str(BIN), "sanitizers bring their allocator")
    def test_the_master_allocates_as_its_figures_were_measured(self):
        read = subprocess.run(["readelf", "--dynamic", BIN / "bourse-master"],
                              capture_output=True, text=True, check=True).stdout
        needed = [line.split("[")[1] for line in read.splitlines() if "(NEEDED)" in line]
        order = [name.split(".so")[0] for name in needed]
        self.assertLess(order.index("libmimalloc"), order.index("libc"), order)

    def test_the_web_page_is_served_by_the_master_with_its_security_headers(self):
        self.start_master()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/", timeout=10) as page:
            self.assertIn("default-src 'self'", page.headers["Content-Security-Policy"])
            self.assertIn(b"<html", page.read())

    def test_wrong_calls_are_refused_by_name(self):
        self.start_master()
        self.assertIn("type", self.call({"type": "NO_SUCH"}, expect=400))
        self.assertIn("NO_STATE", self.call(
            {"type": "GET_TASKS", "get_tasks": {"state": ["NO_STATE"]}}, expect=400))
        self.assertIn("after", self.call(
            {"type": "GET_TASKS", "get_tasks": {"after": "x"}}, expect=400))
        self.assertIn("..", self.call(
            {"type": "READ_FILE", "read_file": {"path": "/agents/a/../b", "offset": 0}},
            expect=400))
        self.call({"type": "READ_FILE", "read_file": {"path": "/agents/a/sandbox/f/e/c/x",
                                                      "offset": 0}}, expect=404)

    def test_a_second_daemon_in_a_work_directory_and_a_taken_port_are_refused_in_a_sentence(self):
        self.start_master()
        again = subprocess.run(
            [str(BIN / "bourse-master"), "--port=0", "--agent-port=0",
             f"--work-dir={self.dir}/master"], capture_output=True, text=True, timeout=20)
        self.assertEqual(again.returncode, 1)
        self.assertEqual(len(again.stderr.strip().splitlines()), 1, again.stderr)
        taken = subprocess.run(
            [str(BIN / "bourse-master"), f"--port={self.http_port}", "--agent-port=0",
             f"--work-dir={self.dir}/other"], capture_output=True, text=True, timeout=20)
        self.assertEqual(taken.returncode, 1)
        self.assertIn(str(self.http_port), taken.stderr)
        open_to_all = subprocess.run(
            [str(BIN / "bourse-master"), "--ip=0.0.0.0", "--advertise-ip=127.0.0.1",
             f"--work-dir={self.dir}/open"],
            capture_output=True, text=True, timeout=20)
        self.assertEqual(open_to_all.returncode, 1)
        self.assertIn("--insecure", open_to_all.stderr)

    def test_an_agent_that_leaves_orderly_is_silent_at_once_and_back_with_its_tasks(self):
        self.start_master()
        agent = self.start_agent()
        scheduler = self.start_scheduler()
        scheduler.say("launch stays 100 32 sleep 1000")
        scheduler.line("update stays TASK_RUNNING")
        agent.popen.send_signal(signal.SIGTERM)
        self.wait_agents(1, active=False)
        agent.popen.wait(10)
        self.start_agent()
        self.wait_agents(1)
        scheduler.say("kill stays 0")
        scheduler.line("update stays TASK_KILLED")


if __name__ == "__main__":
    unittest.main()
