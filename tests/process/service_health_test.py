"""Health checks of apps, with real processes: who counts as available, and who is replaced."""

import json
import pathlib
import unittest

from cluster_case import wait_for
from service_case import SLEEPER, ServiceCase

SOON = {"interval_seconds": 0.1, "timeout_seconds": 10}
# Answers 200 while there is a file `well` in its sandbox, else 503.
SERVER = """exec python3 -c '
import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" and os.path.exists("well") else 503)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT0"])), Answer).serve_forever()
'"""
WELL = {**SLEEPER, "command": "touch well; " + SERVER, "ports": 1,
        "health_check": {"type": "http", "path": "/healthz", "failures": 2, **SOON}}


class ServiceHealth(ServiceCase):
    def sandbox(self, task):
        found = list(pathlib.Path(self.dir).glob(f"**/executors/{task}/runs/*/"))
        return next(path for path in found if path.name != "latest")

    def test_an_instance_that_is_not_well_is_replaced_and_the_next_counts_once_it_is(self):
        self.start_cluster(1)
        service = self.start_leading()
        self.put(service, "web", {**WELL, "check": {
            "type": "command", "command": "[ -e well ] && exit 4", **SOON}})
        self.wait_done(service, "web", 1)
        first = wait_for("both checks say so", lambda: next(
            (t for t in self.tasks(service, "web") if t.get("healthy") and t.get("check") == 4),
            None))
        self.assertTrue(first["ready"])
        (self.sandbox(first["id"]) / "well").unlink()

        def replaced():
            return next((t for t in self.tasks(service, "web")
                         if t["number"] != first["number"] and t["ready"]), None)
        second = wait_for("another is well", replaced)
        self.assertTrue(second["healthy"])
        shown = self.wait_done(service, "web", 1)
        end = shown["last_ends"][0]
        self.assertEqual((end["number"], end["state"]), (first["number"], "TASK_KILLED"))
        self.assertIn("health check failed", end["message"])
        # A scheduler that is new knows who is well.
        service.process.popen.kill()
        service = self.start_leading()
        self.wait_done(service, "web", 1)
        self.assertEqual([(t["id"], t["healthy"]) for t in self.tasks(service, "web")],
                         [(second["id"], True)])

    def test_a_version_that_never_gets_well_leaves_its_predecessor_serving(self):
        self.start_cluster(1)
        service = self.start_leading()
        at = f"--service=127.0.0.1:{service.port}"
        self.cli("app", "run", "web", at, "--command=" + WELL["command"], "--ports=1",
                 "--cpus=0.1", "--mem=32", "--ready-after=0.3", "--health-check=http:/healthz",
                 "--check-interval=0.1", "--wait")
        first = self.tasks(service, "web")[0]
        whole = json.loads(self.cli("app", "show", "web", at, "--json"))["app"]
        self.assertEqual((whole["health_check"]["type"], whole["health_check"]["path"]),
                         ("http", "/healthz"))
        never = {**whole, "command": SERVER}
        never["health_check"]["grace_seconds"] = 600
        self.put(service, "web", never)
        wait_for("the new one runs and is not well", lambda: "does not say that it is well" in
                 self.app(service, "web")["deployment"].get("why", ""))
        old = next(t for t in self.tasks(service, "web") if t["id"] == first["id"])
        self.assertTrue(old["ready"])
        new = next(t for t in self.tasks(service, "web") if t["id"] != first["id"])
        self.assertFalse(new["ready"])
        # Once it is, the old one goes.
        (self.sandbox(new["id"]) / "well").touch()
        wait_for("the old one is gone", lambda: [
            t["id"] for t in self.tasks(service, "web")] == [new["id"]])
        for word in ("udp", "http", "http:", "tcp:80", "command:"):
            self.assertIn("must be http:/PATH, tcp or command:LINE", self.cli(
                "app", "run", "x", "--command=x", f"--health-check={word}", at, expect=1))
        self.assertIn("health_check.port_index: 0 must be less than ports", self.cli(
            "app", "run", "x", "--command=x", "--health-check=tcp", at, expect=1))


if __name__ == "__main__":
    unittest.main()
