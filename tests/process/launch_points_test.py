"""Agent, launcher, shim, task and executor killed with -9 at each step of a launch. Each step
leaves something to be seen: the test looks for it without pause and kills at that moment. Whatever
was killed: each task comes to one end that is told, and nothing of it is left."""

import collections
import os
import pathlib
import re
import signal
import unittest

from cluster_case import BIN, ClusterCase, wait_for

TERMINAL = re.compile(r"update (\S+) TASK_(FINISHED|FAILED|KILLED|DROPPED|LOST|GONE|ERROR) ")
RUNNING = re.compile(r"update (\S+) TASK_RUNNING ")
AGENT = ("--resources=cpus:64;mem:16384;disk:1000",)


def parent_of(pid):
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError):
        return None


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except OSError:
        return False


class LaunchPoints(ClusterCase):
    def setUp(self):
        super().setUp()
        self.start_master("--agent-heartbeat=200ms", "--agent-silence=1secs")
        self.agent = self.start_agent("a", *AGENT)
        self.scheduler = self.start_scheduler()
        self.hits = collections.Counter()
        os.chmod(self.dir, 0o777)  # tasks note here that they began

    # -- what can be seen of a launch

    def containers(self):
        try:
            return set(os.listdir(self.dir / "ar" / "containers" / "containers"))
        except OSError:
            return set()

    def run_dir(self, container):
        return self.dir / "ar" / "containers" / "containers" / container

    def has(self, name):
        return lambda container: container and (self.run_dir(container) / name).exists()

    def sandbox_has(self, name):
        def look(container):
            place = self.sandbox(container)
            return place is not None and (place / name).exists()
        return look

    def sandbox(self, container):
        return next((self.dir / "a" / "slaves").glob(
            f"*/frameworks/*/executors/*/runs/{container}"), None)

    # -- who can be killed

    def shims(self, container):
        """By its command line: the launcher names each after its container."""
        out = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if command[:2] == [b"bourse-shim", b"--container"] and (
                    container is None or command[2] == container.encode()):
                out.append(int(pid))
        return out

    def kill_agent(self, _):
        self.agent.kill()
        self.agent = self.start_agent("a", *AGENT)
        return True

    def kill_launcher(self, _):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if parent_of(pid) == self.agent.popen.pid and kill(int(pid)):
                return True
        return False

    def kill_shim(self, container):
        return any([kill(pid) for pid in self.shims(container)]) if container else False

    def kill_task(self, container):
        """Everything in the container but its shim: process 1 of it, the task, the executor."""
        killed = False
        mark = f"BOURSE_CONTAINER_ID={container}\0".encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                continue
            if container and mark in environment:
                killed |= kill(int(pid))
        return killed

    # -- a launch

    def launch_and_kill(self, task, command, step, look, victim):
        """Launches, waits for the step and kills. The step may be over before it was seen."""
        before = self.containers()
        self.scheduler.say(command)

        def arrived():
            new = self.containers() - before
            container = next(iter(new)) if new else None
            if look(container):
                self.hits[step, victim.__name__] += bool(victim(container))
                return True
            return self.settled(task)
        wait_for(f"{task} at {step}", arrived)

    def states(self):
        lines = list(self.scheduler.lines)
        ended = [m.group(1) for line in lines if (m := TERMINAL.match(line))]
        runs = {m.group(1) for line in lines if (m := RUNNING.match(line))}
        return ended, runs

    def settled(self, task):
        ended, runs = self.states()
        return task in ended or task in runs

    def finish(self, tasks, steps, victims, least):
        wait_for("each task to run or end", lambda: all(self.settled(t) for t in tasks))
        for task in tasks:
            self.scheduler.say(f"kill {task} 0")
        wait_for("each task to end", lambda: set(self.states()[0]) >= set(tasks))
        ended, _ = self.states()
        self.assertEqual(sorted(ended), sorted(set(ended)), "an end was told twice")
        for step in steps:
            for victim in victims:
                if (step, victim.__name__) not in least:
                    self.assertGreater(self.hits[step, victim.__name__], 0, f"{step}: {self.hits}")
        return ended

    def nothing_left(self):
        wait_for("the containers to be gone", lambda: not self.containers())
        mark = str(self.dir).encode()
        wait_for("their processes to be gone", lambda: not self.processes_with(mark))

    def processes_with(self, mark):
        out = []
        ours = {process.popen.pid for process in self.processes}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                continue
            if b"BOURSE_CONTAINER_ID=" in environment and mark in environment and (
                    int(pid) not in ours):
                out.append(int(pid))
        return out

    def test_a_command_task_survives_or_ends_once_whoever_is_killed_at_whichever_step(self):
        steps = {
            "accepted": lambda container: True,
            "run directory": lambda container: container,
            "launch file": self.has("launch"),
            "shim file": self.has("shim"),
            "room for the exit": self.has("exit.tmp"),
            "output": self.sandbox_has("stdout"),
            "program": self.sandbox_has("begun"),
            "task file": self.has("task"),
        }
        victims = [self.kill_agent, self.kill_launcher, self.kill_shim, self.kill_task]
        early = ("accepted", "run directory", "launch file")
        # Before there is a shim there is nothing of it to kill; it may come while we look.
        may_miss = {(step, victim.__name__) for step in early
                    for victim in (self.kill_shim, self.kill_task)}
        may_miss |= {(step, "kill_task") for step in ("shim file", "room for the exit", "output")}
        tasks = []
        for _ in range(3):
            for step, look in steps.items():
                for victim in victims:
                    tasks.append(f"t{len(tasks)}")
                    self.launch_and_kill(
                        tasks[-1], f"launch {tasks[-1]} 100 32 touch begun; "
                        f"echo >> {self.dir}/starts-{tasks[-1]}; exec sleep 1000",
                        step, look, victim)
        self.finish(tasks, steps, victims, may_miss)
        self.nothing_left()
        starts = [path.stat().st_size for path in self.dir.glob("starts-*")]
        self.assertGreater(len(starts), len(tasks) // 2)
        # One that is killed between opening its file and writing to it has written nothing.
        self.assertLessEqual(set(starts), {0, 1}, "a task was started twice")

    def test_tasks_of_an_executor_end_once_whoever_is_killed_at_whichever_step(self):
        steps = {
            "accepted": lambda container: True,
            "shim file": self.has("shim"),
            "program": self.has("task"),
            "subscribed": self.sandbox_has("subscribed"),
            "delivered": lambda container: self.sandbox_has(f"launched-{self.current}")(container),
        }
        victims = [self.kill_agent, self.kill_launcher, self.kill_shim, self.kill_task]
        may_miss = {(step, victim.__name__) for step in ("accepted", "shim file")
                    for victim in (self.kill_shim, self.kill_task)}
        tasks = []
        for _ in range(2):
            for step, look in steps.items():
                for victim in victims:
                    self.current = f"e{len(tasks)}"
                    tasks.append(self.current)
                    self.launch_and_kill(
                        self.current, f"launch-with x{self.current} {self.current} 100 32 "
                        f"{BIN / 'told-executor'}", step, look, victim)
        self.finish(tasks, steps, victims, may_miss)
        self.scheduler.say("teardown")  # executors wait for more tasks
        self.nothing_left()


if __name__ == "__main__":
    unittest.main()
