"""Files that a command wants in its sandbox before it starts: real servers, archives, agents."""

import gzip
import http.server
import io
import os
import pathlib
import shutil
import ssl
import subprocess
import tarfile
import tempfile
import threading
import unittest
import zipfile

from cluster_case import BIN, ClusterCase, wait_for
from executor_api_test import executor, scalars
from v1_scheduler import Scheduler


def tar_bytes(mode="w:gz", **files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name.replace("__", "/"))
            info.size, info.mode = len(text), 0o755
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def zip_bytes(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return out.getvalue()


class Web:
    """A web server on a free port: path -> body, or the path that it redirects to."""

    def __init__(self, pages):
        self.asked = []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802 - the library's name
                path = self.path.split("?")[0]
                web.asked.append(path)
                page = pages.get(path)
                if page is None:
                    return self.send_error(404)
                if callable(page):
                    return page(self)
                if isinstance(page, str):
                    self.send_response(302)
                    self.send_header("Location", page)
                    return self.end_headers()
                self.send_response(200)
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                return self.wfile.write(page)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Fetcher(unittest.TestCase):
    """The program alone."""

    def setUp(self):
        self.kept = tempfile.TemporaryDirectory(prefix="bourse-")
        self.addCleanup(self.kept.cleanup)
        self.dir = pathlib.Path(self.kept.name)
        self.sandbox = self.dir / "sandbox"
        self.sandbox.mkdir()

    def web(self, **pages):
        web = Web({"/" + name.replace("__", "."): page for name, page in pages.items()})
        self.addCleanup(web.close)
        return web

    def fetch(self, *items, cache="", expect=0):
        """Each item: how, uri, name."""
        done = subprocess.run([BIN / "bourse-fetch", cache, *[w for item in items for w in item]],
                              cwd=self.sandbox, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, expect, done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def text(self, name):
        return (self.sandbox / name).read_text()

    def test_files_come_from_this_machine_and_from_web_servers(self):
        (self.dir / "a b").write_text("local")
        web = self.web(x=b"from the web", moved="/x", empty=b"")
        self.fetch(("-", str(self.dir / "a b"), "plain"),
                   ("-", f"file://{self.dir}/a%20b", "escaped"),
                   ("-x", f"file://localhost{self.dir}/a%20b", "deep/below/run"),
                   ("-", f"{web.url}/x?key=1", "x"), ("-", f"{web.url}/moved", "y"),
                   ("-", f"{web.url}/empty", "nothing"))
        for name in ("plain", "escaped", "deep/below/run"):
            self.assertEqual(self.text(name), "local")
        self.assertEqual((self.text("x"), self.text("y"), self.text("nothing")),
                         ("from the web", "from the web", ""))
        self.assertTrue(os.access(self.sandbox / "deep/below/run", os.X_OK))
        self.assertEqual((self.sandbox / "plain").stat().st_mode & 0o777, 0o644)

    def test_archives_are_unpacked_beside_themselves_and_stay(self):
        web = self.web(a__tar__gz=tar_bytes(run="one", sub__file="two"),
                       b__zip=zip_bytes(z="three"),
                       c__tar__xz=tar_bytes("w:xz", xz="four"), d__txt__gz=gzip.compress(b"five"))
        self.fetch(("-e", f"{web.url}/a.tar.gz", "a.tar.gz"), ("-e", f"{web.url}/b.zip", "b.zip"),
                   ("-e", f"{web.url}/c.tar.xz", "in/c.tar.xz"),
                   ("-e", f"{web.url}/d.txt.gz", "d.txt.gz"),
                   ("-", f"{web.url}/b.zip", "kept.zip"))
        self.assertEqual([self.text(n) for n in ("run", "sub/file", "z", "in/xz", "d.txt")],
                         ["one", "two", "three", "four", "five"])
        self.assertTrue(os.access(self.sandbox / "run", os.X_OK))
        self.assertTrue((self.sandbox / "a.tar.gz").exists())
        self.assertTrue(zipfile.is_zipfile(self.sandbox / "kept.zip"))

    def test_an_archive_that_leads_out_of_the_sandbox_changes_nothing_there(self):
        outside = self.dir / "outside"
        outside.mkdir()
        (outside / "precious").write_text("stays")

        def entry(name, text=None, kind=None, to=""):
            info = tarfile.TarInfo(name)
            info.mode, info.linkname = 0o755, str(to)
            info.type = kind or tarfile.REGTYPE
            info.size = len(text or "")
            return info, (text or "").encode()
        link, hard = tarfile.SYMTYPE, tarfile.LNKTYPE
        evil = {
            "up": [entry("../outside/new", "x")],
            "up later": [entry("a/../../outside/new", "x")],
            "absolute": [entry(f"{outside}/new", "x")],
            "over it": [entry("../outside/precious", "x")],
            "through a link": [entry("d", kind=link, to=outside), entry("d/new", "x")],
            "through a link up": [entry("d", kind=link, to="../outside"), entry("d/new", "x")],
            "through two": [entry("d", kind=link, to="e"), entry("e", kind=link, to=outside),
                            entry("d/new", "x")],
            "onto a link": [entry("f", kind=link, to=outside / "precious"), entry("f", "x")],
            "by a hard link": [entry("h", kind=hard, to=outside / "precious"), entry("h", "x")],
            "by a hard link up": [entry("h", kind=hard, to="../outside/precious"),
                                  entry("h", "x")],
        }
        for how, entries in evil.items():
            with self.subTest(how):
                out = io.BytesIO()
                with tarfile.open(fileobj=out, mode="w:gz") as archive:
                    for info, content in entries:
                        archive.addfile(info, io.BytesIO(content))
                self.unpack_evil("a.tar.gz", out.getvalue())
                self.assertEqual([p.name for p in outside.iterdir()], ["precious"])
                self.assertEqual((outside / "precious").read_text(), "stays")
        for name in ("../outside/new", f"{outside}/new", "a/../../outside/precious"):
            with self.subTest(name):
                out = io.BytesIO()
                with zipfile.ZipFile(out, "w") as archive:
                    archive.writestr(zipfile.ZipInfo(name), "x")
                self.unpack_evil("a.zip", out.getvalue())
                self.assertEqual([p.name for p in outside.iterdir()], ["precious"])
                self.assertEqual((outside / "precious").read_text(), "stays")

    def unpack_evil(self, name, content):
        """Whether that is refused or not, in a sandbox of its own."""
        web = Web({f"/{name}": content})
        self.addCleanup(web.close)
        shutil.rmtree(self.sandbox)
        self.sandbox.mkdir()
        subprocess.run([BIN / "bourse-fetch", "", "-e", f"{web.url}/{name}", name],
                       cwd=self.sandbox, capture_output=True, timeout=60)
        self.assertTrue((self.sandbox / name).exists())

    def test_what_cannot_be_fetched_is_said_with_its_uri_and_nothing_follows(self):
        (self.dir / "good").write_text("good")
        good = ("-", str(self.dir / "good"), "good")
        broken = self.web(a__tar__gz=tar_bytes(run="x" * 100_000)[:-20], b__zip=b"no archive",
                          short=lambda request: (
                              request.send_response(200),
                              request.send_header("Content-Length", "1000"),
                              request.end_headers(), request.wfile.write(b"few")),
                          loop="/loop", away="file:///etc/passwd")
        for item, words in (
            (("-", "/nowhere/x", "x"), ("'/nowhere/x'", "No such file")),
            (("-", "/dev/null", "x"), ("'/dev/null'", "no regular file")),
            (("-", str(self.dir), "x"), ("no regular file",)),
            (("-", "file://elsewhere/x", "x"), ("'elsewhere'",)),
            (("-", f"{broken.url}/none", "x"), ("/none'", "404")),
            (("-", f"{broken.url}/short", "x"), ("/short'",)),
            (("-", f"{broken.url}/loop", "x"), ("redirect",)),
            (("-", f"{broken.url}/away", "x"), ("file",)),
            (("-", "http://127.0.0.1:1/x", "x"), ("port 1",)),
            (("-e", f"{broken.url}/a.tar.gz", "a.tar.gz"), ("/a.tar.gz'",)),
            (("-e", f"{broken.url}/b.zip", "b.zip"), ("/b.zip'",)),
            (("-", "hdfs://host/x", "x"), ("hdfs", "http, https")),
            (("-", "/etc/hostname", "../x"), ("'../x'", "..")),
        ):
            with self.subTest(item):
                said = self.fetch(item, good, expect=1)
                self.assertTrue(said.startswith("bourse-fetch: "), said)
                for word in words:
                    self.assertIn(word, said)
                self.assertFalse((self.sandbox / "good").exists())
        self.assertFalse((self.dir / "x").exists())

    def test_a_server_that_cannot_prove_who_it_is_is_not_believed(self):
        certificate = self.dir / "certificate"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec",
                        "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                        "/CN=localhost", "-keyout", certificate, "-out", self.dir / "public"],
                       check=True, capture_output=True, timeout=60)
        web = self.web(x=b"not to be believed")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.dir / "public", certificate)
        web.server.socket = context.wrap_socket(web.server.socket, server_side=True)
        url = f"https://localhost:{web.server.server_port}/x"
        said = self.fetch(("-", url, "x"), expect=1)
        self.assertIn("certificate", said)
        self.assertEqual((web.asked, (self.sandbox / "x").exists()), ([], False))

    def test_a_cached_file_is_downloaded_once_whoever_asks_at_the_same_time(self):
        cache = self.dir / "cache"
        cache.mkdir()
        web = self.web(x=b"from the web")
        programs = []
        for i in range(8):
            (self.dir / str(i)).mkdir()
            programs.append(subprocess.Popen(
                [BIN / "bourse-fetch", cache, "-c", f"{web.url}/x", "x"], cwd=self.dir / str(i)))
        self.assertEqual([program.wait(60) for program in programs], [0] * 8)
        self.assertEqual({(self.dir / str(i) / "x").read_text() for i in range(8)},
                         {"from the web"})
        self.assertEqual(web.asked, ["/x"])


