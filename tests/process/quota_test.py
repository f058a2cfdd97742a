"""Quotas and weights over the operator API and the command line, with a real master."""

import json
import unittest

from cluster_case import wait_for
from v1_scheduler import Scheduler, StreamCase, post, task

JSON = {"Content-Type": "application/json"}


def scalars(**amounts):
    return {name: {"value": value} for name, value in amounts.items()}


class Quota(StreamCase):
    def write(self, kind, **fields):
        body = {"type": kind, kind.lower(): fields}
        return post(self.http_port, body, JSON, path="/api/v1")

    def configs(self):
        return self.call({"type": "GET_QUOTA"})["get_quota"]["status"].get("configs", [])

    def weights(self):
        return self.call({"type": "GET_WEIGHTS"}).get("get_weights", {}).get("weight_infos", [])

    def test_quotas_and_weights_are_set_read_and_survive_a_killed_master(self):
        master = self.start_master()
        self.start_agent()
        self.wait_agents(1)
        limits = {"role": "batch", "limits": scalars(cpus=2, mem=512)}
        done = self.write("UPDATE_QUOTA", force=False, quota_configs=[limits])
        self.assertEqual((done.status, done.text), (200, ""))
        self.assertEqual(self.configs(), [limits])
        infos = self.call({"type": "GET_QUOTA"})["get_quota"]["status"]["infos"]
        self.assertEqual(infos, [{"role": "batch"}])
        done = self.write("UPDATE_WEIGHTS", weight_infos=[{"role": "eng", "weight": 2.5}])
        self.assertEqual(done.status, 200)
        self.assertEqual(self.weights(), [{"role": "eng", "weight": 2.5}])
        master.kill()
        self.start_master()
        wait_for("the quota at the next master", lambda: self.configs() == [limits])
        self.assertEqual(self.weights(), [{"role": "eng", "weight": 2.5}])
        self.assertIn("cpus=2 mem=512", self.cli("quota", "get", "batch"))
        self.assertEqual(self.write("REMOVE_QUOTA", role="batch").status, 200)
        self.assertEqual(self.configs(), [])

    def test_a_quota_that_cannot_be_is_refused_and_nothing_changes(self):
        self.start_master()
        self.start_agent()
        self.wait_agents(1)
        refusals = [
            ("is more than its limit cpus:100",
             {"role": "eng", "guarantees": scalars(cpus=200), "limits": scalars(cpus=100)}),
            ("the cluster has cpus:", {"role": "eng", "guarantees": scalars(cpus=1e6)}),
            ("'*' is everybody's", {"role": "*", "limits": scalars(cpus=1)}),
            ("a number from 0 on", {"role": "eng", "limits": scalars(cpus=-1)}),
            ("is ranges or a set", {"role": "eng", "limits": scalars(ports=3)}),
            ("no agent has 'unheard'", {"role": "eng", "limits": scalars(unheard=3)}),
        ]
        for sentence, config in refusals:
            answer = self.write("UPDATE_QUOTA", quota_configs=[config])
            self.assertEqual(answer.status, 400, answer.text)
            self.assertIn(sentence, answer.text)
        self.assertEqual(self.configs(), [])
        answer = self.write("UPDATE_WEIGHTS", weight_infos=[{"role": "eng", "weight": -1}])
        self.assertEqual(answer.status, 400)
        self.assertEqual(self.weights(), [])

    def test_the_command_line_sets_and_lists_quotas_and_weights(self):
        self.start_master()
        self.start_agent()
        self.wait_agents(1)
        self.assertIn("no role has a quota", self.cli("quota", "list"))
        self.cli("quota", "set", "eng", "--guarantee=cpus=0.5", "--limit=cpus=1,mem=64")
        listed = self.cli("quota", "list")
        self.assertIn("cpus=0.5", listed)
        self.assertIn("cpus=1 mem=64", listed)
        self.assertIn("has its quota", self.cli("quota", "set", "eng", "--limit=cpus=2"))
        self.cli("quota", "set", "eng", "--limit=many", expect=2)
        self.assertEqual(json.loads(self.cli("quota", "get", "eng", "--json")),
                         {"role": "eng", "limits": scalars(cpus=2), "consumed": {}})
        self.cli("quota", "remove", "eng")
        self.cli("quota", "get", "eng", expect=1)
        self.cli("weight", "set", "eng", "3")
        self.assertRegex(self.cli("weight", "list"), r"eng +3\b")

    def test_the_command_line_shows_what_a_role_has_consumed_of_its_quota(self):
        self.start_master()
        self.start_agent()
        self.cli("quota", "set", "eng", "--limit=cpus=3")
        scheduler = Scheduler(self.http_port, roles=["eng"],
                              capabilities=[{"type": "MULTI_ROLE"}])
        self.streams.append(scheduler)
        offer = scheduler.offer()
        scheduler.launch(offer, task("t", offer, "sleep 1000", cpus=2))
        scheduler.acknowledge(scheduler.reach("t", "TASK_RUNNING"))
        header, eng = self.cli("quota", "list").splitlines()
        self.assertEqual(header.split(), ["ROLE", "GUARANTEES", "LIMITS", "CONSUMED"])
        self.assertRegex(eng, r"^eng +- +cpus=3 +cpus=2(\.\d+)? mem=")
        self.assertEqual(self.cli("quota", "get", "eng").splitlines()[1].split(), eng.split())
        shown = json.loads(self.cli("quota", "get", "eng", "--json"))
        self.assertGreaterEqual(shown["consumed"]["cpus"], 2)

    def test_a_limit_below_what_its_role_uses_is_a_conflict_unless_it_is_forced(self):
        self.start_master()
        self.start_agent()
        scheduler = Scheduler(self.http_port, roles=["eng"],
                              capabilities=[{"type": "MULTI_ROLE"}])
        self.streams.append(scheduler)
        offer = scheduler.offer()
        self.assertEqual(scheduler.launch(offer, task("t", offer, "sleep 1000", cpus=2)).status,
                         202)
        scheduler.acknowledge(scheduler.reach("t", "TASK_RUNNING"))
        below = {"role": "eng", "limits": scalars(cpus=1)}
        sentence = ("limits: role 'eng' uses cpus:2, the limit would be cpus:1; raise it; or give "
                    '"force": true')
        refused = self.write("UPDATE_QUOTA", quota_configs=[below])
        self.assertEqual(refused.status, 409, refused.text)
        self.assertIn(sentence, refused.text)
        self.assertIn("role 'eng' uses cpus:2",
                      self.cli("quota", "set", "eng", "--limit=cpus=1", expect=1))
        self.assertEqual(self.configs(), [])
        self.assertIn("has its quota", self.cli("quota", "set", "eng", "--limit=cpus=1",
                                                "--force"))
        self.assertEqual(self.configs(), [below])
        self.assertEqual(self.write("UPDATE_QUOTA", force=True, quota_configs=[
            {"role": "eng", "limits": scalars(cpus=1.5)}]).status, 200)
        # Nothing is ended for it.
        self.assertEqual({e["update"]["status"]["state"] for e in scheduler.json_events("UPDATE")},
                         {"TASK_STARTING", "TASK_RUNNING"})


if __name__ == "__main__":
    unittest.main()
