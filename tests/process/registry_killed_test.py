"""An import of a registry that is killed with -9, wherever it was: what it was to replace is whole
or replaced whole, or is said to be unfinished and led by nobody; another import mends it."""

import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from cluster_case import BIN, wait_for
from registry_test import RegistryCase
from zookeeper_case import ZookeeperEnsemble, available


class Proxy:
    """Passes the bytes of one client on to a server, and calls `at` before or behind that many
    pieces from the client."""

    def __init__(self, server, pieces, before, at):
        self.server, self.pieces, self.before, self.at = server, pieces, before, at
        self.seen = 0
        self.ends = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0.05)
        self.port = self.listener.getsockname()[1]
        self.closed = False
        self.threads = [threading.Thread(target=self._serve)]
        self.threads[0].start()

    def close(self):
        self.closed = True
        for thread in self.threads:
            thread.join()
        for end in (self.listener, *self.ends):
            end.close()

    def _serve(self):
        while not self.closed:
            try:
                client, _ = self.listener.accept()
            except OSError:
                continue
            client.settimeout(0.05)
            host, port = self.server.rsplit(":", 1)
            server = socket.create_connection((host, int(port)))
            server.settimeout(0.05)
            self.ends += [client, server]
            for one, other, counted in ((client, server, True), (server, client, False)):
                self.threads.append(threading.Thread(target=self._pass, args=(one, other, counted)))
                self.threads[-1].start()

    def _pass(self, one, other, counted):
        try:
            while not self.closed:
                try:
                    piece = one.recv(1 << 20)
                except socket.timeout:
                    continue
                if not piece:
                    break
                self.seen += counted
                due = counted and self.seen == self.pieces
                if due and self.before:
                    self.at()
                other.sendall(piece)
                if due and not self.before:
                    self.at()
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class ImportKilled(RegistryCase):
    def two_clusters(self):
        """Exports of two clusters, one with an agent, and their ids."""
        out = []
        for name in ("old", "new"):
            self.http_port = self.link_port = 0
            master = self.start_master(f"--work-dir={self.dir}/{name}")
            if name == "new":
                self.start_agent()
                self.wait_agents(1)
                self.processes[-1].end()
            master.end()
            file, header = self.export(self.dir / name, f"{name}.json")
            out.append((file, header["cluster_id"]))
        return out

    def held(self, place):
        """The cluster that is there, or "unfinished" if that is said of it."""
        done = subprocess.run([str(BIN / "bourse"), "registry", "check", str(place)],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode == 0:
            return re.search(r"cluster (\S+), epoch", done.stdout).group(1)
        self.assertIn("an import is under way or was cut off", done.stderr)
        self.assertIn("run it again with --replace", done.stderr)
        return "unfinished"

    def begin(self, file, target):
        return subprocess.Popen(
            [str(BIN / "bourse"), "registry", "import", str(file), str(target), "--replace"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def test_an_import_into_a_file_that_is_killed_anywhere_leaves_the_old_or_the_new_one(self):
        (old_file, old), (new_file, new) = self.two_clusters()
        target = self.dir / "target"
        target.mkdir()
        self.registry("import", old_file, target)
        began = time.monotonic()
        self.begin(new_file, target).wait()
        takes = time.monotonic() - began
        found = {self.held(target)}
        self.assertEqual(found, {new})
        rounds = 40
        for round_ in range(rounds):
            self.registry("import", old_file, target, "--replace")
            importer = self.begin(new_file, target)
            time.sleep(takes * 1.2 * round_ / rounds)  # where it is killed: anywhere
            importer.send_signal(signal.SIGKILL)
            importer.wait()
            held = self.held(target)
            self.assertIn(held, (old, new))
            found.add(held)
        self.assertEqual(found, {old, new})
        self.start_master(f"--work-dir={target}")

    @unittest.skipUnless(available(), "needs Java and ZooKeeper's jar")
    def test_an_import_into_an_ensemble_that_is_killed_at_each_request_is_mended_by_another(self):
        (old_file, old), (new_file, new) = self.two_clusters()
        ensemble = ZookeeperEnsemble(1, self.dir).start()
        self.addCleanup(ensemble.stop)
        target = ensemble.url("/bourse")
        self.registry("import", old_file, target)
        found, pieces = [], 0
        while not found or found[-1] != "ended":
            pieces += 1
            for before in (True, False):
                found.append(self.killed_at(ensemble, new_file, pieces, before))
                if found[-1] == "ended":
                    break
                self.assertIn(found[-1], (old, new, "unfinished"), f"at request {pieces}")
                self.registry("import", old_file, target, "--replace")
                self.assertEqual(self.held(target), old)
        self.assertEqual({old, new, "unfinished"}, set(found) - {"ended"})
        self.assertEqual(self.held(target), new)

    def killed_at(self, ensemble, file, pieces, before):
        process = []
        ready = threading.Event()

        def kill():
            ready.wait()
            process[0].send_signal(signal.SIGKILL)
            process[0].wait()
        proxy = Proxy(ensemble.address(0), pieces, before, kill)
        try:
            process.append(self.begin(file, f"zk://127.0.0.1:{proxy.port}/bourse"))
            ready.set()
            wait_for("the import to end", lambda: process[0].poll() is not None)
        finally:
            proxy.close()
        if process[0].returncode == 0:
            return "ended"
        self.assertEqual(process[0].returncode, -signal.SIGKILL)
        return self.held(ensemble.url("/bourse"))


if __name__ == "__main__":
    unittest.main()
