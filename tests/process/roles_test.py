"""Roles, quotas, weights and reservations by the endpoints that Mesos had before its v1 operator
API, with a real master: what they say and how they are written."""

import json
import unittest
import urllib.parse

import mesos_recordings
from cluster_case import wait_for
from v1_scheduler import JSON, Scheduler, StreamCase, post, task

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CAPABILITIES = [{"type": kind} for kind in ("MULTI_ROLE", "RESERVATION_REFINEMENT")]


def reserved(name, amount, role="eng/web"):
    return {"name": name, "type": "SCALAR", "scalar": {"value": amount},
            "reservations": [{"type": "DYNAMIC", "role": role}]}


class Roles(StreamCase):
    def get(self, path, method="GET", headers=()):
        return post(self.http_port, "", headers, path, method)

    def read(self, path):
        answer = self.get(path)
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, JSON), answer.text)
        return json.loads(answer.text)

    def role(self, name):
        return next((r for r in self.read("/roles")["roles"] if r["name"] == name), None)

    def operator(self, kind, **fields):
        return post(self.http_port, {"type": kind, kind.lower(): fields}, {"Content-Type": JSON},
                    "/api/v1")

    def agent_id(self):
        return self.wait_agents(1)[0]["agent_info"]["id"]["value"]

    def total(self, role):
        total = self.agents()[0]["total_resources"]
        return {r["name"]: r["scalar"]["value"] for r in total if r.get("role") == role}

    # -- reading

    def test_without_roles_there_is_nothing_and_it_is_said_as_mesos_says_it(self):
        self.start_master()
        for path, said in (("/roles", {"roles": []}), ("/quota", {}), ("/weights", [])):
            for form in (path, "/master" + path, path + "/", path + ".json", path + "?_ts=1"):
                with self.subTest(form):
                    self.assertEqual(self.read(form), said)
        recorded = [e for e in mesos_recordings.read("operator-master-empty-cluster.txt")
                    if '"GET_ROLES"' in e.body or '"GET_WEIGHTS"' in e.body
                    or '"GET_QUOTA"' in e.body]
        self.assertEqual(len(recorded), 3)
        for exchange in recorded:
            with self.subTest(exchange.body):
                said = self.call(json.loads(exchange.body))
                said.pop("sequence")
                self.assertEqual(said, json.loads(exchange.answer))

    def test_a_page_of_another_origin_reads_them_by_a_function_of_its_own(self):
        self.start_master()
        for path in ("/roles", "/quota", "/weights", "/version", "/metrics/snapshot",
                     "/master/maintenance/schedule", "/maintenance/status"):
            with self.subTest(path):
                answer = self.get(path + "?jsonp=angular.callbacks._0")
                self.assertEqual(answer.headers["Content-Type"], "text/javascript")
                self.assertTrue(answer.text.startswith("angular.callbacks._0("), answer.text)
                self.assertTrue(answer.text.endswith(");"))
                json.loads(answer.text[len("angular.callbacks._0("):-2])
        answer = self.get("/roles?jsonp=alert(1)//")
        self.assertEqual(answer.status, 400)
        self.assertIn("no name of a function", answer.text)

    def test_a_method_that_does_not_fit_is_405_where_mesos_checks_it(self):
        self.start_master()
        for method, path, status in (
            ("POST", "/roles", 200), ("PUT", "/quota", 405), ("POST", "/weights", 405),
            ("GET", "/reserve", 405), ("GET", "/teardown", 405), ("PUT", "/create-volumes", 405),
        ):
            with self.subTest(path, method=method):
                answer = self.get(path, method, FORM)
                self.assertEqual(answer.status, status, answer.text)
                self.assertEqual(answer.headers["Allow"] is not None, status == 405)

    def test_each_role_says_what_it_weighs_may_have_holds_is_offered_and_reserved(self):
        self.start_master()
        self.start_agent("a", "--resources=cpus:4;mem:2048;disk:1000;ports:[31000-31009]")
        agent_id = self.agent_id()
        self.assertEqual(self.operator("UPDATE_WEIGHTS", weight_infos=[
            {"role": "eng", "weight": 2.5}]).status, 200)
        self.assertEqual(self.operator("UPDATE_QUOTA", quota_configs=[{
            "role": "eng/web", "guarantees": {"cpus": {"value": 1}},
            "limits": {"cpus": {"value": 3.5}}}]).status, 200)
        self.assertEqual(self.operator("RESERVE_RESOURCES", agent_id={"value": agent_id},
                                       resources=[reserved("mem", 256)]).status, 202)
        framework = Scheduler(self.http_port, roles=["eng/web", "batch"],
                              capabilities=CAPABILITIES, failover_timeout=60.0)
        self.streams.append(framework)
        offer = next(o for e in [framework.wait("OFFERS")] for o in e["offers"]["offers"])
        role = offer["allocation_info"]["role"]
        self.assertEqual(framework.launch(offer, task("t", offer, "sleep 1000", 0.5)).status, 202)
        framework.reach("t", "TASK_RUNNING")
        held = wait_for("what the task holds", lambda: self.role(role)["allocated"])
        self.assertEqual(held, {"cpus": 0.5, "mem": 32.0})
        web, eng, batch = self.role("eng/web"), self.role("eng"), self.role("batch")
        keys = {"name", "weight", "quota", "resources", "allocated", "offered", "reserved",
                "frameworks"}
        for one in (web, eng, batch):
            self.assertEqual(set(one), keys)
            self.assertEqual(set(one["quota"]), {"role", "guarantee", "limit", "consumed"})
        self.assertEqual((eng["weight"], web["weight"]), (2.5, 1.0))
        self.assertEqual(web["quota"]["guarantee"], {"cpus": 1.0})
        self.assertEqual(web["quota"]["limit"], {"cpus": 3.5})
        self.assertEqual(eng["quota"]["guarantee"], {})
        # What a role holds counts for all above it; the framework is in the role itself.
        self.assertEqual(web["reserved"], {"mem": 256.0})
        self.assertEqual(eng["reserved"], {"mem": 256.0})
        self.assertEqual(web["frameworks"], [framework.framework_id])
        self.assertEqual((eng["frameworks"], batch["frameworks"]), ([], [framework.framework_id]))
        consumed = {"mem": 256.0 + (32.0 if role == "eng/web" else 0.0)}
        if role == "eng/web":
            consumed["cpus"] = 0.5
        self.assertEqual(web["quota"]["consumed"], consumed)
        # The v1 call: what is handed out, as scalars.
        listed = {r["name"]: r for r in self.call({"type": "GET_ROLES"})["get_roles"]["roles"]}
        self.assertEqual(listed["eng"]["weight"], 2.5)
        self.assertEqual(listed["eng/web"]["frameworks"], [{"value": framework.framework_id}])
        self.assertNotIn("frameworks", listed["eng"])

        def summed():
            """Between two answers an offer may come or go."""
            wanted = self.role(role)["resources"]
            roles = self.call({"type": "GET_ROLES"})["get_roles"]["roles"]
            said = {r["name"]: r["scalar"]["value"] for one in roles if one["name"] == role
                    for r in one.get("resources", [])}
            wanted.pop("ports", None)
            return said == wanted
        wait_for("the sums of GET_ROLES to be those of /roles", summed)

    def test_what_an_agent_and_a_framework_hold_is_held_in_a_role(self):
        self.start_master()
        self.start_agent()
        framework = Scheduler(self.http_port, roles=["eng/web"], capabilities=CAPABILITIES,
                              failover_timeout=60.0)
        self.streams.append(framework)
        offer = framework.offer()
        framework.launch(offer, task("t", offer, "sleep 1000"))
        framework.reach("t", "TASK_RUNNING")
        role = {"role": "eng/web"}

        def held():
            agent = self.agents()[0]
            mine = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]["frameworks"][0]
            tasks = self.call({"type": "GET_TASKS"})["get_tasks"]["tasks"]
            return [agent.get("allocated_resources"), mine.get("allocated_resources"),
                    tasks[0]["resources"]]
        for resources in held():
            self.assertTrue(resources)
            for resource in resources:
                self.assertEqual(resource["allocation_info"], role)

    # -- writing

    def test_weights_are_put_and_quotas_posted_and_deleted(self):
        self.start_master()
        self.start_agent()
        self.wait_agents(1)
        answer = post(self.http_port, [{"role": "eng", "weight": 3.0}], path="/master/weights",
                      method="PUT")
        self.assertEqual((answer.status, answer.text), (200, ""))
        self.assertEqual(self.read("/weights"), [{"role": "eng", "weight": 3.0}])
        answer = post(self.http_port, [{"role": "eng", "weight": -1}], path="/weights",
                      method="PUT")
        self.assertEqual(answer.status, 400)
        answer = post(self.http_port, "{", path="/weights", method="PUT")
        self.assertEqual(answer.status, 400)
        answer = post(self.http_port, {"role": "eng/web", "guarantee": [
            {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}]}, path="/quota")
        self.assertEqual((answer.status, answer.text), (200, ""))
        self.assertEqual(self.read("/quota")["configs"], [
            {"role": "eng/web", "guarantees": {"cpus": {"value": 1.0}},
             "limits": {"cpus": {"value": 1.0}}}])
        self.assertEqual(self.get("/quota/eng/web", "DELETE").status, 200)
        self.assertEqual(self.read("/quota"), {})
        self.assertEqual(self.get("/quota", "DELETE").status, 400)

    def test_reservations_and_volumes_are_made_and_undone_by_forms(self):
        self.start_master()
        self.start_agent()
        agent_id = self.agent_id()

        def form(path, escaped=True, **fields):
            fields = {k: v if isinstance(v, str) else json.dumps(v) for k, v in fields.items()}
            body = (urllib.parse.urlencode(fields) if escaped
                    else "&".join(f"{k}={v}" for k, v in fields.items()))
            return post(self.http_port, body, FORM, path)
        older = [{"name": "disk", "type": "SCALAR", "scalar": {"value": 64}, "role": "ops",
                  "reservation": {"principal": "p"}}]
        # Clients send the list as it is; others escape it.
        self.assertEqual(form("/reserve", False, slaveId=agent_id, resources=older).status, 202)
        self.assertEqual(form("/master/reserve", slaveId=agent_id,
                              resources=[reserved("cpus", 1, "dev")]).status, 202)
        self.assertEqual((self.total("ops"), self.total("dev")), ({"disk": 64.0}, {"cpus": 1.0}))
        volume = [{**older[0], "scalar": {"value": 16}, "disk": {
            "persistence": {"id": "v", "principal": "p"},
            "volume": {"mode": "RW", "container_path": "data"}}}]
        self.assertEqual(form("/create-volumes", slaveId=agent_id, volumes=volume).status, 202)
        self.assertTrue((self.dir / "a" / "volumes" / "roles" / "ops" / "v").is_dir())
        self.assertEqual(form("/destroy-volumes", slaveId=agent_id, volumes=volume).status, 202)
        self.assertEqual(form("/unreserve", slaveId=agent_id, resources=older).status, 202)
        self.assertEqual(self.total("ops"), {})
        for sentence, status, answer in (
            ("Missing 'slaveId'", 400, form("/reserve", resources=older)),
            ("Missing 'resources'", 400, form("/unreserve", slaveId=agent_id)),
            ("Missing 'volumes'", 400, form("/create-volumes", slaveId=agent_id)),
            ("No agent found", 400, form("/reserve", slaveId="none", resources=older)),
            ("resources: ", 400, form("/reserve", slaveId=agent_id, resources="[{")),
            ("does not contain", 409, form("/reserve", slaveId=agent_id, resources=[
                reserved("cpus", 5000, "ops")])),
        ):
            with self.subTest(sentence):
                self.assertEqual(answer.status, status, answer.text)
                self.assertIn(sentence, answer.text)

    def test_a_framework_is_torn_down_by_a_form(self):
        self.start_master()
        framework = Scheduler(self.http_port, failover_timeout=60.0)
        self.streams.append(framework)
        answer = post(self.http_port, f"frameworkId={framework.framework_id}", FORM,
                      "/master/teardown")
        self.assertEqual((answer.status, answer.text), (200, ""))
        framework.wait_end()


if __name__ == "__main__":
    unittest.main()
