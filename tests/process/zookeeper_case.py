"""Real ZooKeeper servers for process tests: each a JVM in a directory of its own, on free ports.
They end with stop(), and with the test program if that dies."""

import ctypes
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import time

CLASS_PATH = "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar"
MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
# What is tested is not the disk, and a server writes 64 MB ahead unless told otherwise.
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m",
        "-Dzookeeper.forceSync=no", "-Dzookeeper.preAllocSize=1024"]
DEADLINE_S = 60
PR_SET_PDEATHSIG = 1


def available():
    """Whether this machine can run a server."""
    jar = pathlib.Path(CLASS_PATH.split(":")[0])
    return shutil.which("java") is not None and jar.exists()


def _free_port(taken):
    """Below the range that the kernel gives to clients: who tries again and again to reach a dead
    server of that range ends up connected to himself."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    top = lowest if lowest > 12000 else 32768
    while True:
        port = random.randrange(10000, top)
        if port in taken:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        taken.add(port)
        return port


def _end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class ZookeeperEnsemble:
    """`count` servers that know each other, or one alone. `directory` must exist; each server has
    its data and its log in a directory of its own below it. Address of the i-th: address(i)."""

    def __init__(self, count, directory, tick_ms=100, java_options=(), host="127.0.0.1"):
        self.directory = pathlib.Path(directory)
        self.java_options = list(java_options)
        self.host = host
        self.processes = [None] * count
        self.paused = [False] * count
        taken = set()
        self.ports = [[_free_port(taken) for _ in range(3)] for _ in range(count)]
        for index in range(count):
            self._configure(index, tick_ms)

    def _configure(self, index, tick_ms):
        home = self.home(index)
        (home / "data").mkdir(parents=True, exist_ok=True)
        lines = [f"tickTime={tick_ms}", f"initLimit={20000 // tick_ms}",
                 f"syncLimit={3000 // tick_ms}", "maxSessionTimeout=120000", "maxClientCnxns=0",
                 "admin.enableServer=false", "4lw.commands.whitelist=ruok,srvr",
                 f"dataDir={home / 'data'}", f"clientPort={self.ports[index][0]}",
                 f"clientPortAddress={self.host}"]
        if len(self.ports) > 1:
            (home / "data/myid").write_text(f"{index + 1}\n")
            for other, (_, quorum, election) in enumerate(self.ports):
                lines.append(f"server.{other + 1}={self.host}:{quorum}:{election}")
        (home / "zoo.cfg").write_text("\n".join(lines) + "\n")

    def home(self, index):
        return self.directory / f"zookeeper-{index}"

    def address(self, index):
        return f"{self.host}:{self.ports[index][0]}"

    @property
    def connection(self):
        """host:port,host:port of all servers."""
        return ",".join(self.address(index) for index in range(len(self.ports)))

    def url(self, path, auth=None):
        """zk://[user:password@]host:port,.../path"""
        return "zk://" + (f"{auth}@" if auth else "") + self.connection + path

    # -- life and death

    def start(self, index=None):
        """One server, or all and waits until they serve."""
        if index is None:
            for each in range(len(self.ports)):
                self.start(each)
            self.wait_until_serving()
            return self
        assert self.processes[index] is None, f"server {index} runs"
        words = [*JAVA, *self.java_options, "-cp", CLASS_PATH, MAIN, self.home(index) / "zoo.cfg"]
        with open(self.home(index) / "log", "ab") as log:
            self.processes[index] = subprocess.Popen(
                [str(word) for word in words], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.home(index), preexec_fn=_end_with_parent)
        return self

    def stop(self):
        """Ends every server that runs, whatever its state."""
        for index in range(len(self.processes)):
            self.kill(index)

    def kill(self, index):
        process = self.processes[index]
        if process is None:
            return
        process.kill()
        process.wait()
        self.processes[index] = None
        self.paused[index] = False

    def pause(self, index):
        """Returns when every thread of the server stands still."""
        pid = self.processes[index].pid
        os.kill(pid, signal.SIGSTOP)
        self._poll("stopped", lambda: self._state(pid) == "T")
        self.paused[index] = True

    def resume(self, index):
        os.kill(self.processes[index].pid, signal.SIGCONT)
        self.paused[index] = False

    # -- what they say

    def ask(self, index, word, timeout_s=1):
        """The answer to a four-letter word; empty if there is none in time."""
        try:
            with socket.create_connection((self.host, self.ports[index][0]), timeout_s) as stream:
                stream.settimeout(timeout_s)
                stream.sendall(word.encode())
                answer = b""
                while block := stream.recv(4096):
                    answer += block
                return answer.decode(errors="replace")
        except OSError:
            return ""

    def mode(self, index):
        """leader, follower, standalone, or None for a server that does not serve."""
        for line in self.ask(index, "srvr").splitlines():
            if line.startswith("Mode: "):
                return line[6:]
        return None

    def leader(self):
        for index, process in enumerate(self.processes):
            if process and not self.paused[index] and self.mode(index) in ("leader", "standalone"):
                return index
        return None

    def wait_for_leader(self):
        """Which server leads: an election may be under way."""
        self._poll("a leader", lambda: self.leader() is not None)
        return self.leader()

    def wait_until_serving(self, indices=None):
        """ruok is answered before there is a quorum, so it is srvr that is asked."""
        for index in range(len(self.ports)) if indices is None else indices:
            self._poll(f"server {index} serves", lambda index=index: self.mode(index), index)

    def log(self, index, lines=30):
        text = (self.home(index) / "log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    @staticmethod
    def _state(pid):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    def _poll(self, what, condition, index=None):
        end = time.monotonic() + DEADLINE_S
        while not condition():
            if index is not None and self.processes[index] is None:
                raise AssertionError(f"not {what}: it was not started")
            if index is not None and self.processes[index].poll() is not None:
                raise AssertionError(f"not {what}, it ended:\n{self.log(index)}")
            if time.monotonic() > end:
                said = "" if index is None else "\n" + self.log(index)
                raise AssertionError(f"not within {DEADLINE_S} s: {what}{said}")
            time.sleep(0.02)  # between two looks at the condition, not instead of one
