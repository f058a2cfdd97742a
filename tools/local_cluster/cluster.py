"""A master and agents on loopback, below one directory, ended without a trace.

The process that starts a cluster becomes a subreaper and stays its ancestor, so that shims and
tasks that outlive their agent are still found. What must be known to clean up after that process
itself was killed stands in state.json.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from . import api, traces
from .processes import (
    Identity,
    become_subreaper,
    descendants,
    end,
    identify,
    kill_all,
    program_of,
    reap,
    touching,
    wait_until,
)

READY_LIMIT_S = 60
TERM_LIMIT_S = 8
TASK_PORTS = 500
# Below what the kernel gives to outgoing connections first, above it for very many agents.
TASK_PORT_STARTS = (*range(20000, 32500, TASK_PORTS), *range(33000, 60000, TASK_PORTS))


class Refusal(Exception):
    """What is wrong and what to do, in one sentence."""


def port_is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def claim_task_ports():
    """A range of ports that no other cluster on this machine offers to its tasks, and the socket
    that says so for as long as it is open: it holds the range's last port, which is not offered."""
    for first in TASK_PORT_STARTS:
        claim = socket.socket()
        try:
            claim.bind(("127.0.0.1", first + TASK_PORTS - 1))
            return f"{first}-{first + TASK_PORTS - 2}", claim
        except OSError:
            claim.close()
    raise Refusal(
        f"no {TASK_PORTS} ports are left for an agent's tasks: start fewer with --agents N, "
        "or ./dev down if another cluster is up."
    )


def check_port(port):
    if port and not port_is_free(port):
        raise Refusal(
            f"port {port} is taken: choose another with --port P (0 takes any), "
            "or ./dev down if it is a cluster started here."
        )


