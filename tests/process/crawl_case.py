"""What tests with a crawl on a real cluster share: shops, crawler, agent, and looking at them."""

import http.client
import json
import os
import pathlib
import sqlite3
import subprocess

from cluster_case import BIN, ClusterCase, wait_for


class CrawlCase(ClusterCase):
    ports = (27000, 27999)  # of the tasks: below those that the kernel gives out by itself

    def start_cluster(self):
        self.master = self.start_master()
        self.agent = self.start_crawl_agent()

    def start_crawl_agent(self):
        agent = self.start("agent", [
            BIN / "bourse-agent", f"--master=127.0.0.1:{self.link_port}", "--port=0",
            f"--work-dir={self.dir}/a", f"--run-dir={self.dir}/ar",
            f"--resources=cpus:16;mem:8192;disk:10000;ports:[{self.ports[0]}-{self.ports[1]}]"])
        agent.line("ready")
        return agent

    def start_web(self, shops, items, *flags):
        self.web = self.start("shops", [
            BIN / "bourse-shopweb", "--port=0", f"--shops={shops}", f"--items={items}", "--json",
            f"--truth={self.dir}/truth", f"--hosts={self.dir}/hosts", *flags])
        self.address = json.loads(self.web.line("{"))["address"]

    def start_crawler(self, *flags, master=None):
        """`master`: how it finds the master; over the link unless told otherwise."""
        return self.start("crawler", [
            BIN / "bourse-crawler", f"--master={master or f'127.0.0.1:{self.link_port}'}",
            f"--hosts={self.dir}/hosts", f"--output={self.dir}/out", "--progress=json", *flags])

    # -- looking

    def seen_by_shops(self):
        connection = http.client.HTTPConnection(self.address, timeout=10)
        try:
            connection.request("GET", "/stats", headers={"Host": "control.shopweb"})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def requests_to(self, host):
        return next(row["requests"] for row in self.seen_by_shops()["shops"] if row["shop"] == host)

    def stored(self):
        """Items that are durable."""
        count = 0
        for path in (self.dir / "out").glob("items-*.sqlite"):
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10) as database:
                try:
                    count += database.execute("SELECT count(*) FROM item").fetchone()[0]
                except sqlite3.OperationalError:
                    pass  # its table is being made
            database.close()
        return count

    def wait_for_more_items(self, more):
        start = self.stored()
        wait_for(f"{more} more items than {start}", lambda: self.stored() >= start + more)

    def workers(self, stage):
        """Pids of the workers of a stage on this cluster."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                cwd = os.readlink(entry / "cwd")
            except OSError:
                continue
            ours = os.path.basename(words[0]) == "bourse-crawl-worker" and words[1:2] == [stage]
            if ours and cwd.startswith(str(self.dir)):
                found.append(int(entry.name))
        return found

    def status(self):
        return json.loads(self.cli("crawl", "--json"))

    def wait_status(self, what, condition):
        return wait_for(what, lambda: condition(self.status()))

    def stage(self, status, name):
        return next(row for row in status["stages"] if row["name"] == name)

    def check(self, expect):
        """What the check says of result and manners."""
        stats = self.dir / "stats"
        stats.write_text(json.dumps(self.seen_by_shops()))
        done = subprocess.run(
            [str(BIN / "bourse-crawl-check"), f"--truth={self.dir}/truth",
             f"--output={self.dir}/out", f"--stats={stats}", "--json"],
            capture_output=True, text=True)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return json.loads(done.stdout)
