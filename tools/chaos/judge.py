"""Reads both books after a run, and what the processes left. A violation is a sentence that begins
with the name of the invariant it breaks (docs/RELIABILITY.md)."""

import json
import subprocess
import time

import books
import world as worlds

STEPS = {"TASK_STAGING": 0, "TASK_STARTING": 1, "TASK_RUNNING": 2, "TASK_KILLING": 3}


def of_one_task(task, written, processes):
    """What is wrong between what a task's framework was told and what the task wrote itself."""
    found = []
    starts, ends = written.count("start"), written.count("end")
    told = [state for _, state, _ in task.told]
    finals = {state for state in told if state in books.FINAL}
    if starts > 1:
        found.append(f"S8: {task.id} ran {starts} times")
    if len(finals) > 1:
        found.append(f"S7: {task.id} ended in different ways: {sorted(finals)}")
    if finals and told[-1] not in books.FINAL:
        found.append(f"S7: {task.id} was told as {told[-1]} after its end")
    if "TASK_FINISHED" in finals and (ends != 1 or task.code != 0):
        found.append(f"S11: {task.id} is told as finished and wrote {written}")
    if starts and not told:
        found.append(f"S12: {task.id} ran and its framework was told nothing")
    if ends and finals == {"TASK_FAILED"} and task.code == 0 and not task.harmed:
        found.append(f"S11: {task.id} ended well and is told as failed: {task.told[-1]}")
    if told and told[-1] in books.ENDED and processes:
        found.append(f"S9: {task.id} is told as {told[-1]} and its processes {processes} live")
    return found


class Judge:
    def __init__(self, world):
        self.world = world
        self.violations = []
        self.figures = {}
        self.app_was = (worlds.INSTANCES, worlds.INSTANCES)

    def say(self, sentence):
        self.violations.append(sentence)

    def in_time(self, invariant, what, condition, limit_s):
        try:
            return round(self.world.wait(what, condition, limit_s), 2)
        except worlds.Trouble as trouble:
            self.say(f"{invariant}: {trouble}")
            return None

    # -- after each fault

    def healed(self):
        """One leader, and every agent active under it, with the id that it had."""
        world = self.world
        begun = time.monotonic()
        self.in_time("L1", "one leader", lambda: len(world.leading()) == 1, worlds.HEALTHY_LIMIT_S)
        self.in_time("L2", "every agent active again", world.healthy, worlds.HEALTHY_LIMIT_S)
        for address, agent_id in world.active_agents().items():
            if world.agent_ids.get(address) != agent_id:
                self.say(f"S14: the agent at {address} was {world.agent_ids.get(address)} and is "
                         f"{agent_id}")
                world.agent_ids[address] = agent_id
        self.app()
        for daemon in world.daemons.values():
            while daemon.crashes:
                self.say(f"S26: {daemon.name} ended by signal {-daemon.crashes.pop()}:\n"
                         f"{daemon.last_words()}")
        return round(time.monotonic() - begun, 2)

    def app(self):
        """No fault ends an instance of the app, so none is started again and none twice."""
        starts, live = self.world.app_starts(), len(self.world.app_processes())
        if (starts, live) != self.app_was:
            self.say(f"S14: the app had {self.app_was[1]} instances, {self.app_was[0]} were ever "
                     f"started; now {live} live and {starts} were started")
            self.app_was = (starts, live)

    # -- at the end

    def end(self):
        """All is mended: what was asked for comes to its end, and the books must agree."""
        world, book = self.world, self.world.books
        patience = worlds.HEALTHY_LIMIT_S
        never_sent = {task.id for task in book.held_by_none()}
        self.figures["settled_s"] = self.in_time(
            "L3", "every task at its end",
            lambda: not [t for t in book.open_tasks() if t.id not in never_sent], patience)
        for task in book.open_tasks():
            if task.told:
                self.say(f"S12: {task.id} is {task.state()} for ever; it wrote "
                         f"{book.written(task)}, its processes: {book.processes_of(task)}")
        for task in book.tasks.values():
            for sentence in of_one_task(task, book.written(task), book.processes_of(task)):
                self.say(f"{sentence}; told: {[s for _, s, _ in task.told]}")
        for line in book.errors:
            self.say(f"S12: the framework was refused: {line}")
        states = [t.state() for t in book.tasks.values()]
        self.figures["tasks"] = {str(s): states.count(s) for s in sorted(set(map(str, states)))}
        self.app()
        self.crawl()
        self.registry()

    def crawl(self):
        world = self.world
        self.figures["crawl_s"] = self.in_time(
            "L3", "the crawl at its end", lambda: world.crawler.poll() is not None, 240)
        if world.crawler.poll() is None:
            world.crawler.kill()
        world.web.terminate()
        world.web.wait()
        done = subprocess.run(
            [world.bin / "bourse-crawl-check", f"--truth={world.box}/truth",
             f"--output={world.box}/crawl", f"--stats={world.box}/web-stats", "--json"],
            capture_output=True, text=True)
        summary = json.loads(done.stdout)
        for name in ("missing", "duplicate", "extra", "wrong"):
            if summary.get(f"items_{name}"):
                self.say(f"S11: the crawl has {summary[f'items_{name}']} items {name}")
        if summary.get("pacing_violations"):
            self.say(f"S11: {summary['pacing_violations']} requests came too soon")
        self.figures["crawl_items"] = summary.get("items_found")

    def registry(self):
        done = subprocess.run([self.world.bin / "bourse", "registry", "check", self.world.zk],
                              capture_output=True, text=True)
        if done.returncode != 0:
            self.say(f"S5: the registry does not check: {done.stdout}{done.stderr}")