class Cluster:
    def __init__(self, state_dir, bin_dir):
        self.dir = pathlib.Path(state_dir)
        self.bin = pathlib.Path(bin_dir)
        self.run_dir = None  # short: sockets have 108 bytes for their path
        self.http = None  # master's host:port for people
        self.link = None  # master's host:port for agents and frameworks
        self.services = None  # service scheduler's host:port, if there is one
        self.daemons = {}  # name -> Popen
        self.ports = []
        self.claims = []  # see claim_task_ports
        self.corner_names = set()  # cgroup directories our agents made for their containers

    @property
    def state_file(self):
        return self.dir / "state.json"

    def save(self, keeper=None):
        started = [identify(child.pid) for child in self.daemons.values()]
        state = {
            "keeper": vars(keeper or identify(os.getpid())),
            "processes": [vars(identity) for identity in started if identity],
            "run_dir": str(self.run_dir),
            "http": self.http,
            "link": self.link,
            "ports": self.ports,
            "corners": sorted(self.corner_names),
        }
        waiting = self.state_file.with_suffix(".new")
        waiting.write_text(json.dumps(state))
        waiting.rename(self.state_file)

    # -- starting

    def start(self, agents, port, services=False):
        """Returns when every agent is registered; raises Refusal and leaves nothing otherwise."""
        check_port(port)
        for name in ("bourse-master", "bourse-agent", *(["bourse-service"] if services else [])):
            if not (self.bin / name).exists():
                raise Refusal(f"{self.bin / name} is not built: ./dev build makes it.")
        become_subreaper()
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        self.run_dir = pathlib.Path(tempfile.mkdtemp(prefix="bourse-"))
        self.save()
        self.start_master(port)
        for number in range(1, agents + 1):
            self.start_agent(number)
        for number in range(1, agents + 1):
            self.addresses_of(f"agent-{number}")
        self.wait(
            lambda: api.active_agents(self.http) == agents,
            f"not all of the {agents} agents registered",
        )
        if services:
            self.start_services(port)
        self.learn_corners()
        self.save()

    def start_master(self, port):
        link_port = port + 10 if port and port_is_free(port + 10) else 0
        self.spawn(
            "master",
            ["bourse-master", "--ip=127.0.0.1", f"--port={port}", f"--agent-port={link_port}"]
            + [f"--work-dir={self.dir}/master", "--cluster=local"],
        )
        addresses = self.addresses_of("master")
        self.http, self.link = addresses["http"], addresses["link"]
        self.save()
        self.wait(lambda: api.health(self.http), "the master did not become healthy")

    def start_agent(self, number):
        ports, claim = claim_task_ports()
        self.claims.append(claim)
        cpus = max(4, os.cpu_count() or 1)
        resources = f"cpus:{cpus};mem:4096;disk:10240;ports:[{ports}]"
        self.spawn(
            f"agent-{number}",
            ["bourse-agent", f"--master={self.link}", "--ip=127.0.0.1", "--port=0"]
            + [f"--work-dir={self.dir}/agent-{number}", f"--run-dir={self.run_dir}/{number}"]
            + [f"--resources={resources}", f"--attributes=rack:r{number}"],
        )

    def start_services(self, port):
        own_port = port + 20 if port and port_is_free(port + 20) else 0
        self.spawn(
            "services",
            ["bourse-service", f"--master={self.link}", f"--store={self.dir}/services.db"]
            + [f"--listen=127.0.0.1:{own_port}"],
        )
        self.services = self.addresses_of("services")["http"]

    def spawn(self, name, command, **options):
        """Starts one of our programs in its own session: Ctrl-C at a terminal is for us alone."""
        out_path, log_path = self.dir / f"{name}.out", self.dir / f"{name}.log"
        with open(out_path, "wb") as out, open(log_path, "wb") as log:
            child = subprocess.Popen(
                [str(self.bin / command[0]), *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=options.get("stdout", out),
                stderr=log,
                start_new_session=True,
            )
        self.daemons[name] = child
        self.save()
        return child

    def addresses_of(self, name):
        """The addresses a daemon prints on its ready line."""
        found = {}

        def ready():
            text = (self.dir / f"{name}.out").read_text(errors="replace")
            for line in text.splitlines(keepends=True):
                if line.startswith("ready") and line.endswith("\n"):
                    found.update(re.findall(r"(\w+)=([\w.:\[\]-]+:\d+)", line))
                    return True
            return False

        self.wait(ready, f"{name} did not get ready")
        self.ports += [int(address.rsplit(":", 1)[1]) for address in found.values()]
        return found

    def wait(self, condition, complaint):
        def settled():
            self.check_alive()
            return condition()

        if not wait_until(settled, READY_LIMIT_S):
            raise Refusal(f"{complaint} within {READY_LIMIT_S} s: the logs are in {self.dir}.")

    def check_alive(self):
        for name, child in self.daemons.items():
            if child.poll() is not None:
                log = self.dir / f"{name}.log"
                lines = log.read_text(errors="replace").strip().splitlines()
                last = lines[-1] if lines else f"exit status {child.returncode}"
                raise Refusal(f"{name} ended before it was ready: {last} (its log: {log})")

    # -- ending

    def members(self):
        """Every process of this cluster that lives, however it got away from its parent."""
        found = set(descendants(os.getpid()))
        found.update(touching([self.dir, self.run_dir]))
        for corner in self.corners():
            pids = traces.processes_in_cgroup(corner)
            found.update(filter(None, (identify(pid) for pid in pids)))
        found.discard(identify(os.getpid()))
        return [identity for identity in found if identity.alive()]

    def learn_corners(self):
        """Agents keep a process in their corner from the start, so the corner's name is told."""
        for identity in descendants(os.getpid()):
            self.corner_names.update(traces.corner_names_of(identity.pid))
        self.corner_names -= traces.corner_names_of(os.getpid())  # when we are a task ourselves

    def corners(self):
        """Our agents' directories in every cgroup hierarchy; never somebody else's."""
        if not self.corner_names:
            return []
        found = traces.cgroup_corners()
        return [corner for corner in found if os.path.basename(corner) in self.corner_names]

    def stop(self):
        """Ends everything, frameworks first and agents last, so that each can tidy up after the one
        before. Returns what is left, as sentences; an empty list when nothing is."""
        if self.run_dir is None:
            return []
        self.learn_corners()
        agents = [child.pid for name, child in self.daemons.items() if name.startswith("agent-")]
        others = [child.pid for child in self.daemons.values() if child.pid not in agents]
        for pid in reversed(others):
            end(filter_alive([pid]), signal.SIGTERM, TERM_LIMIT_S)
        shims = [member for member in self.members() if program_of(member.pid) == "bourse-shim"]
        end(shims, signal.SIGTERM, TERM_LIMIT_S)
        end(filter_alive(agents), signal.SIGTERM, TERM_LIMIT_S)
        return self.sweep()

    def sweep(self):
        """Kills and removes what an orderly end left; returns what could not be."""
        kill_all(self.members)
        reap()
        left = [f"process {i.pid} ({program_of(i.pid)})" for i in self.members()]
        corners = self.corners()
        left += [f"cgroup {corner}" for corner in corners if not traces.remove_cgroup(corner)]
        for point in sorted(traces.mounts_below([self.dir, self.run_dir]), reverse=True):
            subprocess.run(["umount", "-l", point], capture_output=True)
        left += [f"mount {point}" for point in traces.mounts_below([self.dir, self.run_dir])]
        busy = traces.listening_ports()
        left += [f"port {port}" for port in self.ports if port in busy]
        while self.claims:
            self.claims.pop().close()
        shutil.rmtree(self.run_dir, ignore_errors=True)
        if not left:
            self.state_file.unlink(missing_ok=True)
        return left


def filter_alive(pids):
    return [identity for identity in map(identify, pids) if identity and identity.alive()]


def recorded(state_dir):
    """The state of a cluster that was started and not yet ended, or None."""
    try:
        return json.loads((pathlib.Path(state_dir) / "state.json").read_text())
    except (OSError, ValueError):
        return None


def end_recorded(state_dir, bin_dir):
    """Ends a cluster another process started; what is left, or None if there was none."""
    state = recorded(state_dir)
    if state is None:
        return None
    keeper = Identity(**state["keeper"])
    cluster = Cluster(state_dir, bin_dir)
    cluster.run_dir = pathlib.Path(state["run_dir"])
    cluster.corner_names = set(state["corners"])
    cluster.ports = state["ports"]
    if keeper.pid != os.getpid():
        end([keeper], signal.SIGTERM, 6 * TERM_LIMIT_S)
        end([keeper], signal.SIGKILL, TERM_LIMIT_S)
    started = [Identity(**row) for row in state["processes"]]
    family = [one for root in started if root.alive() for one in [*descendants(root.pid), root]]
    end(family, signal.SIGTERM, TERM_LIMIT_S)
    end(family, signal.SIGKILL, TERM_LIMIT_S)
    return cluster.sweep()
