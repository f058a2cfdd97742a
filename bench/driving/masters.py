"""Masters as processes: one on a file, or several on a real ensemble."""

import http.client
import json
import pathlib
import shutil
import sys
import tempfile

from .programs import ROOT, Program, wait_for

sys.path.insert(0, str(ROOT / "tests/process"))
from zookeeper_case import ZookeeperEnsemble, available  # noqa: E402


class Master:
    """Where it listens stays the same from life to life."""

    def __init__(self, work_dir, *flags):
        self.work_dir, self.flags = pathlib.Path(work_dir), flags
        self.http = self.link = self.program = None
        self.start()

    def start(self):
        http, link = (address.rsplit(":", 1)[1] if address else 0
                      for address in (self.http, self.link))
        self.program = Program(
            "bourse-master", f"--port={http}", f"--agent-port={link}",
            f"--work-dir={self.work_dir}", *self.flags, log=f"{self.work_dir}.log")
        ready = dict(word.split("=") for word in self.program.line("ready").split())
        self.http, self.link = ready["http"], ready["link"]

    def ask(self, path, body=None, timeout=30):
        """Status and text of an answer; None if there is none."""
        connection = http.client.HTTPConnection(*self.http.split(":"), timeout=timeout)
        try:
            connection.request("POST" if body else "GET", path, body and json.dumps(body),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def metrics(self):
        answer = self.ask("/metrics/snapshot")
        return json.loads(answer[1]) if answer and answer[0] == 200 else {}

    def leads(self):
        return self.metrics().get("master/elected") == 1


class EnsembleCluster:
    """Servers and masters in a directory of their own, removed with it."""

    def __init__(self, servers, masters, session_timeout_s, **ensemble):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="bourse-bench-", dir="/var/tmp"))
        self.masters = []
        self.ensemble = ZookeeperEnsemble(servers, self.dir, **ensemble)
        try:
            self.ensemble.start()
            for index in range(masters):
                self.masters.append(Master(self.dir / f"m{index}", f"--zk={self.url}",
                                           f"--zk-session-timeout={session_timeout_s}secs"))
        except BaseException:
            self.end()
            raise

    @property
    def url(self):
        return self.ensemble.url("/bourse")

    @property
    def links(self):
        return ",".join(master.link for master in self.masters)

    def leader(self, besides=()):
        among = [master for master in self.masters if master not in besides]
        return wait_for("a leader", lambda: [m for m in among if m.leads()], pause_s=0.05)[0]

    def end(self):
        for master in self.masters:
            master.program.kill()
        self.ensemble.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
