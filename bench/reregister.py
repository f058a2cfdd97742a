#!/usr/bin/env python3
"""reregister: how long a whole cluster takes to come back to a master, and to come at all.

Simulated agents on real sockets, in processes of their own, with 10 tasks each. `back`: a master
starts on the registry of its last life; from the first agent's first byte to the moment at which
the master's view shows the last agent active. `admitted`: agents that nobody knows, whose
admission the master's file or a three-server ensemble stores first.
"""

import argparse
import contextlib
import pathlib
import shutil
import sys
import tempfile
import time

from driving.masters import EnsembleCluster, Master, available
from driving.programs import Program, Stuck, wait_for
from driving.report import Report

TASKS = 10
SYNCED = ["-Dzookeeper.forceSync=yes", "-Xmx512m"]  # servers that wait for their disks


def cpu_seconds_of(pid):
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    fields = text[text.rindex(")") + 2:].split()
    return (int(fields[11]) + int(fields[12])) / 100


class Crowd:
    """Agents in a few processes."""

    def __init__(self, count, processes, log_dir):
        each = count // processes
        self.count, self.each = each * processes, each
        self.programs = [
            Program("load-agents", i * each, each, log=log_dir / f"agents{i}.log")
            for i in range(processes)]

    def end(self):
        for program in self.programs:
            program.kill()

    def meet(self, addresses):
        """Seconds, by the monotonic clock, at which they began, and their last was registered."""
        marks = [program.mark() for program in self.programs]
        for index, program in enumerate(self.programs):
            program.say(f"masters {addresses[index % len(addresses)]}")
        begun = time.monotonic()
        for program in self.programs:
            program.say("start")
        last = max(int(program.line("all", mark)) for program, mark in zip(self.programs, marks))
        return begun, last / 1e9

    def make_tasks(self, master):
        """Each agent has tasks of a framework that the master has stored, and that is away."""
        for program in self.programs:
            framework = Program("load-framework", master.link, 0)
            framework_id = framework.line("registered").split()[1]
            framework.kill()
            mark = program.mark()
            program.say(f"tasks {TASKS} {framework_id}")
            program.line("made", mark)

    def hold(self):
        marks = [program.mark() for program in self.programs]
        for program in self.programs:
            program.say("hold")
        for program, mark in zip(self.programs, marks):
            program.line("held", mark)

    def cpu_seconds(self):
        return sum(cpu_seconds_of(program.pid) for program in self.programs)


def wait_active(master, count, tasks=0):
    """When the view shows them all with their tasks; by the monotonic clock."""
    def all_there():
        metrics = master.metrics()
        return (metrics.get("master/slaves_active") == count
                and metrics.get("master/tasks_running") == tasks)
    wait_for(f"{count} active agents with {tasks} tasks", all_there)
    return time.monotonic()