class FetchingAgent(ClusterCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        self.scheduler = None

    def tearDown(self):
        if self.scheduler:
            self.scheduler.close()
        super().tearDown()

    def begin(self, pages=(), program=BIN / "bourse-agent"):
        self.web = Web(dict(pages))
        self.addCleanup(self.web.close)
        self.start_master("--agent-heartbeat=200ms", "--agent-silence=2secs")
        self.agent = self.start_agent(program=program)
        self.scheduler = Scheduler(self.http_port, failover_timeout=60.0)
        return self.scheduler.offer()

    def launch(self, offer, task_id, command, uris, own=None, user=None):
        described = {"name": task_id, "task_id": {"value": task_id},
                     "agent_id": offer["agent_id"], "resources": scalars(0.1, 32)}
        run = {"value": command, "uris": uris} | ({"user": user} if user else {})
        described |= {"executor": {**own, "command": run}} if own else {"command": run}
        answer = self.scheduler.launch(offer, described)
        self.assertEqual(answer.status, 202, answer.text)

    def test_a_command_finds_its_files_and_an_executor_too(self):
        offer = self.begin({"/tool.tar.gz": tar_bytes(bin__tool="#!/bin/sh\nexit 7\n"),
                            "/run": b"#!/bin/sh\nexec sleep 1000\n"})
        self.launch(offer, "t", "./bin/tool", [{"value": f"{self.web.url}/tool.tar.gz"}])
        self.assertIn("status 7", self.scheduler.reach("t", "TASK_FAILED")["message"])
        own = executor("", "own")
        self.launch(self.scheduler.offer(skip=1), "u", "./sub/run", [
            {"value": f"{self.web.url}/run", "executable": True, "output_file": "sub/run"}], own)
        wait_for("the executor", lambda: next(iter((self.dir / "a" / "slaves").glob(
            "*/frameworks/*/executors/own/runs/latest/sub/run")), None))
        wait_for("its process", lambda: any(
            b"sleep\x001000" in self.command_of(entry) and
            str(self.dir).encode() in self.command_of(entry, "environ")
            for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()))

    @staticmethod
    def command_of(entry, what="cmdline"):
        try:
            return (entry / what).read_bytes()
        except OSError:
            return b""

    def test_a_task_whose_files_cannot_be_had_fails_and_says_which_and_why(self):
        offer = self.begin()
        for number, (uri, words) in enumerate((
            ({"value": f"{self.web.url}/missing"}, (f"{self.web.url}/missing", "404")),
            ({"value": "/nowhere/x"}, ("/nowhere/x", "No such file")),
            ({"value": "hdfs://x/y"}, ("command.uris[0].value", "hdfs://x/y")),
            ({"value": "/etc/hostname", "output_file": "../x"}, ("command.uris[0].output_file",)),
        )):
            task_id = f"t{number}"
            self.launch(offer, task_id, "true", [uri])
            failed = self.scheduler.reach(task_id, "TASK_FAILED")
            self.assertEqual(failed["reason"], "REASON_CONTAINER_LAUNCH_FAILED")
            for word in words:
                self.assertIn(word, failed["message"])
            self.scheduler.acknowledge(failed)
            offer = self.scheduler.offer(skip=number + 1)

    def test_a_task_that_is_killed_while_its_files_are_fetched_is_killed(self):
        held = threading.Event()
        self.addCleanup(held.set)
        offer = self.begin({"/slow": lambda request: held.wait(60)})
        self.launch(offer, "t", "true", [{"value": f"{self.web.url}/slow"}])
        wait_for("the fetcher at the server", lambda: self.web.asked)
        self.scheduler.call("KILL", {"task_id": {"value": "t"}})
        killed = self.scheduler.reach("t", "TASK_KILLED")
        self.assertIn("fetched", killed["message"])

    def test_an_agent_that_dies_while_files_are_fetched_drops_the_task_and_ends_the_fetch(self):
        held = threading.Event()
        self.addCleanup(held.set)
        offer = self.begin({"/slow": lambda request: held.wait(60)})
        self.launch(offer, "t", "true", [{"value": f"{self.web.url}/slow"}])
        wait_for("the fetcher at the server", lambda: self.web.asked)
        self.agent.kill()
        self.start_agent()
        lost = self.scheduler.reach("t", "TASK_LOST")  # DROPPED, to those who know it
        self.assertEqual(lost["reason"], "REASON_AGENT_RESTARTED")
        wait_for("no fetcher", lambda: not any(
            b"bourse-fetch" in self.command_of(entry) and
            self.web.url.encode() in self.command_of(entry)
            for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()))

    @unittest.skipUnless(os.geteuid() == 0, "needs root: files of another user")
    def test_files_are_fetched_as_another_user_by_programs_in_a_private_directory(self):
        home = self.dir / "home"
        home.mkdir()
        for program in ("bourse-agent", "bourse-shim", "bourse-fetch"):
            shutil.copy(BIN / program, home)
        home.chmod(0o700)
        offer = self.begin({"/x": b"from the web"}, home / "bourse-agent")
        self.launch(offer, "t", "grep -q web x", [{"value": f"{self.web.url}/x"}], user="nobody")
        self.scheduler.acknowledge(self.scheduler.reach("t", "TASK_FINISHED"))

    @unittest.skipUnless(os.geteuid() == 0, "needs root: files of another user")
    def test_files_are_read_and_cached_as_the_commands_user(self):
        offer = self.begin({"/x": b"from the web"})
        secret = self.dir / "secret"
        secret.write_text("of root")
        secret.chmod(0o600)
        self.launch(offer, "t", "true", [{"value": str(secret)}], user="nobody")
        failed = self.scheduler.reach("t", "TASK_FAILED")
        self.assertIn("Permission denied", failed["message"])
        self.scheduler.acknowledge(failed)
        for number, task_id in enumerate(("u", "v")):
            self.launch(self.scheduler.offer(skip=number + 1), task_id, "grep -q web x", [
                {"value": f"{self.web.url}/x", "cache": True}], user="nobody")
            self.scheduler.acknowledge(self.scheduler.reach(task_id, "TASK_FINISHED"))
        self.assertEqual(self.web.asked, ["/x"])
        cache = self.dir / "a" / "fetch" / "nobody"
        self.assertEqual((cache.stat().st_mode & 0o777, cache.owner()), (0o700, "nobody"))


if __name__ == "__main__":
    unittest.main()
