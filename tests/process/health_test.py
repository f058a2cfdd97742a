"""Checks of tasks, on a real cluster: made, told to the framework, and what comes of them."""

import pathlib
import unittest

from cluster_case import wait_for
from v1_scheduler import Scheduler, StreamCase, task

SOON = {"delay_seconds": 0, "interval_seconds": 0.1, "timeout_seconds": 10}


def command(line, **more):
    return {"type": "COMMAND", "command": {"value": line}, **SOON, **more}


class Health(StreamCase):
    def begin(self, **info):
        self.start_master("--reoffer-min=100ms")
        self.agent = self.start_agent("a")
        self.wait_agents(1)
        framework = Scheduler(self.http_port, **info)
        self.streams.append(framework)
        self.launched = 0
        return framework

    def launch(self, framework, name, line, **more):
        offer = framework.offer(skip=self.launched)
        self.launched += 1
        answer = framework.launch(offer, task(name, offer, line, **more))
        self.assertEqual(answer.status, 202, answer.text)

    def told(self, framework, name, where):
        """Acknowledges what comes until a status of the task is as wanted."""
        done = set()

        def look():
            for event in framework.json_events("UPDATE"):
                status = event["update"]["status"]
                if status["task_id"]["value"] != name:
                    continue
                if "uuid" in status and status["uuid"] not in done:
                    done.add(status["uuid"])
                    framework.acknowledge(status)
                if where(status):
                    return status
            return None
        return wait_for(f"{name} as wanted; it said {framework.events[-3:]}", look)

    def test_a_task_that_is_not_well_is_killed_and_its_framework_hears_why(self):
        framework = self.begin(capabilities=[{"type": "TASK_KILLING_STATE"}])
        self.launch(framework, "t1", "touch well; exec sleep 1000",
                    health_check=command('[ -e "$MESOS_SANDBOX/well" ]',
                                         consecutive_failures=2))
        well = self.told(framework, "t1", lambda status: status.get("healthy"))
        self.assertEqual((well["state"], well["reason"], well["source"]),
                         ("TASK_RUNNING", "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED",
                          "SOURCE_EXECUTOR"))
        self.assertEqual(well["container_status"]["network_infos"][0]["ip_addresses"][0]
                         ["ip_address"], "127.0.0.1")
        next(pathlib.Path(self.dir).glob("**/runs/*/well")).unlink()
        unwell = self.told(framework, "t1", lambda status: status.get("healthy") is False)
        self.assertEqual(unwell["state"], "TASK_RUNNING")
        killing = self.told(framework, "t1", lambda status: status["state"] == "TASK_KILLING")
        self.assertIs(killing["healthy"], False)
        end = self.told(framework, "t1", lambda status: status["state"] == "TASK_KILLED")
        self.assertIs(end["healthy"], False)
        self.assertIn("health check failed", end["message"])

    def test_what_a_check_says_is_told_and_ends_nothing_and_an_agent_that_returns_goes_on(self):
        framework = self.begin()
        self.launch(framework, "t1", "exec sleep 1000", check={
            "type": "COMMAND", "command": {"command": {"value": "[ -e four ] && exit 4; exit 3"}},
            **SOON})
        first = self.told(framework, "t1", lambda status: status["state"] == "TASK_RUNNING")
        self.assertEqual(first["check_status"]["type"], "COMMAND")

        def said(code):
            return lambda status: status.get("check_status", {}).get("command", {}).get(
                "exit_code") == code
        three = self.told(framework, "t1", said(3))
        self.assertEqual(three["reason"], "REASON_TASK_CHECK_STATUS_UPDATED")
        self.assertNotIn("healthy", three)
        self.agent.kill()
        (next(pathlib.Path(self.dir).glob("**/runs/*/stdout")).parent / "four").touch()
        self.agent = self.start_agent("a")
        four = self.told(framework, "t1", said(4))
        self.assertEqual(four["state"], "TASK_RUNNING")
        self.assertEqual(four["executor_id"], three["executor_id"])

    def test_a_check_that_cannot_be_made_fails_its_task_by_the_field(self):
        framework = self.begin()
        for i, (checks, field) in enumerate((
                ({"health_check": {"command": {"value": "true"}}}, "'health_check.type'"),
                ({"health_check": {"type": "HTTP"}}, "'health_check.http'"),
                ({"health_check": {"type": "HTTP", "http": {"port": 8080, "scheme": "https"}}},
                 "'health_check.http.scheme' is 'https'"),
                ({"health_check": {"type": "TCP", "tcp": {"port": 70000}}},
                 "'health_check.tcp.port' is 70000"),
                ({"check": {"type": "COMMAND", "command": {"command": {"value": ""}}}},
                 "'check.command.command.value'"),
                ({"check": {"type": "HTTP", "http": {"port": 80, "path": "/a b"}}},
                 "'check.http.path' is '/a b'"),
                ({"health_check": command("true", interval_seconds=-1)},
                 "'health_check.interval_seconds' is -1"))):
            with self.subTest(field):
                self.launch(framework, f"t{i}", "exec sleep 1000", **checks)
                failed = self.told(framework, f"t{i}", lambda s: s["state"] == "TASK_FAILED")
                self.assertIn(field, failed["message"])


if __name__ == "__main__":
    unittest.main()
