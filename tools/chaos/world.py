"""The cluster of a chaos run: three ZooKeeper servers, three masters, ten agents, a crawl, and a
framework that keeps books. Masters and agents have a network namespace each."""

import http.client
import json
import pathlib
import shutil
import subprocess
import sys
import time

import books
import daemons
import network

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/process"))

import disk_error
import wall_clock
import zookeeper_case

MASTERS = 3
AGENTS = 10
SMALL_DISKS = 3  # agents whose work directory is a disk that can be filled
FAILING_DISK = "a1"  # the one of them whose disk can fail
SMALL_RUN_DISK = "a0"  # the agent whose run directory is one too
INODES = 8192  # of such a disk
MEMORY_MB = 4096  # of an agent
MEMORY_BESIDE_SMALL_DISK_MB = 8192
HEAVY_MB = 5000  # of a task: it fits on such an agent alone, and only once
CLOCK_MACHINES = ("m1", "a3")  # whose wall clock can be set
SESSION_TIMEOUT_S = 2
HEALTHY_LIMIT_S = 60  # generous: other work may share this machine
SHOPS = 12
INSTANCES = 8  # of an app that two service schedulers keep running
POLL_S = 0.05


class Trouble(Exception):
    """The run cannot go on: not a violation of what is tested."""


class World:
    def __init__(self, box, binaries, seed, items):
        self.box = pathlib.Path(box)
        self.bin = pathlib.Path(binaries)
        self.net = network.Network()
        self.ensemble = zookeeper_case.ZookeeperEnsemble(3, self.box, host=network.HUB)
        self.zk = self.ensemble.url("/bourse")
        self.daemons = {}
        self.clocks = {}
        self.failing_disk = None
        self.agent_ids = {}
        self.items = items
        self.next_task = 0.0
        self.quiet = False  # nothing is broken
        self.answered_s = []  # how long each call of such a time took
        self.books = books.Books(self.bin / "told-scheduler", self.zk, self.box / "books", seed)

    # -- beginning

    def start(self):
        self.ensemble.start()
        for index in range(MASTERS):
            self._add_master(index)
        self.leader()
        for index in range(AGENTS):
            self._add_agent(index)
        self.wait("all agents", lambda: len(self.active_agents()) == AGENTS)
        self.agent_ids = self.active_agents()
        self.books.start()
        self.wait("the framework", lambda: self.books.framework_id)
        self._start_services()
        self._start_crawl()

    def _add(self, name, address, argv):
        self.net.add(name, address)
        env = {}
        if name in CLOCK_MACHINES:
            self.clocks[name] = wall_clock.WallClock(self.box / f"{name}.clock", self.bin)
            env = self.clocks[name].environment
        if name == FAILING_DISK:
            self.failing_disk = disk_error.DiskError(
                self.box / f"{name}.disk", self.box / name, self.bin)
            env = self.failing_disk.environment
        daemon = daemons.Daemon(name, self.net.inside(name, argv), self.box, env)
        self.daemons[name] = daemon
        daemon.start()

    def _add_master(self, index):
        address = f"10.77.1.{index + 1}"
        self._add(f"m{index}", address, [
            self.bin / "bourse-master", f"--ip={address}", "--port=5050", "--agent-port=5060",
            "--insecure", f"--zk={self.zk}", f"--zk-session-timeout={SESSION_TIMEOUT_S}secs",
            "--agent-heartbeat=1secs", "--agent-silence=4secs", "--agent-timeout=15secs",
            f"--work-dir={self.box}/m{index}"])

    def _add_agent(self, index):
        name, address = f"a{index}", f"10.77.2.{index + 1}"
        work = self.box / name
        work.mkdir()
        if index < SMALL_DISKS:
            self._small_disk(work, "96m")
        if name == SMALL_RUN_DISK:
            (self.box / f"{name}r").mkdir()
            self._small_disk(self.box / f"{name}r", "32m")
        first = 20000 + 500 * index
        memory = MEMORY_BESIDE_SMALL_DISK_MB if index < SMALL_DISKS else MEMORY_MB
        self._add(name, address, [
            self.agent_binary(index), f"--ip={address}", "--port=5051", "--insecure",
            f"--master={self.zk}", f"--work-dir={work}", f"--run-dir={self.box}/{name}r",
            f"--resources=cpus:4;mem:{memory};disk:10240;ports:[{first}-{first + 499}]"])

    @staticmethod
    def _small_disk(path, size):
        options = f"size={size},nr_inodes={INODES},mode=0755"
        network.command("mount", "-t", "tmpfs", "-o", options, "chaos", path)

    def agent_binary(self, index):
        """A copy for each: it can be swapped while it runs, as an upgrade does."""
        home = self.box / f"bin{index}"
        if not home.exists():
            home.mkdir()
            for name in ("bourse-agent", "bourse-shim"):
                shutil.copy(self.bin / name, home / name)
        return home / "bourse-agent"

    def _start_services(self):
        """Two schedulers of which one leads, and an app that must never stop."""
        store = self.ensemble.url("/services")
        for index in range(2):
            daemon = daemons.Daemon(f"s{index}", [
                self.bin / "bourse-service", f"--master={self.zk}", f"--store={store}",
                f"--listen={network.HUB}:{5070 + index}", "--insecure",
                f"--zk-session-timeout={SESSION_TIMEOUT_S}secs"], self.box)
            self.daemons[daemon.name] = daemon
            daemon.start()
        self.app_book = self.box / "app"
        run = [self.bin / "bourse", "app", "run", "steady", f"--instances={INSTANCES}",
               f"--command=echo start >> {self.app_book}; sleep 1000000; : {self.app_book};",
               f"--service={network.HUB}:5070,{network.HUB}:5071"]
        self.wait("the app to be taken", lambda: subprocess.run(
            run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0)
        self.wait("its instances", lambda: len(self.app_processes()) == INSTANCES)

    def app_processes(self):
        """Processes of the app's instances: each a shell with this in its command line."""
        return books.processes_with(f": {self.app_book};")

    def app_starts(self):
        return self.app_book.read_text().split().count("start")

    def _start_crawl(self):
        crawl = self.box / "crawl"
        crawl.mkdir()
        self.web = subprocess.Popen(
            [self.bin / "bourse-shopweb", f"--ip={network.HUB}", f"--shops={SHOPS}",
             f"--items={self.items}", f"--truth={self.box}/truth", f"--hosts={self.box}/hosts",
             f"--stats={self.box}/web-stats", "--json"],
            stdout=subprocess.PIPE, text=True)
        if not self.web.stdout.readline():
            raise Trouble("the web of shops did not start")
        log = open(self.box / "crawler.log", "ab")
        self.crawler = subprocess.Popen(
            [self.bin / "bourse-crawler", f"--master={self.zk}", f"--hosts={self.box}/hosts",
             f"--output={crawl}", "--progress=none"], stdout=log, stderr=log)

    # -- looking

    def wait(self, what, condition, limit_s=HEALTHY_LIMIT_S):
        """Tends the daemons until it is so; how long that took."""
        begun = time.monotonic()
        while True:
            self.tend()
            if condition():
                return time.monotonic() - begun
            if time.monotonic() - begun > limit_s:
                raise Trouble(f"not within {limit_s} s: {what}")
            time.sleep(POLL_S)

    def run_for(self, seconds, busy=True):
        """Lets the world live: tasks are launched and killed meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.tend()
            if busy and time.monotonic() >= self.next_task:
                self.next_task = time.monotonic() + self.books.random.uniform(0.2, 0.8)
                self.books.launch()
                if self.books.random.random() < 0.3:
                    self.books.kill_some()
                if self.books.random.random() < 0.2:
                    self.books.reconcile_some()
            time.sleep(POLL_S)

    def run_quietly(self, seconds):
        """As run_for, while nothing is broken; what the leader answers meanwhile is timed."""
        leader = self.leader()
        self.quiet = True
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.run_for(POLL_S)
            for call in ("GET_AGENTS", "GET_TASKS", "GET_STATE", "GET_METRICS"):
                self.get(leader, "/api/v1", json.dumps({"type": call}))
        self.quiet = False

    def tend(self):
        for daemon in self.daemons.values():
            daemon.tend()

    def get(self, name, path, body=None):
        connection = http.client.HTTPConnection(self.net.addresses[name], 5050, timeout=3)
        begun = time.monotonic()
        try:
            connection.request("POST" if body else "GET", path, body,
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            return json.loads(text) if answer.status == 200 else None
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()
            if self.quiet:
                self.answered_s.append(time.monotonic() - begun)

    def masters(self):
        return [name for name in self.daemons if name.startswith("m")]

    def schedulers(self):
        return [name for name in self.daemons if name.startswith("s")]

    def leading(self):
        found = []
        for name in self.masters():
            metrics = self.get(name, "/metrics/snapshot") if self.daemons[name].alive() else None
            if metrics and metrics.get("master/elected") == 1:
                found.append(name)
        return found

    def leader(self):
        self.wait("one leader", lambda: len(self.leading()) == 1)
        return self.leading()[0]

    def active_agents(self):
        """Address of each active agent with its id, as the leader has them."""
        for name in self.leading()[:1]:
            answer = self.get(name, "/api/v1", '{"type":"GET_AGENTS"}')
            if answer:
                return {a["agent_info"]["hostname"]: a["agent_info"]["id"]["value"]
                        for a in answer["get_agents"].get("agents", []) if a["active"]}
        return {}

    def task_agents(self):
        """The agent of each task that the leader knows; None while nobody answers."""
        for name in self.leading()[:1]:
            answer = self.get(name, "/api/v1", '{"type":"GET_TASKS"}')
            if answer:
                return {task["task_id"]["value"]: task["agent_id"]["value"]
                        for tasks in answer["get_tasks"].values() for task in tasks}
        return None

    def healthy(self):
        return len(self.active_agents()) == AGENTS

    def close(self):
        for daemon in self.daemons.values():
            daemon.hold()
        self.ensemble.stop()
        # A directory that something is mounted on cannot be removed.
        for name in [*(f"a{index}" for index in range(SMALL_DISKS)), f"{SMALL_RUN_DISK}r"]:
            subprocess.run(["umount", "--lazy", self.box / name], capture_output=True)
