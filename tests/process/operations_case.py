"""A cluster with a framework that reserves and makes volumes, for tests of operations."""

from cluster_case import BIN, wait_for
from v1_scheduler import Scheduler, StreamCase, post

ROLE = "web"


def disk(size, role=ROLE, volume=None, path="data", source=None, mode="RW"):
    made = {"name": "disk", "type": "SCALAR", "scalar": {"value": size},
            "reservations": [{"type": "DYNAMIC", "role": role}]}
    if source:
        made["disk"] = {"source": source}
    if volume:
        made.setdefault("disk", {}).update(
            {"persistence": {"id": volume}, "volume": {"container_path": path, "mode": mode}})
    return made


def operation(kind, resources, name=None):
    field = {"RESERVE": "resources", "UNRESERVE": "resources"}.get(kind, "volumes")
    made = {"type": kind, kind.lower(): {field: resources}}
    if name:
        made["id"] = {"value": name}
    return made


class OperationsCase(StreamCase):
    def cluster(self, resources=None):
        self.master = self.start_master()
        self.agent = self.start_agent("a0") if resources is None else self.agent_with(resources)
        return self.scheduler()

    def agent_with(self, resources):
        agent = self.start("agent a0", [
            BIN / "bourse-agent", f"--master=127.0.0.1:{self.link_port}", "--port=0",
            f"--work-dir={self.dir}/a0", f"--run-dir={self.dir}/a0r", f"--resources={resources}"])
        agent.line("ready")
        return agent

    def scheduler(self, framework_id=None, **info):
        capabilities = [{"type": kind} for kind in
                        ("MULTI_ROLE", "RESERVATION_REFINEMENT", "SHARED_RESOURCES")]
        self.streams.append(Scheduler(self.http_port, framework_id, **{
            "roles": [ROLE], "capabilities": capabilities, "failover_timeout": 60.0, **info}))
        return self.streams[-1]

    def accept(self, scheduler, offers, operations):
        offers = offers if isinstance(offers, list) else [offers]
        answer = scheduler.call("ACCEPT", {
            "offer_ids": [offer["id"] for offer in offers], "operations": operations,
            "filters": {"refuse_seconds": 0}})
        self.assertEqual(answer.status, 202, answer.text)

    def status(self, scheduler, name, state="OPERATION_FINISHED"):
        return scheduler.wait("UPDATE_OPERATION_STATUS", lambda e: (
            e["update_operation_status"]["status"]["operation_id"]["value"] == name and
            e["update_operation_status"]["status"]["state"] == state)
        )["update_operation_status"]["status"]

    def acknowledge(self, scheduler, status):
        answer = scheduler.call("ACKNOWLEDGE_OPERATION_STATUS", {
            "agent_id": status["agent_id"], "operation_id": status["operation_id"],
            "uuid": status["uuid"]["value"]})
        self.assertEqual(answer.status, 202, answer.text)

    @staticmethod
    def volumes_in(offer):
        return {r["disk"]["persistence"]["id"]: r for r in offer["resources"]
                if "persistence" in r.get("disk", {})}

    def offer_with(self, scheduler, volume):
        """The newest offer that has the volume."""
        def look():
            for event in reversed(scheduler.json_events("OFFERS")):
                for offer in event["offers"]["offers"]:
                    if volume in self.volumes_in(offer) and self.is_open(offer):
                        return offer
            return None
        return wait_for(f"an offer with volume {volume}", look)

    def open_offers(self):
        frameworks = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]["frameworks"]
        return [offer for f in frameworks for offer in f.get("offers", [])]

    def is_open(self, offer):
        return any(o["id"] == offer["id"] for o in self.open_offers())

    def offers_of(self, cpus):
        """What is on the table, once that is so many cpus: the whole agent."""
        def look():
            offers = self.open_offers()
            sizes = [r["scalar"]["value"] for o in offers for r in o["resources"]
                     if r["name"] == "cpus"]
            return offers if abs(sum(sizes) - cpus) < 1e-6 else None
        return wait_for(f"offers of {cpus} cpus", look)

    def write(self, kind, **fields):
        """An operator's call about the one agent that there is."""
        body = {"type": kind, kind.lower(): {
            "agent_id": self.agents()[0]["agent_info"]["id"], **fields}}
        return post(self.http_port, body, {"Content-Type": "application/json"}, path="/api/v1")

    def volume_dir(self, name, agent="a0"):
        return self.dir / agent / "volumes" / "roles" / ROLE / name

    def operations(self):
        return self.call({"type": "GET_OPERATIONS"})["get_operations"].get("operations", [])
