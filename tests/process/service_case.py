"""A real cluster with a service scheduler for a test, and how to look at what it does."""

import http.client
import json
import pathlib

from cluster_case import BIN, ClusterCase, wait_for

SLEEPER = {"command": "exec sleep 1000", "cpus": 0.1, "mem": 32,
           "ready_after_seconds": 0.3, "backoff": {"first_seconds": 0.2, "most_seconds": 1}}


class Scheduler:
    """One bourse-service and its API."""

    def __init__(self, process):
        self.process = process
        self.port = int(process.line("ready").rsplit(":", 1)[1])

    def ask(self, method, path, body=None):
        """Status, body and the Location header; None while it cannot be reached."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            if isinstance(body, dict):
                body = json.dumps(body)
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers.get("Location")
        except OSError:
            return None
        finally:
            connection.close()

    def health(self):
        answer = self.ask("GET", "/health")
        return json.loads(answer[1]) if answer else {}

    def leads(self):
        health = self.health()
        return health.get("state") == "leading" and health.get("registered", False)


class ServiceCase(ClusterCase):
    def setUp(self):
        super().setUp()
        self.store = f"{self.dir}/services.db"
        self.masters = None

    def start_cluster(self, agents=2, *flags):
        self.start_master()
        for index in range(agents):
            self.start_agent(f"a{index}", f"--hostname=host{index}",
                             f"--attributes=rack:r{index}",
                             f"--resources=cpus:2;mem:1024;disk:1000;ports:[{31000 + index * 100}-"
                             f"{31009 + index * 100}]")
        self.wait_agents(agents)

    def start_service(self, *flags, name="service"):
        return Scheduler(self.start(name, [
            BIN / "bourse-service", f"--master={self.masters or f'127.0.0.1:{self.link_port}'}",
            f"--store={self.store}", "--listen=127.0.0.1:0", *flags]))

    def start_leading(self, *flags):
        service = self.start_service(*flags)
        wait_for("it leads", service.leads)
        return service

    # -- the API

    def put(self, service, app, body, expect=(200, 201)):
        status, text, _ = service.ask("PUT", f"/v1/apps/{app}", body)
        self.assertIn(status, expect, text)
        return json.loads(text)

    def post(self, service, path, body=None, expect=200):
        status, text, _ = service.ask("POST", path, body)
        self.assertEqual(status, expect, text)
        return json.loads(text)

    @staticmethod
    def app(service, app):
        answer = service.ask("GET", f"/v1/apps/{app}")
        return json.loads(answer[1]) if answer and answer[0] == 200 else None

    @staticmethod
    def tasks(service, app):
        answer = service.ask("GET", f"/v1/apps/{app}/tasks")
        return json.loads(answer[1])["tasks"] if answer and answer[0] == 200 else []

    def wait_done(self, service, app, instances):
        def look():
            found = self.app(service, app)
            done = found and found["deployment"]["state"] == "done"
            return found if done and found["counts"]["running"] == instances else None
        return wait_for(f"{app} has {instances}", look)

    def sleepers(self):
        """The sleeping processes of this test's tasks, by task and their number outside."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if (entry / "cmdline").read_bytes() != b"sleep\x001000\x00":
                    continue
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(self.dir).encode() in environment:
                task = environment.split(b"MESOS_TASK_ID=")[1].split(b"\0")[0].decode()
                found[task] = int(entry.name)
        return found

    def pids(self, service, app):
        """Of the tasks that the scheduler says run."""
        running = [t["id"] for t in self.tasks(service, app) if t["phase"] == "running"]
        return wait_for(f"a process of each of {running}", lambda: (
            lambda found: {t: found[t] for t in running} if set(running) <= set(found) else None)(
                self.sleepers()))
