"""What a framework over HTTP is offered by what it says of its roles, on real agents."""

import unittest

from cluster_case import wait_for
from v1_scheduler import JSON, Scheduler, Stream, StreamCase, post


def at_least(**amounts):
    return {"quantities": {name: {"value": value} for name, value in amounts.items()}}


class Offers(StreamCase):
    def begin(self, sizes, **info):
        self.start_master()
        for name, resources in sizes.items():
            self.start_agent(name, f"--hostname={name}", f"--resources={resources}")
        self.wait_agents(len(sizes))
        return self.subscribed(**info)

    def subscribed(self, **info):
        self.streams.append(Scheduler(self.http_port, **info))
        return self.streams[-1]

    @staticmethod
    def offered(scheduler):
        return {(offer["allocation_info"]["role"], offer["hostname"]): offer
                for event in scheduler.json_events("OFFERS") for offer in event["offers"]["offers"]}

    def rules(self, scheduler):
        """Of each role, for agents of so many cpus, what keeps them away."""
        said = self.call({"type": "EXPLAIN_FRAMEWORK", "explain_framework": {
            "framework_id": {"value": scheduler.framework_id}}})["explain_framework"]
        return {(role["role"], agents["kind"].split(",")[0]): agents["rule"]
                for role in said["roles"] for agents in role.get("agents", [])}

    def test_each_role_of_a_framework_has_its_own_minimum(self):
        scheduler = self.begin(
            {"small": "cpus:1;mem:64", "middle": "cpus:4;mem:64", "large": "cpus:8;mem:4096"},
            capabilities=[{"type": "MULTI_ROLE"}], roles=["a", "b"], failover_timeout=60.0,
            offer_filters={
                "a": {"min_allocatable_resources": {"quantities": [at_least(cpus=2)]}},
                # Either of the two will do.
                "b": {"min_allocatable_resources": {"quantities": [
                    at_least(cpus=8, mem=2048), at_least(mem=8192)]}}})
        wait_for("two offers", lambda: len(self.offered(scheduler)) == 2)
        first = self.offered(scheduler)
        self.assertIn(("a", "middle"), first)
        self.assertIn("large", [host for _, host in first])
        self.assertEqual([self.rules(scheduler)[role, "1 cpus"] for role in "ab"],
                         ["below_minimum", "below_minimum"])
        # Without role a, all is there for b, and only one agent is enough.
        self.assertEqual(scheduler.call("SUPPRESS", {"roles": ["a"]}).status, 202)
        self.assertEqual(scheduler.call("DECLINE", {
            "offer_ids": [offer["id"] for offer in first.values()],
            "filters": {"refuse_seconds": 0}}).status, 202)
        wait_for("large for b", lambda: ("b", "large") in self.offered(scheduler))
        wait_for("middle too little for b", lambda: self.rules(scheduler).get(
            ("b", "4 cpus")) == "below_minimum")
        self.assertEqual({host for role, host in self.offered(scheduler) if role == "b"},
                         {"large"})

    def test_an_accept_that_launches_nothing_declines_with_its_filter(self):
        self.start_master()
        self.start_agent()
        for operations in ([], [{"type": "LAUNCH", "launch": {"task_infos": []}}]):
            with self.subTest(operations):
                scheduler = self.subscribed()
                offer = scheduler.offer()
                answer = scheduler.call("ACCEPT", {
                    "offer_ids": [offer["id"]], "operations": operations,
                    "filters": {"refuse_seconds": 1000}})
                self.assertEqual((answer.status, answer.body), (202, b""))
                wait_for("the filter", lambda asks=scheduler: list(
                    self.rules(asks).values()) == ["filtered"])
                self.assertEqual(len(scheduler.json_events("OFFERS")), 1)
                scheduler.call("TEARDOWN")
                scheduler.wait_end()

    def test_a_role_that_subscribes_suppressed_is_offered_nothing_until_it_is_revived(self):
        self.start_master()
        self.start_agent()
        framework = Stream(self.http_port, {"type": "SUBSCRIBE", "subscribe": {
            "suppressed_roles": ["b"], "framework_info": {
                "user": "root", "name": "suppressed", "roles": ["b"],
                "capabilities": [{"type": "MULTI_ROLE"}]}}})
        self.streams.append(framework)
        id = framework.wait("SUBSCRIBED")["subscribed"]["framework_id"]["value"]
        other = self.subscribed()
        offer = other.offer()  # so the agent is on the table, and was not b's
        self.assertEqual(framework.json_events("OFFERS"), [])
        other.call("DECLINE", {"offer_ids": [offer["id"]], "filters": {"refuse_seconds": 1000}})
        answer = post(self.http_port, {"type": "REVIVE", "framework_id": {"value": id},
                                       "revive": {"roles": ["b"]}},
                      {"Content-Type": JSON, "Mesos-Stream-Id": framework.id})
        self.assertEqual(answer.status, 202, answer.text)
        offer = framework.wait("OFFERS")["offers"]["offers"][0]
        self.assertEqual(offer["allocation_info"], {"role": "b"})

    def test_the_loss_of_an_agent_is_told_as_a_failure_of_it_alone(self):
        self.start_master()
        self.start_agent()
        scheduler = self.subscribed()
        offer = scheduler.offer()
        gone = {"type": "MARK_AGENT_GONE", "mark_agent_gone": {"agent_id": offer["agent_id"]}}
        self.assertEqual(post(self.http_port, gone, {"Content-Type": JSON}, "/api/v1").status, 200)
        self.assertEqual(scheduler.wait("FAILURE"), {
            "type": "FAILURE", "failure": {"agent_id": offer["agent_id"]}})


if __name__ == "__main__":
    unittest.main()
