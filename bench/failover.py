#!/usr/bin/env python3
"""failover: leaders are killed and frozen under a cluster of simulated agents on real sockets.

Three masters on three real ZooKeeper servers. `all_back`: from kill -9 of the leader until the last
agent and the framework are registered again; its floor is the time the ensemble waits before it
believes the death. `stale_writes`, `old_epoch_commands`: a frozen leader wakes up, with requests in
its sockets, when another one leads already; nothing of it may reach the registry or an agent, and
nothing that it knows a client (`stale_reads`).
"""

import argparse
import collections
import concurrent.futures
import json
import subprocess
import sys
import time

from driving.masters import EnsembleCluster, available
from driving.programs import BIN, Program, Stuck, wait_for
from driving.report import Report

SESSION_S = 4
TASKS_PER_AGENT = 2
WRITES = 16  # asked of each frozen leader
READS = ("/roles", "/master/quota", "/redirect") * 4  # likewise
QUIET_S = 0.3


def disagreements(expected, running, ended, at_agents, of_framework, of_master):
    """How many tasks are lost or doubled: by counts, and by name between framework and master."""
    master = collections.Counter(of_master)
    doubled = sum(master.values()) - len(master)
    return max(abs(expected - running), abs(expected - at_agents), ended,
               len(set(of_framework) ^ set(master)) + doubled)


