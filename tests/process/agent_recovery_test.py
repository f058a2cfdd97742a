"""What becomes of an agent's tasks when the agent, its disk, its machine or its configuration is
not what it was: real agents and containers."""

import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import time
import unittest

from agent_case import SOMEBODY_MUST_LOOK, AgentCase, alive, end_users_of, shim_above
from cluster_case import BIN, damage, wait_for


class AgentRecovery(AgentCase):
    def test_a_cleanup_ends_what_ran_tells_the_frameworks_and_exits(self):
        agent, scheduler = self.begin()
        pid = self.run_task(scheduler, "one")
        before = self.agent_id()
        agent.kill()
        said = self.run_agent("--recover=cleanup", expect=0)
        self.assertIn("everything of earlier lives has ended", said)
        scheduler.line("update one TASK_KILLED")
        self.assertFalse(alive(pid))
        # Its name is given up with its tasks: a machine of another shape may take its place.
        self.start_agent("a", "--resources=cpus:1;mem:512;disk:100")
        self.assertNotEqual(
            wait_for("the new agent", lambda: [a for a in self.agents() if a["active"]])
            [0]["agent_info"]["id"]["value"], before)

    def test_a_changed_machine_is_refused_in_a_sentence_and_its_tasks_go_on(self):
        agent, scheduler = self.begin()
        pid = self.run_task(scheduler, "one")
        before = self.agent_id()
        agent.kill()
        less = "--resources=cpus:4;mem:1024;disk:1000"
        more = "--resources=cpus:8;mem:2048;disk:1000"
        for flags, words in (((less,), ("mem:2048", "mem:1024", "--recover=cleanup")),
                             ((more,), ("cpus:4", "cpus:8", "--reconfiguration=additive")),
                             ((less, "--reconfiguration=additive"), ("mem:2048", "mem:1024"))):
            said = self.run_agent(*flags, expect=SOMEBODY_MUST_LOOK)
            for word in words:
                self.assertIn(word, said)
            self.assertTrue(alive(pid))
        self.start_agent("a", more, "--reconfiguration=additive")
        self.assertEqual(self.agent_id(), before)
        self.assertTrue(alive(pid))
        scheduler.say("kill one 0")
        scheduler.line("update one TASK_KILLED")

    def test_wrong_recovery_flags_are_refused_by_name(self):
        self.link_port = 1
        for flag, word in (("--recover=maybe", "neither reconnect nor cleanup"),
                           ("--reconfiguration=less", "neither equal nor additive"),
                           ("--gc-disk-headroom=2", "not between 0 and 1"),
                           ("--gc-delay=soon", "gc-delay"),
                           ("--disk-watch-interval=0ms", "at least 1ms")):
            self.assertIn(word, self.run_agent(flag, expect=1))

    def test_a_second_agent_in_a_work_or_run_directory_is_refused_in_a_sentence(self):
        self.start_master()
        self.start_agent()
        self.wait_agents(1)
        said = self.run_agent(expect=1)
        self.assertIn("agent.pid is held by process", said)
        self.assertEqual(len(said.strip().splitlines()), 1, said)
        other = subprocess.run(self.agent_argv(f"--work-dir={self.dir}/other"), text=True,
                               capture_output=True, timeout=20)
        self.assertEqual(other.returncode, 1)
        self.assertIn("another agent uses runtime_dir", other.stderr)
        # The first one did not notice.
        scheduler = self.start_scheduler()
        scheduler.say("launch ok 100 32 true")
        scheduler.line("update ok TASK_FINISHED")

    def test_a_damaged_checkpoint_is_refused_naming_the_file_and_tasks_go_on(self):
        agent, scheduler = self.begin()
        pid = self.run_task(scheduler, "one")
        agent.kill()
        meta = self.dir / "a" / "meta"
        kept = self.dir / "kept"
        shutil.copytree(meta, kept)
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        refused = 0
        for round_ in range(24):
            shutil.rmtree(meta)
            shutil.copytree(kept, meta)
            victim = meta / chance.choice(["checkpoint.db", "checkpoint.db-wal"])
            at = damage(victim, chance, flip=round_ % 2 == 1)
            # Under a master that is not there: refused, or running until it is ended.
            process = subprocess.Popen(self.agent_argv(port=1), stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            line = process.stdout.readline()
            if line.startswith("ready"):
                process.kill()
            said = process.communicate(timeout=20)[1]
            if not line:
                refused += 1
                self.assertEqual(process.returncode, SOMEBODY_MUST_LOOK, f"seed {seed}: {said}")
                self.assertIn("checkpoint.db", said)
                self.assertEqual(len(said.strip().splitlines()), 1, said)
            self.assertTrue(alive(pid), f"seed {seed}, {victim.name} at {at}")
        self.assertGreater(refused, 3, f"seed {seed}")
        shutil.rmtree(meta)
        shutil.copytree(kept, meta)
        self.start_agent()
        self.wait_agents(1)
        scheduler.say("kill one 0")
        scheduler.line("update one TASK_KILLED")

    def test_sandboxes_of_ended_tasks_go_after_the_delay_and_those_of_running_ones_stay(self):
        _, scheduler = self.begin("--gc-delay=1secs", "--gc-disk-headroom=0",
                                  "--disk-watch-interval=50ms")
        outside = self.dir / "outside"
        outside.mkdir()
        (outside / "precious").write_text("stays")
        os.chmod(outside, 0o777)
        self.run_task(scheduler, "stays")
        scheduler.say(f"launch goes 100 32 ln -s {outside} link; mkdir -p a/b; touch a/b/c")
        scheduler.line("update goes TASK_FINISHED")
        wait_for("the sandbox to go", lambda: not self.sandboxes("goes"))
        wait_for("the trash to be emptied", lambda: not list((self.dir / "a" / "gc").iterdir()))
        self.assertEqual((outside / "precious").read_text(), "stays")
        self.assertEqual(len(self.sandboxes("stays")), 1)

    def build(self, name, version):
        """Agent and shim as another build of them: it says another version and is another file."""
        home = self.dir / name
        home.mkdir()
        for program in ("bourse-agent", "bourse-shim"):
            image = (BIN / program).read_bytes().replace(b"0.1.0", version.encode())
            (home / program).write_bytes(image + name.encode())
            (home / program).chmod(0o755)
        done = subprocess.run([home / "bourse-agent", "--version"], capture_output=True, text=True,
                              check=True)
        self.assertIn(version, done.stdout)
        return home

    def test_another_version_of_the_agent_goes_on_over_the_shims_of_the_one_before(self):
        old, new = self.build("old", "0.0.9"), self.build("new", "0.1.1")
        self.start_master("--agent-heartbeat=200ms", "--agent-silence=1secs")
        agent = self.start_agent(program=old / "bourse-agent")
        scheduler = self.start_scheduler()
        go = self.dir / "go"
        pid = self.run_task(scheduler, "stays")
        self.run_task(scheduler, "killed")
        self.run_task(scheduler, "ends", f"while ! [ -e {go} ]; do sleep 0.05; done; exit 3")
        before = self.agent_id()
        for home, fresh in ((new, "first"), (old, "second")):
            agent.kill()
            agent = self.start_agent(program=home / "bourse-agent")
            self.assertEqual(self.agent_id(), before)
            self.assertTrue(alive(pid))
            # What it starts itself has its own shim, what it found keeps the one it had.
            fresh_pid = self.run_task(scheduler, fresh)
            self.assertEqual(shim_above(fresh_pid), (home / "bourse-shim").read_bytes())
            self.assertEqual(shim_above(pid), (old / "bourse-shim").read_bytes())
            if home == new:
                go.touch()
                self.assertIn("status 3", scheduler.line("update ends TASK_FAILED"))
                scheduler.say("kill killed 0")
                scheduler.line("update killed TASK_KILLED")
        for name in ("first", "second", "stays"):
            scheduler.say(f"kill {name} 0")
            scheduler.line(f"update {name} TASK_KILLED")

    @unittest.skipIf(os.geteuid() != 0, "mounts need root")
    def test_a_disk_that_fills_up_costs_the_sandboxes_of_ended_tasks_alone(self):
        work = self.dir / "a"
        work.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", work], check=True)
        try:
            _, scheduler = self.begin("--gc-delay=1weeks", "--gc-disk-headroom=0.5",
                                      "--disk-watch-interval=50ms")
            self.run_task(scheduler, "stays")
            scheduler.say("launch goes 100 32 true")
            scheduler.line("update goes TASK_FINISHED")
            scheduler.say("launch next 100 32 true")
            scheduler.line("update next TASK_FINISHED")
            self.assertEqual((len(self.sandboxes("goes")), len(self.sandboxes("stays"))), (1, 1))
            # Less than half of it is free from now on.
            (work / "filler").write_bytes(bytes(20 << 20))
            wait_for("the sandboxes to go",
                     lambda: not self.sandboxes("goes") and not self.sandboxes("next"))
            self.assertEqual(len(self.sandboxes("stays")), 1)
        finally:
            self.end_on(work)

    def test_sandboxes_left_before_a_restart_are_found_and_removed(self):
        agent, scheduler = self.begin()
        scheduler.say("launch goes 100 32 true")
        scheduler.line("update goes TASK_FINISHED")
        self.run_task(scheduler, "stays")
        agent.kill()
        self.start_agent("a", "--gc-delay=0secs", "--disk-watch-interval=50ms")
        wait_for("the sandbox to go", lambda: not self.sandboxes("goes"))
        self.assertEqual(len(self.sandboxes("stays")), 1)


@unittest.skipIf(os.geteuid() != 0, "mounts need root")
class AgentMachine(AgentCase):
    """Faults of the machine, made in mount namespaces of the agent alone."""

    def start_in(self, script, *flags, name="a"):
        argv = ["unshare", "-m", "sh", "-c", script + '; exec "$@"', "sh", *self.agent_argv(*flags)]
        agent = self.start(f"agent {name}", argv)
        agent.line("ready")
        return agent

    def test_after_a_reboot_the_agent_keeps_its_id_and_says_what_became_of_its_tasks(self):
        agent, scheduler = self.begin()
        pid = self.run_task(scheduler, "one")
        before = self.agent_id()
        agent.kill()
        # All of the last boot is gone; a process that got the number of the task is somebody's.
        boot = self.dir / "boot_id"
        boot.write_text("11111111-2222-3333-4444-555555555555\n")
        self.start_in(f"mount --bind {boot} /proc/sys/kernel/random/boot_id")
        line = scheduler.line("update one TASK_FAILED")
        self.assertIn("the machine was restarted while it ran", line)
        self.assertIn("REASON_AGENT_RESTARTED", line)
        self.assertEqual(self.agent_id(), before)
        self.assertTrue(alive(pid), "a process of another boot was touched")
        os.kill(pid, signal.SIGKILL)
        scheduler.say("launch two 100 32 true")
        scheduler.line("update two TASK_FINISHED")

    def test_an_agent_restarted_on_a_full_disk_takes_its_tasks_back_and_goes_on_with_space(self):
        work = self.dir / "a"
        work.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", work], check=True)
        try:
            agent, scheduler = self.begin()
            pid = self.run_task(scheduler, "one", "while ! [ -e go ]; do sleep 0.05; done; exit 3")
            before = self.agent_id()
            agent.kill()
            filler = work / "filler"
            with open(filler, "wb", buffering=0) as out:
                try:
                    while True:
                        out.write(b"x" * 4096)
                except OSError:
                    pass
            self.start_agent()
            self.assertEqual(self.agent_id(), before)
            self.assertTrue(alive(pid))
            scheduler.say("launch refused 100 32 true")
            self.assertIn("store", scheduler.line("update refused TASK_DROPPED"))
            # An empty file takes no block.
            sandbox = next(work.glob("slaves/*/frameworks/*/executors/one/runs/latest"))
            (sandbox / "go").touch()
            wait_for("the task's end", lambda: not alive(pid))
            filler.unlink()
            self.assertIn("status 3", scheduler.line("update one TASK_FAILED"))
            scheduler.say("launch two 100 32 true")
            scheduler.line("update two TASK_FINISHED")
        finally:
            self.end_on(work)

    def test_an_agent_whose_disk_becomes_read_only_promises_nothing_and_returns_with_its_id(self):
        work, image = self.dir / "a", self.dir / "image"
        work.mkdir()
        with open(image, "wb") as file:
            file.truncate(64 << 20)
        # Without a journal an error makes it read-only, as a failing disk does, and no more.
        subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", image], check=True)
        mount = ["mount", "-o", "loop,errors=remount-ro"]
        subprocess.run([*mount, image, work], check=True)
        try:
            agent, scheduler = self.begin()
            pid = self.run_task(scheduler, "one")
            before = self.agent_id()
            device = subprocess.run(["findmnt", "-n", "-o", "SOURCE", work], check=True,
                                    capture_output=True, text=True).stdout.strip()
            trigger = pathlib.Path("/sys/fs/ext4") / pathlib.Path(device).name
            (trigger / "trigger_fs_error").write_text("1\n")
            with self.assertRaises(OSError):
                (work / "probe").touch()
            scheduler.say("launch refused 100 32 true")
            self.assertIn("store", scheduler.line("update refused TASK_DROPPED"))
            self.assertTrue(alive(pid))
            self.assertIsNone(agent.popen.poll())
            # The disk is taken out and mended: nothing of the machine goes on meanwhile.
            agent.kill()
            end_users_of(work)
            self.umount(work)
            # A copy of it: whoever has mounts of its own, as a container of another test, may have
            # this one too for a while, and the image itself would come back read-only as it was.
            os.sync()
            mended = shutil.copy(image, self.dir / "mended")
            subprocess.run([*mount, mended, work], check=True)
            self.start_agent()
            self.assertEqual(self.agent_id(), before)
            scheduler.line("update one TASK_FAILED")
            scheduler.say("launch two 100 32 true")
            scheduler.line("update two TASK_FINISHED")
        finally:
            self.end_on(work)


class AgentUnderFire(AgentCase):
    """Launchers, shims and agents killed at random points of launches: whatever happens, each task
    that was launched ends in one terminal state and leaves no process."""

    TASKS = 40

    def helpers(self, name):
        """Pids of bourse-launcher or bourse-shim processes of this test's agent."""
        out = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                comm = (entry / "comm").read_text().strip()
                fds = [os.readlink(fd) for fd in (entry / "fd").iterdir()]
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            if comm == name and (parent in self.agents_pids or any(
                    str(self.dir) in fd for fd in fds)):
                out.append(int(entry.name))
        return out

    def under_fire(self, victims):
        self.start_master("--agent-heartbeat=200ms", "--agent-silence=1secs")
        agent = self.start_agent("a", "--resources=cpus:64;mem:8192;disk:1000")
        self.agents_pids = {agent.popen.pid}
        scheduler = self.start_scheduler()
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        print(f"seed {seed}")
        killed = 0
        for number in range(self.TASKS):
            scheduler.say(f"launch t{number} 100 32 exec sleep 1000")
            if chance.random() < 0.5:
                victim = chance.choice(victims)
                time.sleep(chance.random() * 0.02)  # where in the launch: by chance
                if victim == "agent":
                    agent.kill()
                    agent = self.start_agent("a", "--resources=cpus:64;mem:8192;disk:1000")
                    self.agents_pids.add(agent.popen.pid)
                    killed += 1
                else:
                    found = self.helpers(victim)
                    if found:
                        try:
                            os.kill(chance.choice(found), signal.SIGKILL)
                            killed += 1
                        except OSError:
                            pass
        terminal = re.compile(r"update (\S+) TASK_(FINISHED|FAILED|KILLED|DROPPED|LOST|GONE|ERROR)")
        running = re.compile(r"update (\S+) TASK_RUNNING")

        def states():
            lines = list(scheduler.lines)
            ended = [m.group(1) for line in lines if (m := terminal.match(line))]
            runs = {m.group(1) for line in lines if (m := running.match(line))}
            return ended, runs
        wait_for(f"each task to run or end; seed {seed}",
                 lambda: len(set(states()[0]) | states()[1]) == self.TASKS)
        for number in range(self.TASKS):
            scheduler.say(f"kill t{number} 0")
        wait_for(f"each task to end; seed {seed}", lambda: len(set(states()[0])) == self.TASKS)
        ended, _ = states()
        self.assertEqual(sorted(ended), sorted(set(ended)), f"told twice; seed {seed}")
        self.assertGreater(killed, 3)
        wait_for(f"no process to be left; seed {seed}", lambda: not self.task_processes())

    def task_processes(self):
        out = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if str(self.dir).encode() in (entry / "environ").read_bytes() and (
                            b"sleep" in (entry / "cmdline").read_bytes()):
                        out.append(int(entry.name))
                except OSError:
                    pass
        return out

    def test_launchers_killed_at_random_points_of_launches_lose_and_double_nothing(self):
        self.under_fire(["bourse-launcher"])

    def test_shims_killed_at_random_points_of_launches_lose_and_double_nothing(self):
        self.under_fire(["bourse-shim"])

    def test_agents_launchers_and_shims_killed_together_lose_and_double_nothing(self):
        self.under_fire(["agent", "bourse-launcher", "bourse-shim"])


if __name__ == "__main__":
    unittest.main()
