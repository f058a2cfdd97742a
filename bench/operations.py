#!/usr/bin/env python3
"""operations: seconds from asking for 1,000 RESERVE and 1,000 CREATE on one agent until each is
acknowledged, all stored in the agent's checkpoint: by a scheduler in one ACCEPT, and by an operator
in as many calls, 64 under way. Real master, real agent, HTTP. Floor: as many fdatasyncs one after
another. Goal: 2 s.
"""

import concurrent.futures
import http.client
import json
import os
import subprocess
import sys
import threading
import time

from driving.masters import Master
from driving.programs import BIN, ROOT, Program, wait_for
from driving.report import run_on_disk

os.environ.setdefault("BOURSE_BIN", str(BIN))
sys.path.insert(0, str(ROOT / "tests/process"))
from v1_scheduler import Scheduler  # noqa: E402

ROLE = "bench"
IN_FLIGHT = 64


def disk(size, volume=None):
    made = {"name": "disk", "type": "SCALAR", "scalar": {"value": size},
            "reservations": [{"type": "DYNAMIC", "role": ROLE}]}
    if volume:
        made["disk"] = {"persistence": {"id": volume},
                        "volume": {"container_path": "data", "mode": "RW"}}
    return made


def start(place):
    master = Master(place / "master")
    agent = Program("bourse-agent", f"--master={master.link}", "--port=0",
                    f"--work-dir={place}/agent", f"--run-dir={place}/run",
                    "--resources=cpus:4;mem:1024;disk:100000", log=f"{place}/agent.log")
    agent.line("ready")
    return master, agent


def by_scheduler(place, count):
    master, agent = start(place)
    scheduler = Scheduler(int(master.http.rsplit(":", 1)[1]), roles=[ROLE], capabilities=[
        {"type": "MULTI_ROLE"}, {"type": "RESERVATION_REFINEMENT"}])
    try:
        offer = scheduler.offer()
        operations = []
        for i in range(count):
            operations.append({"type": "RESERVE", "id": {"value": f"r{i}"},
                               "reserve": {"resources": [disk(1)]}})
            operations.append({"type": "CREATE", "id": {"value": f"c{i}"},
                               "create": {"volumes": [disk(1, f"v{i}")]}})
        began = time.monotonic()
        answer = scheduler.call("ACCEPT", {"offer_ids": [offer["id"]], "operations": operations},
                                timeout=120)
        if answer.status != 202:
            raise RuntimeError(f"ACCEPT: {answer.status} {answer.text}")
        wait_for("every operation's status", lambda: sum(
            b"UPDATE_OPERATION_STATUS" in e for e in scheduler.events) >= 2 * count)
        seconds = time.monotonic() - began
        states = {e["update_operation_status"]["status"]["state"]
                  for e in scheduler.json_events("UPDATE_OPERATION_STATUS")}
        if states != {"OPERATION_FINISHED"}:
            raise RuntimeError(f"operations ended {states}")
        return seconds
    finally:
        scheduler.close()
        agent.kill()
        master.program.kill()


def by_operator(place, count):
    master, agent = start(place)
    host, port = master.http.split(":")
    local = threading.local()

    def call(body):
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection(host, port, timeout=120)
        local.connection.request("POST", "/api/v1", json.dumps(body),
                                 {"Content-Type": "application/json"})
        answer = local.connection.getresponse()
        text = answer.read().decode()
        if answer.status not in (200, 202):
            raise RuntimeError(f"{body['type']}: {answer.status} {text}")
        return text

    try:
        def agents():
            return json.loads(call({"type": "GET_AGENTS"}))["get_agents"].get("agents", [])
        end = time.monotonic() + 30
        while not agents():
            if time.monotonic() > end:
                raise RuntimeError("the agent did not register")
            time.sleep(0.02)  # between two looks at the condition
        agent_id = agents()[0]["agent_info"]["id"]

        def pair(i):
            call({"type": "RESERVE_RESOURCES",
                  "reserve_resources": {"agent_id": agent_id, "resources": [disk(1)]}})
            call({"type": "CREATE_VOLUMES",
                  "create_volumes": {"agent_id": agent_id, "volumes": [disk(1, f"v{i}")]}})
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(IN_FLIGHT) as pool:
            list(pool.map(pair, range(count)))
        return time.monotonic() - began
    finally:
        agent.kill()
        master.program.kill()


def floor(place, count):
    done = subprocess.run([str(BIN / "load-writes"), "floor", str(place / "floor"), "1", "1"],
                          capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return 2 * count / float(done.stdout)


def measure(place, quick, report):
    count = 100 if quick else 1000
    base = floor(place, count)
    report.add("fdatasyncs", base, "s", {"operations": 2 * count})
    for name, run, params in (("accept", by_scheduler, {}),
                              ("operator_calls", by_operator, {"in_flight": IN_FLIGHT})):
        report.progress(name)
        where = place / name
        where.mkdir()
        report.add(name, run(where, count), "s", {"operations": 2 * count, **params}, base)


def main():
    return run_on_disk("operations", __doc__, "100 of each", measure)


if __name__ == "__main__":
    sys.exit(main())
