"""What is on the machine before and after many tasks and restarts: the same descriptors, threads,
processes, cgroups, mounts, sockets and files, and memory that does not grow with what is over."""

import os
import pathlib
import unittest

from cluster_case import ClusterCase, wait_for

CYCLES = 30
MB = 1 << 20


def proc(pid, name):
    return pathlib.Path(f"/proc/{pid}/{name}")


def status(pid, key):
    for line in proc(pid, "status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return None


def resident_bytes(pid):
    return status(pid, "VmRSS") * 1024


class Leak(ClusterCase):
    def setUp(self):
        super().setUp()
        self.parent = f"/bourse-leak-{os.getpid()}-{self.dir.name[-8:]}"
        self.addCleanup(self.remove_cgroups)
        self.flags = [] if os.geteuid() else [f"--cgroup-parent={self.parent}"]
        if not os.geteuid():
            for hierarchy in self.hierarchies():
                (hierarchy / self.parent[1:]).mkdir(exist_ok=True)

    @staticmethod
    def hierarchies():
        out = []
        for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
            head, tail = line.split(" - ")
            if tail.split()[0] in ("cgroup", "cgroup2"):
                out.append(pathlib.Path(head.split()[4]))
        return out

    def cgroups(self):
        return sorted(str(path) for hierarchy in self.hierarchies()
                      for path in (hierarchy / self.parent[1:]).glob("**/"))

    def remove_cgroups(self):
        for path in reversed(self.cgroups()):
            try:
                os.rmdir(path)
            except OSError:
                pass

    def ours(self):
        """Programs of everything that was started for this test and lives, threads not counted."""
        out = []
        mark = str(self.dir).encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if mark in proc(pid, "cmdline").read_bytes() or (
                        mark in proc(pid, "environ").read_bytes()) or self.kin(int(pid)):
                    out.append(proc(pid, "comm").read_text().strip())
            except (OSError, IndexError):
                continue
        return sorted(out)

    def kin(self, pid):
        parent = int(proc(pid, "stat").read_text().rsplit(")", 1)[1].split()[1])
        return parent in {p.popen.pid for p in self.processes if p.popen.poll() is None}

    def count(self):
        run = self.dir / "ar"
        return {
            "master's descriptors": len(os.listdir(proc(self.master.popen.pid, "fd"))),
            "agent's descriptors": len(os.listdir(proc(self.agent.popen.pid, "fd"))),
            "master's threads": status(self.master.popen.pid, "Threads"),
            "agent's threads": status(self.agent.popen.pid, "Threads"),
            "processes": self.ours(),
            "cgroups": self.cgroups(),
            "mounts": sum(str(self.dir) in line for line in
                          pathlib.Path("/proc/self/mountinfo").read_text().splitlines()),
            "files of the run directory": sorted(
                str(path.relative_to(run)) for path in run.rglob("*")),
            "files of the work directory but sandboxes": sorted(
                str(path.relative_to(self.dir)) for path in (self.dir / "a" / "meta").rglob("*")),
        }

    def begin_agent(self):
        self.agent = self.start_agent("a", *self.flags)

    def test_many_launches_and_restarts_of_the_agent_leave_nothing_on_the_machine(self):
        self.master = self.start_master("--agent-heartbeat=200ms", "--agent-silence=1secs")
        self.begin_agent()
        scheduler = self.start_scheduler()

        def cycle(number):
            scheduler.say(f"launch ends{number} 100 32 sh -c 'sleep 0.01 & exit 0'")
            scheduler.say(f"launch runs{number} 100 32 sleep 1000 & exec sleep 1000")
            scheduler.line(f"update runs{number} TASK_RUNNING")
            self.agent.kill()
            self.begin_agent()
            scheduler.line(f"update ends{number} TASK_FINISHED")
            scheduler.say(f"kill runs{number} 0")
            scheduler.line(f"update runs{number} TASK_KILLED")

        cycle("-first")  # what is made once is made
        before = wait_for("a quiet machine", self.quiet)
        if not os.geteuid():
            self.assertTrue(before["cgroups"], "it is not seen whether any is left")
        for number in range(CYCLES):
            cycle(number)
        try:
            wait_for("the counts to be what they were", lambda: self.count() == before)
        except AssertionError:
            self.assertEqual(self.count(), before)

    def quiet(self):
        """Counts that no container is in, the same twice."""
        first = self.count()
        busy = any("containers/containers/" in name for name in first["files of the run directory"])
        return None if busy or self.count() != first else first

    def test_memory_of_master_and_agent_does_not_grow_with_the_tasks_that_are_over(self):
        self.master = self.start_master()
        self.begin_agent()
        scheduler = self.start_scheduler()
        done = 0

        def run(count):
            nonlocal done
            for number in range(done, done + count):
                scheduler.say(f"launch t{number} 10 32 true")
            done += count
            wait_for("all to end", lambda: sum(
                line.startswith("update t") and " TASK_FINISHED " in line
                for line in list(scheduler.lines)) == done, 120)

        run(200)
        before = [resident_bytes(p.popen.pid) for p in (self.master, self.agent)]
        run(600)
        after = [resident_bytes(p.popen.pid) for p in (self.master, self.agent)]
        print(f"master {before[0] // 1024} -> {after[0] // 1024} KiB, "
              f"agent {before[1] // 1024} -> {after[1] // 1024} KiB over 600 tasks")
        # A task's history has its place at the master, bounded by number; its agent forgets it.
        self.assertLess(after[0] - before[0], 12 * MB)
        self.assertLess(after[1] - before[1], 4 * MB)


if __name__ == "__main__":
    unittest.main()
