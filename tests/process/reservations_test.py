"""Reservations with real processes, by ACCEPT and by operators: refined, exchanged, and refused
with nothing changed; and volumes on disks of their own that outlive everybody who used them."""

import json
import unittest

from cluster_case import wait_for
from operations_case import ROLE, OperationsCase, disk, operation
from v1_scheduler import task


def cpus(value, *stack, name="cpus"):
    """Reserved for each role of the stack, the outermost first."""
    made = {"name": name, "type": "SCALAR", "scalar": {"value": value}}
    if stack:
        made["reservations"] = [
            {"type": "DYNAMIC", **(entry if isinstance(entry, dict) else {"role": entry})}
            for entry in stack]
    return made


def ports(*ranges):
    return {"name": "ports", "type": "RANGES",
            "ranges": {"range": [{"begin": begin, "end": end} for begin, end in ranges]},
            "reservations": [{"type": "DYNAMIC", "role": ROLE}]}


def stacks(resources, name="cpus"):
    """How much of a resource is under which roles."""
    return {tuple(r["role"] for r in resource.get("reservations", [])): resource["scalar"]["value"]
            for resource in resources if resource["name"] == name}


class Reservations(OperationsCase):
    def total(self):
        return self.agents()[0]["total_resources"]

    def offered(self, scheduler, stack):
        """The newest open offer with cpus under these roles, all of it."""
        def look():
            for event in reversed(scheduler.json_events("OFFERS")):
                for offer in event["offers"]["offers"]:
                    if stack in stacks(offer["resources"]) and self.is_open(offer):
                        return offer
            return None
        return wait_for(f"an offer with cpus of {stack}", look)

    def test_a_reservation_is_refined_and_exchanged_for_another_in_one_call(self):
        self.start_master()
        self.start_agent("a0")
        self.wait_agents(1)
        self.assertEqual(self.write("RESERVE_RESOURCES", resources=[cpus(2, "eng")]).status, 202)
        web = self.scheduler(roles=["eng/web"])
        offer = self.offered(web, ("eng",))
        label = {"labels": {"labels": [{"key": "why", "value": "hot"}]}}
        refined, marked = ("eng", "eng/web"), ("eng", {"role": "eng/web", **label})
        self.accept(web, offer, [
            operation("RESERVE", [cpus(2, *refined)], "refine"),
            {"type": "RESERVE", "id": {"value": "exchange"}, "reserve": {
                "source": [cpus(1, *refined)], "resources": [cpus(1, *marked)]}}])
        for name in ("refine", "exchange"):
            self.acknowledge(web, self.status(web, name))
        offer = self.offered(web, refined)
        found = [r for r in offer["resources"] if r["name"] == "cpus" and "reservations" in r]
        self.assertEqual(sorted((r["scalar"]["value"], "labels" in r["reservations"][1])
                                for r in found), [(1.0, False), (1.0, True)])
        self.assertEqual([[e["role"] for e in r["reservations"]] for r in found],
                         [list(refined)] * 2)
        # Who does not know refinement is not offered what is refined.
        plain = self.scheduler(roles=["eng/web"], capabilities=[{"type": "MULTI_ROLE"}])
        self.assertEqual(web.call("TEARDOWN").status, 202)
        web.wait_end()
        offer = self.offered_whole(plain, 2)
        self.assertNotIn("reservations", json.dumps(offer))
        # An operator takes it from one role to another, without a moment in which it is free.
        answer = self.write("RESERVE_RESOURCES", source=[cpus(1, *refined)],
                            resources=[cpus(1, "ops")])
        self.assertEqual(answer.status, 202, answer.text)
        ops = self.scheduler(roles=["ops"])
        self.assertEqual(stacks(self.offered(ops, ("ops",))["resources"])[("ops",)], 1.0)
        answer = self.write("RESERVE_RESOURCES", source=[cpus(1, "eng", "eng/web")],
                            resources=[cpus(1, "ops")])
        self.assertEqual(answer.status, 409, answer.text)  # what is left bears a label
        self.assertIn("does not contain cpus(eng/web):1", answer.text)
        # Popped, one after the other.
        self.assertEqual(self.write("UNRESERVE_RESOURCES", resources=[cpus(1, *marked)]).status,
                         202)
        self.assertEqual(stacks(self.total()), {("ops",): 1.0, ("eng",): 1.0, (): 2.0})

    def offered_whole(self, scheduler, size):
        """The first offer of so many cpus that are nobody's."""
        def look():
            for event in scheduler.json_events("OFFERS"):
                for offer in event["offers"]["offers"]:
                    for resource in offer["resources"]:
                        if resource["name"] == "cpus" and resource["scalar"]["value"] == size:
                            return offer
            return None
        return wait_for(f"an offer of {size} cpus", look)

    def test_what_may_not_be_reserved_is_refused_with_its_sentence_and_nothing_changes(self):
        self.start_master()
        self.start_agent("a0", "--resources=cpus:4;mem:2048;disk:1000;ports:[1000-1009]")
        self.wait_agents(1)
        scheduler = self.scheduler(principal="me")
        before = self.total()
        mine = {"role": ROLE, "principal": "me"}
        for name, wrong, sentence in (
            ("foreign", cpus(1, {**mine, "principal": "another"}),
             "names principal 'another', and 'me' asks"),
            ("nobody", cpus(1, {"role": ROLE}), "names no principal, and 'me' asks"),
            ("role", cpus(1, {**mine, "role": "none/such"}),
             "is for role 'none/such', and the offer for 'web'"),
            ("much", cpus(5, mine), "mem:2048; ports:[1000-1009] does not contain cpus:5"),
        ):
            with self.subTest(name):
                self.accept(scheduler, self.offers_of(4), [operation("RESERVE", [wrong], name)])
                status = self.status(scheduler, name, "OPERATION_ERROR")
                self.assertIn(sentence, status["message"])
                self.assertNotIn("uuid", status)
        # What cannot be a resource at all is the whole call's end, and costs no offer.
        malformed = (
            (cpus(-1, mine), "scalar.value"),
            (ports((1000, 1004), (1003, 1009)), "overlap"),
            (cpus(1, {**mine, "role": "*"}), "nothing can be reserved for everybody"),
            (cpus(1, {**mine, "role": "a/../b"}), "a/../b"),
            (cpus(1, mine, {**mine, "role": "ops"}), "must lie below the role reserved before it"),
        )
        offers = self.offers_of(4)
        for wrong, sentence in malformed:
            with self.subTest(sentence):
                answer = scheduler.call("ACCEPT", {
                    "offer_ids": [offer["id"] for offer in offers],
                    "operations": [operation("RESERVE", [wrong], "x")]})
                self.assertEqual(answer.status, 400, answer.text)
                self.assertIn(sentence, answer.text)
                answer = self.write("RESERVE_RESOURCES", resources=[wrong])
                self.assertEqual(answer.status, 400, answer.text)
                self.assertIn(sentence, answer.text)
        self.assertTrue(all(self.is_open(offer) for offer in offers))
        answer = self.write("RESERVE_RESOURCES", resources=[cpus(5, mine)])
        self.assertEqual(answer.status, 409, answer.text)
        self.assertIn("does not contain cpus:5", answer.text)
        self.assertTrue(all(self.is_open(offer) for offer in offers))
        self.assertEqual(self.total(), before)
        self.assertEqual(self.operations(), [])

    def test_files_on_path_and_mount_disks_outlive_task_agent_and_master(self):
        sources = {}
        for kind in ("PATH", "MOUNT"):
            (self.dir / kind).mkdir()
            sources[kind] = {"type": kind, kind.lower(): {"root": str(self.dir / kind)}}
        resources = json.dumps([cpus(4), cpus(1024, name="mem")] + [
            {**cpus(100, name="disk"), "disk": {"source": source}} for source in sources.values()])
        scheduler = self.cluster(resources)
        volumes = [disk(20, volume="p", path="on-path", source=sources["PATH"]),
                   disk(100, volume="m", path="on-mount", source=sources["MOUNT"])]
        offer = scheduler.offer()
        writer = task("writer", offer, "echo kept > on-path/file && echo too > on-mount/file")
        writer["resources"] += volumes
        self.accept(scheduler, offer, [
            operation("RESERVE", [disk(20, source=sources["PATH"]),
                                  disk(100, source=sources["MOUNT"])]),
            operation("CREATE", volumes, "made"),
            {"type": "LAUNCH", "launch": {"task_infos": [writer]}}])
        self.acknowledge(scheduler, self.status(scheduler, "made"))
        scheduler.acknowledge(scheduler.reach("writer", "TASK_FINISHED"))
        files = [self.dir / kind / "volumes/roles" / ROLE / name / "file"
                 for kind, name in (("PATH", "p"), ("MOUNT", "m"))]
        self.assertEqual([file.read_text() for file in files], ["kept\n", "too\n"])

        self.agent.kill()
        self.master.kill()
        self.start_master()
        self.agent = self.agent_with(resources)
        again = self.scheduler(scheduler.framework_id)
        offer = self.offer_with(again, "m")
        self.assertEqual(
            {name: r["disk"]["source"]["type"] for name, r in self.volumes_in(offer).items()},
            {"p": "PATH", "m": "MOUNT"})
        reader = task("reader", offer, "cat on-path/file on-mount/file > read")
        reader["resources"] += volumes
        self.assertEqual(again.launch(offer, reader).status, 202)
        again.acknowledge(again.reach("reader", "TASK_FINISHED"))
        self.assertEqual(self.cli("logs", "reader", "--file=read"), "kept\ntoo\n")
        self.assertEqual([file.read_text() for file in files], ["kept\n", "too\n"])


if __name__ == "__main__":
    unittest.main()
