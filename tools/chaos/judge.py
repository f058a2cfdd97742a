"""Reads both books after a run, and what the processes left. A violation is a sentence that begins
with the name of the invariant it breaks (docs/RELIABILITY.md)."""

import json
import subprocess
import time

import books
import world as worlds

P99_LIMIT_S = 1.0


def of_what_was_told(task, told, finals):
    """What contradicts itself in what the framework was told."""
    if len(finals) > 1:
        yield f"S7: {task.id} ended in different ways: {sorted(finals)}"
    if finals and told[-1] not in books.FINAL:
        yield f"S7: {task.id} was told as {told[-1]} after its end"
    if not told:
        yield f"S12: {task.id} was asked and its framework was told nothing of it"
    elif told[-1] not in books.ENDED and told[-1] != "TASK_UNKNOWN":
        yield f"S12: {task.id} is {told[-1]} for ever"
        if task.kill_asked_at is not None:
            yield f"S9: a kill of {task.id} was asked and did not end it"
    if "TASK_KILLED" in finals and task.kill_asked_at is None:
        yield f"S9: {task.id} is told as killed and nobody asked for it"
    if "TASK_RUNNING" in told and told[-1] in books.ENDED - books.FINAL and not task.harmed:
        yield f"S11: {task.id} ran, nobody harmed it, and it is told as {told[-1]}"
    if "TASK_UNKNOWN" in told and "TASK_RUNNING" in told:
        yield f"S22: {task.id} ran and a master said that it does not know it"


def of_its_end(task, told, finals, written):
    """What is wrong between the end that was told and what the task wrote itself."""
    starts, ends = written.count("start"), written.count("end")
    if starts > 1:
        yield f"S8: {task.id} ran {starts} times"
    if "TASK_FINISHED" in finals and (ends != 1 or task.code != 0):
        yield f"S11: {task.id} is told as finished and wrote {written}"
    if starts and (not told or "TASK_UNKNOWN" in told):
        yield f"S12: {task.id} ran and its framework was not told so"
    if task.harmed:
        return
    if "TASK_FAILED" in finals and starts and (ends == 0 or task.code == 0):
        yield f"S11: {task.id} is told as failed, would end with {task.code} and wrote {written}"
    # Nobody marks an agent gone here, and a master says nothing of what may still run.
    if starts and told and told[-1] in (books.ENDED - books.FINAL) | {"TASK_ERROR"}:
        if "TASK_RUNNING" not in told or told[-1] == "TASK_ERROR":
            yield f"S11: {task.id} began and is told as {told[-1]}"


def of_one_task(task, written, processes):
    """What is wrong between what a task's framework asked and was told, what the task wrote itself,
    and what is left of it."""
    told = [state for _, state, _ in task.told]
    finals = {state for state in told if state in books.FINAL}
    # Who asks about a task while its end is on its way is told so by a master that never had it.
    while finals and told[-1] == "TASK_UNKNOWN":
        told.pop()
    found = list(of_what_was_told(task, told, finals))
    if task.writes:
        found += of_its_end(task, told, finals, written)
    if told and told[-1] in books.ENDED | {"TASK_UNKNOWN"} and processes:
        found.append(f"S9: {task.id} is told as {told[-1]} and its processes {processes} live")
    return found


def of_a_task_and_its_excuse(task, written, processes):
    """As of_one_task. One that was started where the kernel killed somebody may be the one that it
    killed: as many of those are taken for harmed as it killed there."""
    found = of_one_task(task, written, processes)
    if not found or task.harmed or task.excuse is None:
        return found
    task.harmed = True
    left = of_one_task(task, written, processes)
    if len(left) < len(found) and task.excuse.use():
        return left
    task.harmed = False
    return found


def percentile(samples, part):
    """Nearest rank; the samples are sorted and some."""
    return samples[min(len(samples) - 1, int(len(samples) * part))]


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

    def end(self, patience=worlds.HEALTHY_LIMIT_S):
        """All is mended: what was asked for comes to its end, and the books must agree."""
        world, book = self.world, self.world.books
        book.kill_the_long()
        for task in book.orphans():
            book.reconcile(task)
        self.figures["settled_s"] = self.in_time(
            "L3", "every task at its end", lambda: not book.open_tasks(), patience)
        for task in book.tasks.values():
            for sentence in of_a_task_and_its_excuse(
                    task, book.written(task), book.processes_of(task)):
                self.say(f"{sentence}; told: {[s for _, s, _ in task.told]}, wrote: "
                         f"{book.written(task)}")
        for line in book.errors:
            self.say(f"S12: the framework was refused: {line}")
        states = [t.state() for t in book.tasks.values()]
        self.figures["tasks"] = {str(s): states.count(s) for s in sorted(set(map(str, states)))}
        self.latency()
        self.app()
        self.crawl()
        self.registry()

    def latency(self):
        """How long masters took to answer while nothing was broken."""
        samples = sorted(self.world.answered_s)
        if not samples:
            return
        p99 = percentile(samples, 0.99)
        self.figures["api"] = {"calls": len(samples), "p99_s": round(p99, 4),
                               "max_s": round(samples[-1], 4)}
        if p99 >= P99_LIMIT_S:
            self.say(f"L7: while nothing was broken, one of a hundred calls took {p99:.2f} s")

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
        if done.returncode not in (0, 1):
            self.say(f"S11: the crawl cannot be checked: {done.stderr.strip()}")
            return
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
        if done.returncode == 3:
            self.say(f"the registry could not be looked at: {done.stderr}")
        elif done.returncode != 0:
            self.say(f"S5: the registry does not check: {done.stdout}{done.stderr}")