class Bench:
    def __init__(self, cluster, agents, report):
        self.cluster, self.report, self.count = cluster, report, agents
        self.tasks = agents * TASKS_PER_AGENT
        self.agents = Program("load-agents", 0, agents, log=cluster.dir / "agents.log")
        self.agents.say(f"masters {cluster.links}")
        self.agents.say("start")
        self.agents.line("all")
        self.framework = Program("load-framework", cluster.links, self.tasks,
                                 log=cluster.dir / "framework.log")
        self.framework.line("registered")
        self.framework.line("full")
        self.wrong = 0

    def end(self):
        self.agents.kill()
        self.framework.kill()

    def marks(self):
        return self.agents.mark(), self.framework.mark()

    def wait_back(self, marks, begun):
        """Seconds until the last agent was registered again, and until the framework was."""
        agents = int(self.agents.line("all", marks[0])) / 1e9 - begun
        framework = int(self.framework.line("registered", marks[1]).split()[0]) / 1e9 - begun
        return agents, framework

    def check_tasks(self):
        """What the agents have, what the framework is told, what the master shows: it is one."""
        mark = self.framework.mark()
        self.framework.say("reconcile")
        self.framework.line("reconciled", mark)
        told, there = self.framework.report(), self.agents.report()
        mark = self.framework.mark()
        self.framework.say("ids")
        mine = self.framework.line("ids", mark).split()
        wrong = disagreements(self.tasks, told["running"], told["ended"] + there["ended"],
                              there["tasks"], mine, self.tasks_of_master())
        self.wrong = max(self.wrong, wrong)

    def tasks_of_master(self):
        """Ids of the tasks that run, as the leader shows them."""
        status, text = self.cluster.leader().ask("/api/v1", {"type": "GET_TASKS"})
        if status != 200:
            raise Stuck(f"GET_TASKS is answered with {status}")
        tasks = json.loads(text)["get_tasks"].get("tasks", [])
        return [task["task_id"]["value"] for task in tasks if task["state"] == "TASK_RUNNING"]

    def kill_leader(self):
        leader = self.cluster.leader()
        marks, begun = self.marks(), time.monotonic()
        leader.program.kill()
        self.cluster.leader(besides=[leader])
        elected = time.monotonic() - begun
        agents, framework = self.wait_back(marks, begun)
        self.check_tasks()
        leader.start()
        return agents, framework, elected

    # -- the frozen leader

    def exported(self):
        done = subprocess.run([str(BIN / "bourse"), "registry", "export", self.cluster.url],
                              capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    def commands(self, epoch):
        return self.agents.report()["commands"].get(str(epoch), 0)

    def settle(self):
        """Nothing is under way to agents: what a leader sent in its time is none of a woken one."""
        before = None
        while (now := self.agents.report()["commands"]) != before:
            before = now
            time.sleep(QUIET_S)

    def freeze_leader(self, trial):
        """Writes answered after the wake or registry changed by it, reads answered, commands that
        agents obeyed."""
        leader = self.cluster.leader()
        self.settle()
        epoch = self.agents.report()["epoch"]
        ids = [f"{self.prefix}-S{(trial * WRITES + i) // 2 % self.count}" for i in range(WRITES)]
        verbs = ("deactivate_agent", "reactivate_agent")
        leader.program.freeze()
        before = self.commands(epoch)
        marks = self.marks()
        with concurrent.futures.ThreadPoolExecutor(WRITES + len(READS)) as pool:
            answers = [pool.submit(leader.ask, "/api/v1", {
                "type": verbs[i % 2].upper(), verbs[i % 2]: {"agent_id": {"value": agent}}})
                for i, agent in enumerate(ids)]
            told = [pool.submit(leader.ask, path) for path in READS]
            # A kill in the frozen leader's socket: the driver repeats it to the next one.
            self.framework.say(f"kill t{trial}")
            self.tasks -= 1
            self.cluster.leader(besides=[leader])
            registry = self.exported()
            leader.program.thaw()
            wait_for("the old leader ends", lambda: leader.program.popen.poll() is not None)
            done = sum(1 for one in answers if (one.result() or (0,))[0] in (200, 202))
            # Nor whom it sends clients to: it would be itself.
            read = sum(1 for one in told if (one.result() or (0,))[0] in (200, 307))
        stale = done + (registry != self.exported())
        self.wait_back(marks, 0)
        self.framework.line(f"ended t{trial}", marks[1])
        obeyed = self.commands(epoch) - before
        leader.start()
        return stale, read, obeyed

    def first_agent_prefix(self):
        answer = self.cluster.leader().ask("/api/v1", {"type": "GET_AGENTS"})
        self.prefix = answer[1].split("-S", 1)[0].rsplit('"', 1)[1]


def measure_kills(bench, kills, params, report):
    took = []
    for number in range(kills):
        agents, framework, elected = bench.kill_leader()
        took.append(max(agents, framework))
        report.progress(f"kill {number + 1} of {kills}: a leader after {elected:.2f} s, agents "
                        f"back after {agents:.2f} s, the framework after {framework:.2f} s")
    took.sort()
    params = params | {"kills": kills}
    report.add("all_back_max", took[-1], "s", params, SESSION_S)
    report.add("all_back_p50", took[len(took) // 2], "s", params, SESSION_S)
    # Lost, doubled or invented: a task too many is as wrong as one too few.
    report.add("tasks_lost", bench.wrong, "1", params)
    return bench.wrong == 0


def measure_stops(bench, stops, params, report):
    bench.first_agent_prefix()
    stale = read = obeyed = 0
    for number in range(stops):
        wrote, told, ordered = bench.freeze_leader(number)
        stale, read, obeyed = stale + wrote, read + told, obeyed + ordered
        report.progress(f"stop {number + 1} of {stops}: {wrote} stale writes, {told} stale reads, "
                        f"{ordered} commands")
    params = params | {"stops": stops, "writes_asked": stops * WRITES,
                       "reads_asked": stops * len(READS)}
    report.add("stale_writes", stale, "1", params)
    report.add("stale_reads", read, "1", params)
    report.add("old_epoch_commands", obeyed, "1", params)
    return stale == read == obeyed == 0


def sizes(options):
    """Agents, kills, stops. Who asks for some kills only, or for some stops, wants no hour of the
    other."""
    agents, kills, stops = (100, 3, 3) if options.quick else (1000, 50, 200)
    if options.kills is not None or options.stops is not None:
        kills, stops = options.kills or 0, options.stops or 0
    return options.agents or agents, kills, stops


def main():
    parser = argparse.ArgumentParser(prog="./dev bench failover", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="100 agents, 3 kills and 3 stops")
    parser.add_argument("--agents", type=int)
    parser.add_argument("--kills", type=int, help="so many, and no stops unless they are given too")
    parser.add_argument("--stops", type=int, help="so many, and no kills unless they are given too")
    options = parser.parse_args()
    agents, kills, stops = sizes(options)
    report = Report("failover", options.json)
    if not available():
        print("failover: needs Java and ZooKeeper's jar: ./dev setup", file=sys.stderr)
        return 1
    params = {"agents": agents, "masters": 3, "servers": 3, "session_timeout_s": SESSION_S}
    good = True
    try:
        with EnsembleCluster(3, 3, SESSION_S) as cluster:
            bench = Bench(cluster, agents, report)
            try:
                if kills > 0:
                    good &= measure_kills(bench, kills, params, report)
                if stops > 0:
                    good &= measure_stops(bench, stops, params, report)
            finally:
                bench.end()
    except Stuck as stuck:
        print(f"failover: {stuck}", file=sys.stderr)
        return 1
    return report.print() or (0 if good else 1)


if __name__ == "__main__":
    sys.exit(main())
