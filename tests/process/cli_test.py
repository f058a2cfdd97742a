"""`bourse`: each command against a real cluster, as a table for people and --json for programs."""

import http.client
import http.server
import json
import os
import subprocess
import threading
import unittest

from cluster_case import BIN, ClusterCase, Process, wait_for
from v1_scheduler import Scheduler

STATS = {
    "run": {"state": "running", "items": 7, "expected_items": 10, "pages": 21, "errors": 1,
            "seconds": 4},
    "stages": [{"name": "fetch", "workers": 2, "target_workers": 3, "queue": 5, "in_flight": 1,
                "done": 21, "failed": 1, "rate_per_s": 5.25, "paused": True}],
    "sites": [{"host": "shop\x1b[2J.test", "state": "draining", "queue": 5, "done": 20,
               "items": 7, "errors": 1, "rate_per_s": 2.5, "allowed_per_s": 3}],
}


class Control(http.server.BaseHTTPRequestHandler):
    """The control address of a crawl: notes what it is told."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append((self.path, body))
        refused = body.get("host") == "nobody.test"
        self.send_response(400 if refused else 200)
        self.end_headers()
        self.wfile.write(b"host: 'nobody.test' is not crawled" if refused else b"{}")

    def log_message(self, *_):
        pass


# Of Mesos v1, and KILL_TASK and EXPLAIN_FRAMEWORK of docs/operator-extensions.md.
PUBLIC_CALLS = {"GET_STATE", "GET_METRICS", "GET_MASTER", "GET_AGENTS", "GET_FRAMEWORKS",
                "GET_TASKS", "GET_ROLES", "GET_VERSION", "LIST_FILES", "READ_FILE", "KILL_TASK",
                "TEARDOWN", "EXPLAIN_FRAMEWORK", "GET_QUOTA", "GET_WEIGHTS",
                "GET_MAINTENANCE_SCHEDULE", "GET_MAINTENANCE_STATUS"}


class Relay(http.server.BaseHTTPRequestHandler):
    """Stands before the master and notes what passes."""

    def do_GET(self):
        self.server.seen.append((f"GET {self.path}", None))
        self.send_error(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((f"POST {self.path}", json.loads(body)["type"]))
        onward = http.client.HTTPConnection(self.server.master, timeout=20)
        onward.request("POST", self.path, body, {"Content-Type": "application/json"})
        answer = onward.getresponse()
        content = answer.read()
        onward.close()
        self.send_response(answer.status)
        for name in ("Content-Type", "Bourse-Sequence"):
            if answer.getheader(name):
                self.send_header(name, answer.getheader(name))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Versions(unittest.TestCase):
    def test_every_program_says_in_one_line_which_build_it_is(self):
        # The crawler's are an example's: what a framework of somebody else's would be.
        programs = sorted(p for p in BIN.iterdir()
                          if p.name.startswith("bourse") and p.suffix == "" and p.is_file()
                          and not p.name.startswith(("bourse-crawl", "bourse-shopweb")))
        self.assertGreaterEqual({p.name for p in programs}, {
            "bourse", "bourse-master", "bourse-agent", "bourse-shim", "bourse-gateway",
            "bourse-service", "bourse-fetch", "bourse-sim"})
        told = {p.name: subprocess.run([p, "--version"], capture_output=True, text=True, timeout=20,
                                       check=True).stdout for p in programs}
        self.assertRegex(told["bourse"], r"^\d+\.\d+\.\d+\n$")
        self.assertEqual(set(told.values()), {told["bourse"]}, told)


class Cli(ClusterCase):
    def start_all(self, label=()):
        self.start_master()
        self.start_agent("a", "--hostname=127.0.0.1")
        self.wait_agents(1)
        return self.start_scheduler(label=label)

    def table(self, *words):
        """Rows of a table by the names of its columns, as far as no cell has a space."""
        lines = self.cli(*words).splitlines()
        names = lines[0].replace("OFFERED CPUS", "OFFERED_CPUS").split()
        return lines[0], [dict(zip(names, line.split())) for line in lines[1:]]

    def json(self, *words):
        return json.loads(self.cli(*words, "--json"))

    def test_state_and_agents_as_table_and_as_json(self):
        self.start_master()
        self.assertEqual(self.cli("agents"), "no agents\n")
        self.start_agent()
        agent = self.wait_agents(1)[0]["agent_info"]
        state = self.cli("state")
        for line in ("agents      1 active, 0 silent, 0 unreachable",
                     "frameworks  0 active, 0 inactive",
                     "tasks       0 staging, 0 running; ended: 0 finished, 0 failed, 0 killed",
                     "cpus        0 of 4 used (0 %)", "mem         0 MB of 2 GB used (0 %)"):
            self.assertIn(line, state)
        self.assertEqual(self.json("state")["type"], "GET_STATE")
        header, rows = self.table("agents")
        self.assertEqual(header.split(), "AGENT HOST STATE CPUS LENT MEMORY DISK UP".split())
        self.assertEqual(len(rows), 1)
        self.assertEqual((rows[0]["AGENT"], rows[0]["STATE"], rows[0]["CPUS"]),
                         (agent["id"]["value"], "active", "0/4"))
        found = self.json("agents")["get_agents"]["agents"]
        self.assertEqual(found[0]["agent_info"]["id"], agent["id"])

    def test_frameworks_and_tasks_as_table_and_as_json(self):
        scheduler = self.start_all()
        self.assertEqual(self.cli("tasks"), "no tasks\n")
        for name, command in (("runs", "sleep 1000"), ("fails", "exit 3")):
            scheduler.say(f"launch {name} 500 64 {command}")
            scheduler.line("update " + name)
        scheduler.line("update fails TASK_FAILED")
        header, rows = self.table("frameworks")
        self.assertEqual(header.split()[:4], "FRAMEWORK NAME ROLES STATE".split())
        self.assertEqual((rows[0]["FRAMEWORK"], rows[0]["NAME"], rows[0]["STATE"]),
                         (scheduler.framework_id, "told", "active"))
        self.assertEqual(rows[0]["CPUS"], "0.5")
        found = self.json("frameworks")["get_frameworks"]["frameworks"]
        self.assertEqual(found[0]["framework_info"]["name"], "told")
        header, rows = self.table("tasks")
        self.assertEqual([row["TASK"] for row in rows], ["runs"])
        self.assertEqual((rows[0]["STATE"], rows[0]["CPUS"]), ("TASK_RUNNING", "0.5"))
        everything = self.cli("tasks", "--all")
        self.assertIn("TASK_FAILED", everything)
        self.assertIn("status 3", everything)
        self.assertIn("fails", self.cli("tasks", "--state=TASK_FAILED"))
        self.assertEqual(self.cli("tasks", "--search=nothing"), "no tasks\n")
        self.assertIn("NO_STATE", self.cli("tasks", "--state=NO_STATE", expect=1))
        found = self.json("tasks")["get_tasks"]["tasks"]
        self.assertEqual(found[0]["task_id"]["value"], "runs")
        scheduler.say("teardown")
        wait_for("its end in the list", lambda: "ended" in self.cli("frameworks", "--all"))
        self.assertEqual(self.cli("frameworks"), "no frameworks\n")

    def test_why_says_what_keeps_a_framework_from_offers(self):
        self.start_master()
        self.start_agent("a", "--attributes=rack:r1")
        self.wait_agents(1)
        constraints = {"role_constraints": {"*": {"groups": [{"attribute_constraints": [
            {"selector": {"attribute_name": "rack"},
             "predicate": {"text_equals": {"value": "r9"}}}]}]}}}
        picky = Scheduler(self.http_port, offer_constraints=constraints)
        self.addCleanup(picky.close)
        found = self.json("why", picky.framework_id)["explain_framework"]
        self.assertEqual(found["framework_id"], {"value": picky.framework_id})
        role = found["roles"][0]
        self.assertEqual((role["role"], role["rank"], role["of"]), ("*", 1, 1))
        self.assertEqual(role["agents"][0]["rule"], "constraint")
        self.assertEqual(role["agents"][0]["numbers"][0],
                         {"name": "fails", "value": "attribute 'rack' equals 'r9'"})
        said = self.cli("why", picky.framework_id)
        self.assertIn("role *: 0% of the cluster, the role 0%; 1 of 1 in line", said)
        self.assertIn("drop the constraint that attribute 'rack' equals 'r9'", said)
        asked = picky.call("REQUEST", {"requests": [{"resources": [
            {"name": "cpus", "type": "SCALAR", "scalar": {"value": 99}}]}] * 3})
        self.assertEqual(asked.status, 202)
        self.assertIn("wants 3 x {99 cpus}: 0 on offer to it, 0 more would fit; largest free cpus",
                      self.cli("why", picky.framework_id))
        listed = self.cli("frameworks").splitlines()
        self.assertRegex(listed[-1], "99 cpus +3 +0 +3$")
        done = subprocess.run([str(BIN / "bourse"), "why", "nobody",
                               f"--master=127.0.0.1:{self.http_port}"],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no framework 'nobody'", done.stderr)

    def test_logs_are_printed_followed_and_given_as_json(self):
        scheduler = self.start_all()
        gate = self.dir / "gate"
        os.mkfifo(gate)
        os.chmod(gate, 0o666)
        os.chmod(self.dir, 0o755)
        scheduler.say("launch talks 100 32 echo first; echo wrong >&2; "
                      f"read x < {gate}; echo $x; exec sleep 1000")
        scheduler.line("update talks TASK_RUNNING")
        wait_for("its first line", lambda: self.cli("logs", "talks") == "first\n")
        self.assertEqual(self.cli("logs", "talks", "--stderr"), "wrong\n")
        piece = self.json("logs", "talks")["read_file"]
        self.assertEqual((piece["size"], piece["data"]), (6, "Zmlyc3QK"))
        follower = Process("logs -f", [
            BIN / "bourse", "logs", "-f", "talks", f"--master=127.0.0.1:{self.http_port}"])
        self.processes.append(follower)
        follower.line("first")
        gate.write_text("second\n")
        follower.line("second")
        self.assertIsNone(follower.popen.poll())
        self.assertEqual(follower.end(), 0)  # ended by a signal, as by Ctrl-C
        self.assertIn("not known", self.cli("logs", "nobody", expect=1))
        self.assertIn("no-file", self.cli("logs", "talks", "--file=no-file", expect=1))

    def test_kill_and_teardown_in_words_and_as_json(self):
        scheduler = self.start_all()
        for name in ("one", "two"):
            scheduler.say(f"launch {name} 100 32 sleep 1000")
            scheduler.line(f"update {name} TASK_RUNNING")
        self.assertEqual(self.cli("kill", "one"), "one is being killed\n")
        scheduler.line("update one TASK_KILLED")
        self.assertEqual(self.json("kill", "two", "--grace=0"), {"task_id": "two"})
        scheduler.line("update two TASK_KILLED")
        self.assertIn("no framework has a task 'nobody'", self.cli("kill", "nobody", expect=1))
        self.assertEqual(self.json("teardown", scheduler.framework_id),
                         {"framework_id": scheduler.framework_id})
        scheduler.line("error")

    def test_a_crawl_is_shown_and_operated(self):
        scheduler = self.start_all(label=("bourse.ui", "crawler"))
        control = self.control()
        stats = {**STATS, "control": "127.0.0.1:%d" % control.server_port}
        scheduler.say("publish stats.json " + json.dumps(stats))
        shown = wait_for("what it publishes", lambda: self.status_of_crawl())
        self.assertIn("running: 7 of 10 items, 21 pages, 1 errors, 4 s", shown)
        self.assertRegex(shown, r"fetch +2/3 +5 +1 +21 +1 +5.25  paused")
        self.assertNotIn("draining", shown)
        sites = self.cli("crawl", "--sites")
        self.assertIn("shop?[2J.test", sites)  # no name drives the terminal
        self.assertRegex(sites, r"draining +5 +20 +7 +1 +2.5 +3")
        self.assertEqual(self.json("crawl"), stats)
        for words, told in (
            (("pause",), {"op": "pause"}),
            (("resume", "fetch"), {"op": "resume", "stage": "fetch"}),
            (("scale", "fetch", "4"), {"op": "scale", "stage": "fetch", "workers": 4}),
            (("scale", "fetch", "auto"), {"op": "scale", "stage": "fetch", "workers": "auto"}),
            (("rate", "a.test", "2.5"), {"op": "rate", "host": "a.test", "per_s": 2.5}),
            (("drain", "a.test"), {"op": "drain", "host": "a.test"}),
            (("undrain", "a.test"), {"op": "undrain", "host": "a.test"}),
        ):
            self.assertEqual(self.cli("crawl", *words), "done\n")
            self.assertEqual(control.told.pop(), ("/control", told))
        self.assertEqual(self.json("crawl", "pause"), {"op": "pause"})
        self.assertIn("'nobody.test' is not crawled",
                      self.cli("crawl", "drain", "nobody.test", expect=1))
        for wrong in (("scale", "fetch", "many"), ("rate", "a.test"), ("dance",)):
            self.assertIn("usage: bourse crawl", self.cli("crawl", *wrong, expect=2))

    def status_of_crawl(self):
        done = subprocess.run([str(BIN / "bourse"), "crawl"], capture_output=True, text=True,
                              env={**os.environ, "BOURSE_MASTER": f"127.0.0.1:{self.http_port}"})
        return done.stdout if done.returncode == 0 else None

    def test_every_command_is_a_public_call_to_the_master_and_nothing_else(self):
        scheduler = self.start_all()
        scheduler.say("launch one 100 32 echo said; exec sleep 1000")
        scheduler.line("update one TASK_RUNNING")
        wait_for("its output", lambda: self.cli("logs", "one") == "said\n")
        server, flag = self.relay()
        for words in (("state",), ("agents",), ("frameworks", "--all"), ("tasks", "--all"),
                      ("why", scheduler.framework_id), ("quota", "list"), ("weight", "list"),
                      ("maintenance", "schedule"), ("maintenance", "status"),
                      ("logs", "one"), ("kill", "one"), ("teardown", scheduler.framework_id)):
            before = len(server.seen)
            self.cli(*words, flag)
            self.assertGreater(len(server.seen), before, words)
        self.assertEqual({where for where, _ in server.seen}, {"POST /api/v1"})
        kinds = {kind for _, kind in server.seen}
        self.assertLessEqual(kinds, PUBLIC_CALLS)
        self.assertLessEqual({"READ_FILE", "KILL_TASK", "TEARDOWN"}, kinds)

    def relay(self):
        """Stands before the master; the flag that sends a command there."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay)
        server.master, server.seen = f"127.0.0.1:{self.http_port}", []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server, f"--master=127.0.0.1:{server.server_address[1]}"

    def control(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Control)
        server.told = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def test_a_crawl_is_operated_at_the_address_it_published_and_nowhere_else(self):
        scheduler = self.start_all(label=("bourse.ui", "crawler"))
        control = self.control()
        stats = {**STATS, "control": "127.0.0.1:%d" % control.server_port}
        scheduler.say("publish stats.json " + json.dumps(stats))
        wait_for("what it publishes", lambda: self.status_of_crawl())
        server, flag = self.relay()
        self.cli("crawl", flag)
        looked = list(server.seen)
        self.assertEqual(control.told, [])  # looking is the master's business alone
        self.cli("crawl", "pause", flag)
        self.assertEqual(server.seen, looked * 2)  # and so is finding the address
        self.assertEqual(looked, [("POST /api/v1", kind)
                                  for kind in ("GET_FRAMEWORKS", "READ_FILE")])
        self.assertEqual(control.told, [("/control", {"op": "pause"})])

    def test_wrong_usage_and_a_missing_master_are_one_sentence(self):
        for words, said in (
            (("dance",), "'dance' is no command"),
            (("tasks", "--colour=red"), "colour"),
            (("logs",), "give one task id"),
            (("kill", "a", "b"), "give one task id"),
        ):
            self.http_port = 1
            self.assertIn(said, self.cli(*words, expect=2))
        for command in ("state", "agents", "frameworks", "tasks", "crawl"):
            said = self.cli(command, expect=1)
            self.assertIn("no master at http://127.0.0.1:1", said)
            self.assertIn("--master=HOST:PORT", said)
            self.assertEqual(said.count("\n"), 1)

    def test_agents_that_share_a_host_are_told_apart_by_their_port(self):
        self.start_master()
        self.start_agent("a", "--hostname=here")
        self.wait_agents(1)
        self.assertEqual([row["HOST"] for row in self.table("agents")[1]], ["here"])
        self.start_agent("b", "--hostname=here")
        self.start_agent("c", "--hostname=there")
        ports = {agent["agent_info"]["id"]["value"]: agent["agent_info"]["port"]
                 for agent in self.wait_agents(3)}
        scheduler = self.start_scheduler()
        scheduler.say("launch runs 500 64 sleep 1000")
        scheduler.line("update runs TASK_RUNNING")
        named = {row["AGENT"]: row["HOST"] for row in self.table("agents")[1]}
        self.assertEqual(sorted(named.values()), sorted(
            name if name == "there" else f"here:{ports[agent]}" for agent, name in
            ((agent, name.split(":")[0]) for agent, name in named.items())))
        agent = self.json("tasks")["get_tasks"]["tasks"][0]["agent_id"]["value"]
        self.assertEqual(self.table("tasks")[1][0]["HOST"], named[agent])

    def test_help_names_every_command_and_every_flag(self):
        help_text = self.cli("help")
        for command in ("state", "agents", "frameworks", "tasks", "logs", "kill", "teardown",
                        "crawl"):
            self.assertIn(f"  {command} ", help_text)
            flags = self.cli(command, "--help")
            self.assertIn("--master", flags)
            self.assertIn("--json", flags)
        lines = help_text.splitlines()
        for command in [line.split()[0] for line in lines[2:lines.index("", 2)]]:
            flags = self.cli(command, "--help")
            for flag in ("--master", "--service"):
                promised = lines[next(n for n, line in enumerate(lines)
                                      if line.startswith(f"  {flag}=")) + 1].split()
                self.assertEqual(command in promised, flag in flags, (command, flag))


if __name__ == "__main__":
    unittest.main()
