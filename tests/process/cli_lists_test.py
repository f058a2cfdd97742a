"""The lists of `bourse`: all of what there is, nothing that was not asked for, and how to ask."""

import http.client
import http.server
import json
import os
import subprocess
import threading
import unittest

from cluster_case import BIN, ClusterCase, wait_for


class SmallWindows(http.server.BaseHTTPRequestHandler):
    """Passes calls on to the master, but asks it for two tasks at a time when a limit is given, so
    that a few tasks take several answers as thousands do."""

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = call.get("get_tasks", {})
        if "limit" in asked:
            asked["limit"] = min(asked["limit"], 2)
        self.server.seen.append(call)
        onward = http.client.HTTPConnection(self.server.master, timeout=20)
        onward.request("POST", self.path, json.dumps(call), {"Content-Type": "application/json"})
        answer = onward.getresponse()
        content = answer.read()
        onward.close()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Lists(ClusterCase):
    def start_tasks(self):
        """Five that run and two that have ended."""
        self.start_master()
        self.start_agent()
        self.wait_agents(1)
        scheduler = self.start_scheduler()
        for number in range(2):
            scheduler.say(f"launch ended{number} 100 32 exit 3")
            scheduler.line(f"update ended{number} TASK_FAILED")
        for number in range(5):
            scheduler.say(f"launch runs{number} 100 32 sleep 1000")
            scheduler.line(f"update runs{number} TASK_RUNNING")
        wait_for("their ends", lambda: self.cli("tasks", "--all").count("TASK_FAILED") == 2)
        return scheduler

    def windows(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SmallWindows)
        server.master, server.seen = f"127.0.0.1:{self.http_port}", []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server, f"--master=127.0.0.1:{server.server_address[1]}"

    def names(self, *words):
        return [line.split()[0] for line in self.cli("tasks", *words).splitlines()[1:]]

    def test_all_tasks_are_listed_however_many_answers_they_take(self):
        self.start_tasks()
        server, master = self.windows()
        running = [f"runs{number}" for number in reversed(range(5))]
        self.assertEqual(self.names(master), running)
        self.assertEqual(len([call for call in server.seen if call["type"] == "GET_TASKS"]), 3)
        self.assertEqual(self.names(master, "--all"), [*running, "ended1", "ended0"])
        self.assertEqual(self.names(master, "--state=TASK_FAILED"), ["ended1", "ended0"])
        cut = self.cli("tasks", master, "--limit=3").splitlines()
        self.assertEqual([line.split()[0] for line in cut[1:-1]], running[:3])
        self.assertEqual(cut[-1], "3 of 5 tasks; a larger --limit shows more")
        for enough in ("--limit=5", "--limit=0"):
            self.assertEqual(self.names(master, enough), running)
        self.assertIn("less than 0", self.cli("tasks", "--limit=-1", expect=2))

    def test_ended_ones_are_in_the_json_when_they_are_asked_for(self):
        scheduler = self.start_tasks()
        told = json.loads(self.cli("tasks", "--json"))["get_tasks"]
        self.assertEqual((len(told["tasks"]), told["completed_tasks"]), (5, []))
        told = json.loads(self.cli("tasks", "--json", "--all"))["get_tasks"]
        self.assertEqual((len(told["tasks"]), len(told["completed_tasks"])), (5, 2))
        scheduler.say("teardown")
        wait_for("its end", lambda: "ended" in self.cli("frameworks", "--all"))
        told = json.loads(self.cli("frameworks", "--json"))["get_frameworks"]
        self.assertEqual(told["completed_frameworks"], [])
        told = json.loads(self.cli("frameworks", "--json", "--all"))["get_frameworks"]
        self.assertEqual(len(told["completed_frameworks"]), 1)

    def bourse(self, *words, **environment):
        return subprocess.run([BIN / "bourse", *words], env={**os.environ, **environment},
                              capture_output=True, text=True, timeout=30)

    def test_who_is_asked_may_be_said_before_the_command(self):
        self.start_master()
        address = f"127.0.0.1:{self.http_port}"
        for words in (("--json", f"--master={address}", "state"),
                      ("--master", address, "state", "--json"),
                      (f"--master={address}", "--json", "quota", "list")):
            done = self.bourse(*words)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("type", json.loads(done.stdout))
        done = self.bourse("--all", "tasks")
        self.assertEqual(done.returncode, 2)
        self.assertIn("'--all' stands before the command", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)

    def test_of_the_environment_only_whom_to_ask_and_as_whom_is_read(self):
        self.start_master()
        done = self.bourse("tasks", BOURSE_MASTER=f"127.0.0.1:{self.http_port}",
                           BOURSE_STATE="no-state", BOURSE_LIMIT="none", BOURSE_JSON="maybe")
        self.assertEqual((done.returncode, done.stdout), (0, "no tasks\n"), done.stderr)
        done = self.bourse("tasks", BOURSE_MASTER="127.0.0.1:1")
        self.assertIn("no master at http://127.0.0.1:1", done.stderr)
        done = self.bourse("app", "list", BOURSE_SERVICE="127.0.0.1:1")
        self.assertIn("no service scheduler at http://127.0.0.1:1", done.stderr)
        done = self.bourse("tasks", BOURSE_CREDENTIAL="/nonexistent")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nonexistent", done.stderr)


class Usage(unittest.TestCase):
    def test_wrong_usage_of_a_tool_is_one_sentence_and_status_2(self):
        for program in ("bourse-crawler", "bourse-crawl-local", "bourse-shopweb",
                        "bourse-crawl-check", "bourse-sim", "bourse"):
            words = ["tasks"] if program == "bourse" else []
            with self.subTest(program):
                done = subprocess.run([BIN / program, *words, "--no-such-flag"],
                                      capture_output=True, text=True, timeout=20)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)
                self.assertTrue(done.stderr.startswith(program), done.stderr)
                done = subprocess.run([BIN / program, *words, "--help"], capture_output=True,
                                      timeout=20)
                self.assertEqual((done.returncode, done.stderr), (0, b""))


if __name__ == "__main__":
    unittest.main()
