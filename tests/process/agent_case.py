"""A cluster of one agent whose end, disk or machine is what a test is about."""

import os
import pathlib
import signal
import subprocess

from cluster_case import BIN, ClusterCase, wait_for

SOMEBODY_MUST_LOOK = 78


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        return state != "Z"
    except OSError:
        return False


def shim_above(pid):
    """The shim that watches this process, as the bytes of its program."""
    while b"--container" not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
        pid = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    return pathlib.Path(f"/proc/{pid}/exe").read_bytes()


def end_users_of(path):
    """Whoever has a file below it open."""
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            used = [os.readlink(link) for link in [entry / "cwd", *(entry / "fd").iterdir()]]
        except OSError:
            continue
        if any(one.startswith(f"{path}/") for one in used):
            os.kill(int(entry.name), signal.SIGKILL)


class AgentCase(ClusterCase):
    def begin(self, *flags):
        self.start_master("--agent-heartbeat=200ms", "--agent-silence=1secs")
        agent = self.start_agent("a", *flags)
        return agent, self.start_scheduler()

    def run_task(self, scheduler, name, command=None):
        """Starts a task that runs on, and returns its pid."""
        pid_file = self.dir / f"pid-{name}"
        os.chmod(self.dir, 0o777)
        scheduler.say(f"launch {name} 100 32 echo $$ > {pid_file}; {command or 'exec sleep 1000'}")
        scheduler.line(f"update {name} TASK_RUNNING")
        # In a pid namespace of its own, $$ is 1: the kernel tells the outer number.
        return wait_for(f"process of {name}", lambda: self.outer_pid(name))

    def outer_pid(self, name):
        mark = f"pid-{name}".encode()
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                environment = (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"MESOS_TASK_ID={name}\0".encode() in environment and (
                    mark in command or command.startswith(b"sleep\0")) and (
                    str(self.dir).encode() in environment):
                return int(entry.name)
        return None

    def agent_argv(self, *flags, name="a", port=None):
        return [str(word) for word in (
            BIN / "bourse-agent", f"--master=127.0.0.1:{port or self.link_port}", "--port=0",
            f"--work-dir={self.dir}/{name}", f"--run-dir={self.dir}/{name}r",
            "--resources=cpus:4;mem:2048;disk:1000", *flags)]

    def run_agent(self, *flags, expect, deadline_s=30, env=None):
        """An agent that ends by itself; what it said."""
        done = subprocess.run(self.agent_argv(*flags), capture_output=True, text=True,
                              timeout=deadline_s, env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stderr

    def umount(self, path):
        wait_for("the disk to be free", lambda: subprocess.run(
            ["umount", path], capture_output=True).returncode == 0)

    def end_on(self, work):
        """Ends all that runs on a disk, and takes it away."""
        for process in reversed(self.processes):
            process.end()
        self.kill_containers()
        self.umount(work)

    def sandboxes(self, task):
        return list((self.dir / "a" / "slaves").glob(f"*/frameworks/*/executors/{task}"))

    def agent_id(self):
        return self.wait_agents(1)[0]["agent_info"]["id"]["value"]
