"""bourse-service against a real master and real agents: apps run, come back, scale and roll; losing
the scheduler touches nothing that runs; of several on one file one leads."""

import json
import os
import pathlib
import signal
import threading
import unittest

from cluster_case import BIN, wait_for
from service_case import SLEEPER, ServiceCase


class Service(ServiceCase):
    def test_an_app_runs_with_its_ports_and_environment_where_its_constraints_allow(self):
        self.start_cluster()
        service = self.start_leading()
        answer = self.put(service, "web", {
            **SLEEPER, "command": "env > env; exec sleep 1000", "instances": 2, "ports": 2,
            "env": {"COLOUR": "blue"}, "labels": {"tier": "front"},
            "constraints": [{"attribute": "hostname", "operator": "unique"}]}, (201,))
        self.assertTrue(answer["changed"])
        self.assertEqual(answer["version"], 1)
        self.wait_done(service, "web", 2)
        tasks = self.tasks(service, "web")
        self.assertEqual({task["hostname"] for task in tasks}, {"host0", "host1"})
        for task in tasks:
            ports = task["ports"]
            self.assertEqual(len(ports), 2)
            lines = wait_for("its environment", lambda task=task: self.cli(
                "logs", task["id"], "--file=env").splitlines())
            for expected in (f"PORT0={ports[0]}", f"PORT1={ports[1]}", f"PORT={ports[0]}",
                             f"PORTS={ports[0]},{ports[1]}", "COLOUR=blue", "BOURSE_APP=web",
                             f"HOST={task['hostname']}"):
                self.assertIn(expected, lines)
        # A third has no host of its own: it waits and says why.
        self.post(service, "/v1/apps/web/scale", {"instances": 3})
        why = wait_for("why it waits", lambda: self.app(service, "web")["deployment"].get("why"))
        self.assertIn("1 instance", why)
        wait_for("the rule is named", lambda: "hostname" in self.app(
            service, "web")["deployment"].get("why", ""))
        self.assertEqual(self.app(service, "web")["counts"]["running"], 2)
        # Of one rack only.
        self.put(service, "one", {**SLEEPER, "instances": 2, "constraints": [
            {"attribute": "rack", "operator": "equals", "value": "r1"}]})
        self.wait_done(service, "one", 2)
        self.assertEqual({t["hostname"] for t in self.tasks(service, "one")}, {"host1"})

    def test_a_killed_instance_comes_back_and_an_app_that_exits_at_once_backs_off(self):
        self.start_cluster(1)
        service = self.start_leading()
        self.put(service, "web", {**SLEEPER, "instances": 2})
        self.wait_done(service, "web", 2)
        before = self.pids(service, "web")
        victim = sorted(before)[0]
        os.kill(before[victim], signal.SIGKILL)
        wait_for("it is replaced", lambda: victim not in {
            t.get("id") for t in self.tasks(service, "web")})
        app = self.wait_done(service, "web", 2)
        self.assertEqual(app["ends"], 1)
        self.assertEqual(app["last_ends"][0]["state"], "TASK_FAILED")
        after = self.pids(service, "web")
        survivor = sorted(before)[1]
        self.assertEqual(after[survivor], before[survivor])
        self.put(service, "bad", {**SLEEPER, "command": "exit 3",
                                  "backoff": {"first_seconds": 0.2, "most_seconds": 30}})
        why = wait_for("it backs off", lambda: (
            lambda text: text if "3 failures in a row" in text else None)(
                (self.app(service, "bad") or {}).get("deployment", {}).get("why", "")))
        self.assertIn("back-off", why)
        self.assertIn("TASK_FAILED", why)
        # Mended, it runs at once.
        self.put(service, "bad", SLEEPER)
        self.wait_done(service, "bad", 1)

    def test_an_app_is_scaled_and_deleted_and_its_tasks_end_with_it(self):
        self.start_cluster(1)
        service = self.start_leading()
        self.put(service, "web", {**SLEEPER, "instances": 1})
        self.wait_done(service, "web", 1)
        first = self.pids(service, "web")
        self.post(service, "/v1/apps/web/scale", {"instances": 12})
        self.wait_done(service, "web", 12)
        pids = self.pids(service, "web")
        self.assertEqual(len(set(pids.values())), 12)
        self.post(service, "/v1/apps/web/scale", {"instances": 1})
        self.wait_done(service, "web", 1)
        self.assertEqual(self.pids(service, "web"), first)
        status, text, _ = service.ask("DELETE", "/v1/apps/web")
        self.assertEqual(status, 200, text)
        wait_for("it is gone", lambda: service.ask("GET", "/v1/apps/web")[0] == 404)
        self.assertEqual(self.sleepers(), {})
        # A new app of that name is another one.
        self.put(service, "web", SLEEPER, (201,))
        self.wait_done(service, "web", 1)
        self.assertTrue(self.tasks(service, "web")[0]["id"].startswith("web.2.1."))

    def test_a_rolling_change_never_falls_below_the_promised_number(self):
        self.start_cluster()
        service = self.start_leading()
        self.put(service, "web", {**SLEEPER, "instances": 4, "max_unavailable": 1})
        self.wait_done(service, "web", 4)
        old = self.pids(service, "web")
        least, ended = [4], threading.Event()

        def watch():
            """How many have a process, whatever anybody says."""
            while not ended.is_set():
                least[0] = min(least[0], len(self.sleepers()))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            for change in ({"env": {"COLOUR": "red"}}, None):
                if change:
                    answer = self.put(service, "web", {**SLEEPER, "instances": 4,
                                                       "max_unavailable": 1, **change})
                else:
                    answer = self.post(service, "/v1/apps/web/restart")
                wait_for("it is rolled out", lambda answer=answer: {
                    t.get("version") for t in self.tasks(service, "web")} == {answer["version"]})
                self.wait_done(service, "web", 4)
        finally:
            ended.set()
            watcher.join()
        self.assertGreaterEqual(least[0], 3)
        self.assertFalse(set(old.values()) & set(self.pids(service, "web").values()))
        versions = json.loads(service.ask("GET", "/v1/apps/web/versions")[1])["versions"]
        self.assertEqual([(v["version"], v["cause"]) for v in versions],
                         [(3, "restarted"), (2, "put"), (1, "put")])
        one = json.loads(service.ask("GET", "/v1/apps/web/versions/2")[1])
        self.assertEqual(one["app"]["env"], {"COLOUR": "red"})
        # The same content changes nothing.
        self.assertFalse(self.put(service, "web", one["app"])["changed"])

    def test_a_change_without_room_for_both_says_so_and_goes_on_when_there_is_room(self):
        self.start_cluster(1)
        service = self.start_leading()
        self.put(service, "web", {**SLEEPER, "cpus": 1.5})
        self.wait_done(service, "web", 1)
        before = self.pids(service, "web")
        self.put(service, "web", {**SLEEPER, "cpus": 1.6})
        why = wait_for("it says what is missing", lambda: (
            lambda text: text if "cpu_milli: 500 of 1600" in text else None)(
                self.app(service, "web")["deployment"].get("why", "")))
        self.assertIn("no place", why)
        self.assertEqual(self.pids(service, "web"), before)
        self.start_agent("b", "--hostname=host9", "--resources=cpus:2;mem:512;disk:100")
        self.wait_done(service, "web", 1)
        self.assertEqual(self.tasks(service, "web")[0]["hostname"], "host9")

    def test_a_killed_scheduler_comes_back_to_its_tasks_with_their_pids(self):
        self.start_cluster()
        service = self.start_leading()
        framework = service.health()["framework_id"]
        self.put(service, "web", {**SLEEPER, "instances": 3})
        self.wait_done(service, "web", 3)
        before = self.pids(service, "web")
        service.process.kill()
        # One ends meanwhile.
        victim = sorted(before)[0]
        os.kill(before[victim], signal.SIGKILL)
        service = self.start_leading()
        self.assertEqual(service.health()["framework_id"], framework)
        wait_for("the one that ended is replaced", lambda: victim not in {
            t.get("id") for t in self.tasks(service, "web")})
        self.wait_done(service, "web", 3)
        after = self.pids(service, "web")
        del before[victim]
        self.assertEqual({task: after.get(task) for task in before}, before)
        # A planned end is no different.
        self.assertEqual(service.process.end(), 0)
        service = self.start_leading()
        self.wait_done(service, "web", 3)
        self.assertEqual(self.pids(service, "web"), after)

    def test_a_killed_master_costs_the_scheduler_nothing(self):
        self.start_cluster(1)
        service = self.start_leading()
        self.put(service, "web", {**SLEEPER, "instances": 2})
        self.wait_done(service, "web", 2)
        before = self.pids(service, "web")
        [p for p in self.processes if p.name == "master"][0].kill()
        wait_for("it says so", lambda: not service.health()["registered"])
        self.post(service, "/v1/apps/web/scale", {"instances": 3})
        self.assertIn("no master", self.app(service, "web")["deployment"]["why"])
        self.start_master()
        self.wait_done(service, "web", 3)
        after = self.pids(service, "web")
        self.assertEqual({task: after[task] for task in before}, before)

    def test_a_scheduler_and_a_master_that_come_back_before_an_agent_start_nothing_twice(self):
        self.start_cluster(1)
        service = self.start_leading()
        self.put(service, "web", {**SLEEPER, "instances": 2})
        self.wait_done(service, "web", 2)
        before = self.pids(service, "web")
        agent = [p for p in self.processes if p.name == "agent a0"][0]
        os.kill(agent.popen.pid, signal.SIGSTOP)
        [p for p in self.processes if p.name == "master"][0].kill()
        service.process.kill()
        self.start_master()
        service = self.start_leading()
        # There is room elsewhere, and what is asked for now runs there. Whatever the master said to
        # the scheduler's question about its tasks came before these offers.
        self.start_agent("a1", "--hostname=host1", "--resources=cpus:2;mem:1024;disk:1000")
        self.put(service, "other", SLEEPER)
        self.wait_done(service, "other", 1)
        other = self.tasks(service, "other")[0]["id"]
        self.assertEqual(self.tasks(service, "other")[0]["hostname"], "host1")
        found = {t["id"]: t["phase"] for t in self.tasks(service, "web")}
        self.assertEqual(found, dict.fromkeys(before, "recovering"))
        self.assertEqual(set(self.sleepers()) - {other}, set(before))
        os.kill(agent.popen.pid, signal.SIGCONT)
        self.wait_done(service, "web", 2)
        self.assertEqual(self.pids(service, "web"), before)
        self.assertEqual(set(self.sleepers()) - {other}, set(before))

    def test_of_two_on_one_file_one_leads_and_the_other_takes_over(self):
        self.start_cluster(1)
        first = self.start_leading()
        second = self.start_service(name="second")
        self.put(first, "web", {**SLEEPER, "instances": 2})
        self.wait_done(first, "web", 2)
        before = self.pids(first, "web")
        wait_for("the second knows who leads", lambda: second.health() == {
            "state": "standby", "leader": f"127.0.0.1:{first.port}"})
        status, _, location = second.ask("GET", "/v1/apps/web?x=1")
        self.assertEqual((status, location), (307, f"//127.0.0.1:{first.port}/v1/apps/web?x=1"))
        # The command line follows.
        shown = json.loads(self.cli("app", "show", "web", f"--service=127.0.0.1:{second.port}",
                                    "--json"))
        self.assertEqual(shown["version"], 1)
        first.process.kill()
        wait_for("the second leads", second.leads)
        self.wait_done(second, "web", 2)
        self.assertEqual(self.pids(second, "web"), before)
        self.post(second, "/v1/apps/web/scale", {"instances": 3})
        self.wait_done(second, "web", 3)

    def test_who_waits_at_the_command_line_waits_on_when_another_leads(self):
        self.start_cluster(1)
        first = self.start_leading()
        second = self.start_service(name="second")
        wait_for("the second knows who leads", lambda: second.health().get("leader"))
        waiting = self.start("waiting", [
            BIN / "bourse", "app", "run", "web", "--cpus=5", "--command=exec sleep 1000", "--wait",
            f"--service=127.0.0.1:{first.port},127.0.0.1:{second.port}"])
        wait_for("it waits for a place", lambda: "0/1 ready" in "\n".join(waiting.errors))
        first.process.kill()
        wait_for("the second leads", second.leads)
        self.assertIsNone(waiting.popen.poll())
        self.put(second, "web", SLEEPER)
        self.wait_done(second, "web", 1)
        wait_for("it has seen the end", lambda: waiting.popen.poll() is not None)
        self.assertEqual(waiting.popen.returncode, 0, waiting.errors)

    def test_a_leader_that_stands_still_is_ended_before_another_leads(self):
        self.start_cluster(1)
        first = self.start_leading()
        second = self.start_service(name="second")
        self.put(first, "web", {**SLEEPER, "instances": 2})
        self.wait_done(first, "web", 2)
        before = self.pids(first, "web")
        wait_for("the second knows who leads", lambda: second.health().get("leader"))
        first.process.popen.send_signal(signal.SIGSTOP)
        wait_for("the second leads", second.leads)
        # Nothing of it is left that could wake with a write half done.
        self.assertEqual(first.process.popen.wait(10), -signal.SIGKILL)
        self.wait_done(second, "web", 2)
        self.assertEqual(self.pids(second, "web"), before)
        self.post(second, "/v1/apps/web/scale", {"instances": 3})
        self.wait_done(second, "web", 3)
        self.assertTrue(any("stood still and was ended" in line
                            for line in second.process.errors))

    def test_a_framework_that_was_torn_down_is_not_launched_anew_by_itself(self):
        self.start_cluster(1)
        service = self.start_leading()
        self.put(service, "web", SLEEPER)
        self.wait_done(service, "web", 1)
        self.cli("teardown", service.health()["framework_id"])
        wait_for("it ends", lambda: service.process.popen.poll() is not None)
        self.assertEqual(service.process.popen.returncode, 78)
        wait_for("it says why", lambda: "--new-framework" in "\n".join(service.process.errors))
        again = self.start_service()
        wait_for("it ends again", lambda: again.process.popen.poll() is not None)
        again = self.start_leading("--new-framework")
        self.wait_done(again, "web", 1)

    def test_what_cannot_be_is_refused_by_its_field(self):
        self.start_cluster(1)
        service = self.start_leading()
        self.put(service, "web", SLEEPER)
        for method, path, body, status, *words in (
                ("PUT", "/v1/apps/UP", SLEEPER, 400, "id: 'UP'", "lower-case"),
                ("PUT", "/v1/apps/x", {}, 400, "command: give either"),
                ("PUT", "/v1/apps/x", {"command": "x", "arguments": ["y"]}, 400, "exactly one"),
                ("PUT", "/v1/apps/x", "{", 400, "JSON"),
                ("PUT", "/v1/apps/x", "[]", 400, "object"),
                ("PUT", "/v1/apps/x", {"command": "x", "id": "y"}, 400, "id: 'y'", "'x'"),
                ("PUT", "/v1/apps/x", {"cmd": "x"}, 400, "'cmd' is not known here", "command"),
                ("PUT", "/v1/apps/x", {"command": "x", "instances": -1}, 400, "'instances' is -1"),
                ("PUT", "/v1/apps/x", {"command": "x", "instances": 10001}, 400,
                 "instances: 10001", "0 to 10000"),
                ("PUT", "/v1/apps/x", {"command": "x", "cpus": 0.001}, 400, "cpus: 1"),
                ("PUT", "/v1/apps/x", {"command": "x", "cpus": "NaN"}, 400, "cpus"),
                ("PUT", "/v1/apps/x", {"command": "x", "mem": 1}, 400, "mem: 1", "from 4"),
                ("PUT", "/v1/apps/x", {"command": "x", "mem": 1.5}, 400, "'mem' is 1.5"),
                ("PUT", "/v1/apps/x", {"command": "x", "ports": 101}, 400, "ports: 101"),
                ("PUT", "/v1/apps/x", {"command": "x", "env": {"A=B": "c"}}, 400, "env: 'A=B'"),
                ("PUT", "/v1/apps/x", {"command": "x", "constraints": [
                    {"attribute": "rack", "operator": "like"}]}, 400,
                 "constraints[0].operator: 'like'", "max_per"),
                ("PUT", "/v1/apps/x", {"command": "x", "constraints": [
                    {"attribute": "rack", "operator": "equals"}]}, 400, "value is missing"),
                ("PUT", "/v1/apps/x", {"command": "x", "max_surge": 0, "max_unavailable": 0}, 400,
                 "max_surge: 0"),
                ("PUT", "/v1/apps/x", {"command": "x", "backoff": {"first_seconds": 0}}, 400,
                 "backoff.first_seconds"),
                ("PUT", "/v1/apps/x", {"command": "x", "ready_after_seconds": 1e9}, 400,
                 "ready_after_seconds"),
                ("PUT", "/v1/apps/x", {"command": "y" * 70000}, 413, "command: bytes"),
                ("GET", "/v1/apps/nobody", None, 404, "no app 'nobody'"),
                ("GET", "/v1/apps/nobody/tasks", None, 404, "no app 'nobody'"),
                ("DELETE", "/v1/apps/nobody", None, 404, "no app 'nobody'"),
                ("POST", "/v1/apps/nobody/scale", {"instances": 1}, 404, "no app 'nobody'"),
                ("POST", "/v1/apps/web/scale", {}, 400, "instances: is missing"),
                ("POST", "/v1/apps/web/scale", {"instances": "x"}, 400, "'instances' is 'x'"),
                ("POST", "/v1/apps/web/restart", {"if_version": 9}, 409, "version", "not at 9"),
                ("GET", "/v1/apps/web/versions/9", None, 404, "version: 9"),
                ("GET", "/v1/apps/web/versions/x", None, 400, "version: 'x'"),
                ("GET", "/v1/apps/web/logs", None, 404, "path: '/v1/apps/web/logs'"),
                ("GET", "/v1/nothing", None, 404, "path: '/v1/nothing'"),
                ("POST", "/v1/apps/web", {}, 405, "GET, PUT, DELETE"),
                ("PUT", "/v1/apps/web/scale", {"instances": 1}, 405, "POST"),
                ("POST", "/v1/apps", {}, 405, "GET"),
                ("GET", "/v1/apps?limit=0", None, 400, "limit: '0'", "1 to 1000")):
            with self.subTest(method=method, path=path, body=str(body)[:80]):
                got, text, _ = service.ask(method, path, body)
                self.assertEqual(got, status, text)
                for word in words:
                    self.assertIn(word, text)
        listed = json.loads(service.ask("GET", "/v1/apps")[1])
        self.assertEqual([app["id"] for app in listed["apps"]], ["web"])

    def test_flags_that_cannot_be_are_refused_with_a_sentence(self):
        for flags, *words in (
                (["--store=/x/y"], "--master is required"),
                (["--master=127.0.0.1:1"], "--store is required"),
                (["--master=nowhere", "--store=s"], "--master"),
                (["--master=127.0.0.1:1", "--store=zk://"], "--store: "),
                (["--master=zk://h:1/bourse", "--store=zk://h:1/bourse"], "--store: /bourse is",
                 "/bourse-services"),
                (["--master=127.0.0.1:1", "--store=s", "--listen=5070"], "--listen: '5070'"),
                (["--master=127.0.0.1:1", "--store=s", "--listen=127.0.0.1:70000"], "--listen"),
                (["--master=127.0.0.1:1", "--store=s", "--listen=0.0.0.0:1"], "--hostname"),
                (["--master=127.0.0.1:1", "--store=s", "--listen=0.0.0.0:1", "--hostname=h"],
                 "--insecure"),
                (["--master=127.0.0.1:1", "--store=s", "--failover-timeout=1secs"],
                 "--failover-timeout"),
                (["--master=127.0.0.1:1", "--store=s", "--zk-session-timeout=1ms"],
                 "--zk-session-timeout"),
                (["--master=127.0.0.1:1", "--store=s", "--allowed-hosts=lb:80"],
                 "--allowed-hosts: 'lb:80' is none"),
                (["--master=127.0.0.1:1", "--store=s", "--log-level=loud"], "loud")):
            with self.subTest(flags=flags):
                process = self.start("wrong", [BIN / "bourse-service", *flags])
                wait_for("it ends", lambda process=process: process.popen.poll() is not None)
                self.assertEqual(process.popen.returncode, 1)
                process.end()
                text = "\n".join(process.errors)
                for word in words:
                    self.assertIn(word, text)

    def test_a_damaged_store_is_refused_and_left_as_it_is(self):
        self.start_cluster(1)
        service = self.start_leading()
        self.put(service, "web", SLEEPER)
        service.process.end()
        with open(self.store, "r+b") as file:
            file.write(b"not a store at all")
        damaged = pathlib.Path(self.store).read_bytes()
        service = self.start_service()
        wait_for("it ends", lambda: service.process.popen.poll() is not None)
        self.assertEqual(service.process.popen.returncode, 78)
        wait_for("it names the store", lambda: "services.db" in "\n".join(service.process.errors))
        self.assertEqual(pathlib.Path(self.store).read_bytes(), damaged)

    def test_apps_are_run_and_changed_from_the_command_line(self):
        self.start_cluster(1)
        service = self.start_leading()
        at = f"--service=127.0.0.1:{service.port}"
        self.cli("app", "run", "web", at, "--command=exec sleep 1000",
                 "--instances=2",
                 "--cpus=0.2", "--mem=32", "--ready-after=0.3", "--env=A=b", "--ports=1",
                 "--constraint=rack:equals:r0", "--wait")
        rows = [line.split() for line in self.cli("app", "list", at).splitlines()]
        self.assertEqual(rows[0], ["APP", "VERSION", "READY", "STATE", "ENDS", "WHY"])
        self.assertEqual(rows[1], ["web", "1", "2/2", "done", "0"])
        self.assertIn("version 2", self.cli("app", "scale", "web", "3", at, "--wait"))
        self.assertEqual(len(self.cli("app", "tasks", "web", at).splitlines()), 4)
        self.assertIn("version 3", self.cli("app", "restart", "web", "--if-version=2", at,
                                            "--wait"))
        self.assertIn("restarted", self.cli("app", "versions", "web", at))
        shown = self.cli("app", "show", "web", at)
        self.assertIn("3/3", shown)
        self.assertIn("rack equals r0", shown)
        whole = json.loads(self.cli("app", "show", "web", at, "--json"))["app"]
        whole["instances"] = 1
        file = self.dir / "app.json"
        file.write_text(json.dumps(whole))
        self.cli("app", "run", f"--file={file}", at, "--wait")
        self.assertEqual(len(self.tasks(service, "web")), 1)
        self.assertIn("already", self.cli("app", "run", f"--file={file}", at))
        self.cli("app", "delete", "web", at, "--wait")
        self.assertEqual(len(self.cli("app", "list", at).splitlines()), 1)
        self.assertIn("no app 'web'", self.cli("app", "show", "web", at, expect=1))
        self.assertIn("NAME=VALUE", self.cli("app", "run", "x", "--env=A", at, expect=1))
        self.assertIn("ATTRIBUTE:OPERATOR", self.cli(
            "app", "run", "x", "--constraint=rack", at, expect=1))
        self.assertIn("usage", self.cli("app", "scale", "web", at, expect=2))
        self.assertIn("usage", self.cli("app", "fly", at, expect=2))
        self.assertIn("--service=HOST:PORT", self.cli(
            "app", "list", "--service=127.0.0.1:1", expect=1))


if __name__ == "__main__":
    unittest.main()