def add_times(report, metric, took, params):
    """The best, the middle one and the worst of the repetitions, which are (seconds, ..)."""
    seconds = sorted(one[0] for one in took)
    report.add(f"{metric}_best", seconds[0], "s", params)
    report.add(f"{metric}_p50", seconds[len(seconds) // 2], "s", params)
    report.add(f"{metric}_worst", seconds[-1], "s", params)


@contextlib.contextmanager
def box():
    path = pathlib.Path(tempfile.mkdtemp(prefix="bourse-bench-", dir="/var/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def measure_back(count, processes, report, repetitions):
    took = []
    with box() as place:
        master = Master(place / "master")
        crowd = Crowd(count, processes, place)
        try:
            report.progress(f"{crowd.count} agents that nobody knows")
            begun, last = crowd.meet([master.link])
            admitted = wait_active(master, crowd.count) - begun
            crowd.make_tasks(master)
            for _ in range(repetitions):
                crowd.hold()
                master.program.kill()
                master.start()
                cpu = (cpu_seconds_of(master.program.pid), crowd.cpu_seconds())
                begun, last = crowd.meet([master.link])
                seen = wait_active(master, crowd.count, crowd.count * TASKS) - begun
                spent = (cpu_seconds_of(master.program.pid) - cpu[0], crowd.cpu_seconds() - cpu[1])
                report.progress(
                    f"all registered after {last - begun:.2f} s, seen after {seen:.2f} s; "
                    f"processor time: master {spent[0]:.2f} s, agents {spent[1]:.2f} s")
                took.append((seen, spent))
        finally:
            crowd.end()
            master.program.kill()
    params = {"agents": crowd.count, "agent_processes": processes, "tasks_per_agent": TASKS,
              "repetitions": repetitions}
    best = min(took)
    add_times(report, "back", took, params)
    report.add("back_master_cpu", 1e6 * best[1][0] / crowd.count, "us", params)
    report.add("back_agents_cpu", 1e6 * best[1][1] / crowd.count, "us", params)
    report.add("admitted_by_file", admitted, "s", params)


def measure_gateways(count, gateways, report, repetitions):
    """As measure_back, each process of agents behind a gateway of its own."""
    took = []
    with box() as place:
        master = Master(place / "master")
        doors = [Program("bourse-gateway", f"--master={master.link}", "--port=0", "--http-port=0",
                         log=place / f"gateway{i}.log") for i in range(gateways)]
        links = [door.line("ready").rsplit("link=", 1)[1] for door in doors]
        crowd = Crowd(count, gateways, place)
        try:
            report.progress(f"{crowd.count} agents that nobody knows, through {gateways} gateways")
            crowd.meet(links)
            wait_active(master, crowd.count)
            crowd.make_tasks(master)
            for _ in range(repetitions):
                crowd.hold()
                master.program.kill()
                master.start()
                wait_for("the gateways are back", lambda: master.metrics().get(
                    "bourse/link/gateways") == gateways)
                watched = [master.program.pid, *(door.pid for door in doors)]
                cpu = [cpu_seconds_of(pid) for pid in watched], crowd.cpu_seconds()
                begun, last = crowd.meet(links)
                seen = wait_active(master, crowd.count, crowd.count * TASKS) - begun
                spent = [cpu_seconds_of(pid) - before for pid, before in zip(watched, cpu[0])]
                agents = crowd.cpu_seconds() - cpu[1]
                report.progress(
                    f"all registered after {last - begun:.2f} s, seen after {seen:.2f} s; "
                    f"processor time: master {spent[0]:.2f} s, gateways {sum(spent[1:]):.2f} s, "
                    f"agents {agents:.2f} s")
                took.append((seen, spent))
        finally:
            crowd.end()
            for door in doors:
                door.kill()
            master.program.kill()
    params = {"agents": crowd.count, "gateways": gateways, "tasks_per_agent": TASKS,
              "repetitions": repetitions}
    best = min(took)
    add_times(report, "back_through_gateways", took, params)
    report.add("gateways_master_cpu", 1e6 * best[1][0] / crowd.count, "us", params)
    report.add("gateways_cpu", 1e6 * sum(best[1][1:]) / crowd.count, "us", params)


def measure_admission(count, processes, report):
    with EnsembleCluster(3, 1, 4, java_options=SYNCED) as cluster:
        leader = cluster.leader()
        crowd = Crowd(count, processes, cluster.dir)
        try:
            report.progress(f"{crowd.count} agents that nobody knows, admitted into an ensemble")
            begun, last = crowd.meet([leader.link])
            seen = wait_active(leader, crowd.count) - begun
            report.progress(f"all registered after {last - begun:.2f} s, seen after {seen:.2f} s; "
                            f"master {cpu_seconds_of(leader.program.pid):.2f} s of processor time")
        finally:
            crowd.end()
    params = {"agents": crowd.count, "agent_processes": processes, "servers": 3}
    report.add("admitted_by_ensemble", seen, "s", params)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench reregister", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a tenth of the agents")
    parser.add_argument("--only", choices=("back", "gateways", "admitted"))
    options = parser.parse_args()
    part = 10 if options.quick else 1
    report = Report("reregister", options.json)
    if options.only in (None, "admitted") and not available():
        print("reregister: needs Java and ZooKeeper's jar: ./dev setup", file=sys.stderr)
        return 1
    try:
        if options.only in (None, "back"):
            measure_back(15_000 // part, 2, report, 3)
        if options.only in (None, "gateways"):
            measure_gateways(40_000 // part, 4, report, 3)
        if options.only in (None, "admitted"):
            measure_admission(10_000 // part, 2, report)
    except Stuck as stuck:
        print(f"reregister: {stuck}", file=sys.stderr)
        return 1
    return report.print()


if __name__ == "__main__":
    sys.exit(main())
