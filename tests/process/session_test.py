"""Programs that an operator runs in the container of a task: over HTTP as Mesos' clients do, and by
`bourse exec`. Real agent, real containers; without root the same in process groups."""

import base64
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import subprocess
import unittest

from cluster_case import BIN, wait_for
from session_case import RECORDIO, ROOT, TYPED, SessionCase, record
from v1_scheduler import JSON, post, task


class SessionOverHttp(SessionCase):
    def test_what_is_written_to_a_session_comes_back_from_its_program(self):
        self.run_task()
        out = self.launch("cat; echo failed >&2; exit 3")
        self.assertEqual(out.status, 200)
        self.assertEqual(out.headers["Content-Type"], RECORDIO)
        self.assertEqual(out.headers["Message-Content-Type"], JSON)
        into = self.attach()
        into.write(b"hello\0\xff\n")
        self.wait_written(out, b"hello\0\xff\n")
        into.write(b"")
        out.wait_end()
        self.assertEqual(self.written(out, "STDERR"), b"failed\n")
        self.assertEqual(into.answer()[0], 200)
        self.assertEqual(self.exit_status(), 3 << 8)

    def test_a_session_sees_the_sandbox_and_environment_of_its_task(self):
        self.run_task("export NOT_SEEN=1; echo here > mine; exec sleep 1000")
        sandbox = wait_for("mine", lambda: list(self.dir.glob("a/**/mine")))
        out = self.launch("cat mine; echo $MESOS_TASK_ID; pwd; echo $MORE; id -u; "
                          "grep NoNewPrivs /proc/self/status",
                          environment={"variables": [{"name": "MORE", "value": "given"}]})
        out.wait_end()
        lines = self.written(out).decode().split("\n")
        self.assertEqual(lines[:5], [
            "here", "t", str(sandbox[0].parent.resolve()), "given", str(os.geteuid())])
        self.assertRegex(lines[5], r"NoNewPrivs:\s1")

    @unittest.skipUnless(ROOT, "namespaces need root")
    def test_a_session_is_inside_the_namespaces_of_its_task(self):
        self.run_task("hostname of-the-task; exec sleep 1000")
        here = socket.gethostname()
        out = self.launch("hostname; tr '\\0' '\\n' < /proc/1/comm; ls /proc | grep -c '^[0-9]'")
        out.wait_end()
        host, init, count = self.written(out).decode().split()
        self.assertEqual((host, init), ("of-the-task", "bourse-init"))
        self.assertNotEqual(here, host)
        self.assertLess(int(count), 8)

    def test_a_session_ends_with_the_connection_that_launched_it(self):
        self.run_task()
        out = self.launch("setsid sleep 1000 & echo ready; exec sleep 1000", **self.marking)
        self.wait_written(out, b"ready\n")
        self.assertTrue(self.marked())
        out.close()
        wait_for("the end of the session", lambda: not self.marked())
        self.assertEqual(self.exit_status(), signal.SIGKILL)

    def test_a_session_ends_with_its_task(self):
        self.run_task()
        out = self.launch("trap '' TERM; setsid sleep 1000 & echo ready; while :; do sleep 1; done",
                          **self.marking)
        self.wait_written(out, b"ready\n")
        self.framework.call("KILL", {"task_id": {"value": "t"}})
        out.wait_end()
        self.framework.reach("t", "TASK_KILLED")
        self.assertEqual(self.marked(), [])

    def test_an_agent_that_is_killed_leaves_nothing_of_its_sessions(self):
        self.run_task()
        out = self.launch("setsid sleep 1000 & echo ready; exec sleep 1000", **self.marking)
        self.wait_written(out, b"ready\n")
        self.agent.kill()
        wait_for("the end of the session", lambda: not self.marked())
        os.kill(self.task_pid, 0)  # the task goes on

    def test_a_session_whose_own_process_is_killed_leaves_nothing(self):
        self.run_task()
        name = f"s{self.framework.framework_id}"  # nobody else's on this machine
        out = self.launch("setsid sleep 1000 & echo ready; exec sleep 1000", name, **self.marking)
        self.wait_written(out, b"ready\n")
        shim = wait_for("its process", lambda: [
            int(p.name) for p in pathlib.Path("/proc").iterdir() if p.name.isdigit()
            and f"--session\0{name}\0".encode() in self.command_of(p)])
        os.kill(shim[0], signal.SIGKILL)
        out.wait_end()
        if ROOT:  # without cgroups what left its session and its parent goes with the task
            wait_for("the end of the session", lambda: not self.marked())
        answer = json.loads(self.ask("WAIT_NESTED_CONTAINER", name).text)["wait_nested_container"]
        self.assertNotIn("exit_status", answer)
        self.assertIn("died", answer["message"])

    @staticmethod
    def command_of(entry):
        try:
            return (entry / "cmdline").read_bytes()
        except OSError:
            return b""

    @unittest.skipUnless(ROOT, "cgroups need root")
    def test_the_memory_of_a_session_counts_as_its_tasks(self):
        self.run_task()
        out = self.launch("head -c 60000000 /dev/zero | tail -c 60000000 | (sleep 1000; cat); :")
        usage = lambda: json.loads(post(self.port, {"type": "GET_CONTAINERS"}, TYPED, "/api/v1")
                                   .text)["get_containers"]["containers"][0]
        wait_for("the memory", lambda: usage()["resource_statistics"].get(
            "mem_total_bytes", 0) > 50_000_000)
        out.close()

    def test_a_terminal_is_one_and_changes_its_size(self):
        self.run_task()
        out = self.launch("test -t 0 && test -t 1 && echo yes; stty size; read line; stty size; "
                          "echo got $line; read end || echo over",
                          tty={"window_size": {"rows": 30, "columns": 90}})
        self.wait_written(out, b"yes\r\n30 90\r\n")
        into = self.attach()
        into.resize(41, 121)
        into.write(b"word\n")
        self.wait_written(out, b"41 121\r\ngot word\r\n")
        into.write(b"")  # what Ctrl-D is
        out.wait_end()
        self.assertIn(b"over", self.written(out))
        self.assertEqual(self.exit_status(), 0)

    def test_an_interrupt_typed_at_a_terminal_reaches_the_program(self):
        self.run_task()
        out = self.launch("echo ready; sleep 1000", tty={})
        self.wait_written(out, b"ready\r\n")
        self.attach().write(b"\x03")
        out.wait_end()
        self.assertIn(self.exit_status(), (signal.SIGINT, 130 << 8))  # as the shell is

    def test_a_reader_that_never_reads_stops_the_program_and_then_loses_it(self):
        self.run_task()
        call = {"type": "LAUNCH_NESTED_CONTAINER_SESSION", "launch_nested_container_session": {
            "container_id": self.key(), "command": {"value": "echo $$; exec cat /dev/zero",
                                                    **self.marking}}}
        out = self.records(call, receive_buffer=4096, read=False)
        cat = wait_for("cat", self.marked)[0]
        looks = []

        def stopped():
            looks.append(int(re.search(r"wchar: (\d+)", pathlib.Path(
                f"/proc/{cat}/io").read_text()).group(1)))
            return looks[-1] > 0 and len(looks) > 20 and len(set(looks[-20:])) == 1
        wait_for("that nobody reads it any more", stopped)
        self.assertLess(looks[-1], 16_000_000)
        out.close()
        wait_for("the end of the session", lambda: not self.marked())

    def test_a_program_that_does_not_read_has_its_writer_wait(self):
        self.run_task()
        out = self.launch("echo ready; read go < /dev/null; exec sleep 1000")
        self.wait_written(out, b"ready\n")
        into = self.attach()
        into.socket.setblocking(False)
        piece = record({"type": "ATTACH_CONTAINER_INPUT", "attach_container_input": {
            "type": "PROCESS_IO", "process_io": {"type": "DATA", "data": {
                "type": "STDIN", "data": base64.b64encode(b"x" * 20_000).decode()}}}})
        chunk = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
        sent = 0
        while select.select([], [into.socket], [], 1)[1]:
            sent += into.socket.send(chunk)
            self.assertLess(sent, 64_000_000)
        # A signal does not wait behind what nobody reads.
        self.assertEqual(self.ask("KILL_NESTED_CONTAINER", signal=15).status, 200)
        out.wait_end()
        self.assertEqual(self.exit_status(), 15)

    def test_a_container_without_a_connection_is_waited_for_killed_and_removed(self):
        self.run_task()
        answer = self.launch("read line; echo got $line; exec sleep 1000",
                             kind="LAUNCH_NESTED_CONTAINER")
        self.assertEqual(answer.status, 200, answer.text)
        out = self.records({"type": "ATTACH_CONTAINER_OUTPUT", "attach_container_output": {
            "container_id": self.key()}})
        into = self.attach()
        into.write(b"word\n")
        self.wait_written(out, b"got word\n")
        into.finish()
        self.assertEqual(into.answer()[0], 200)  # and the program goes on
        self.assertEqual(self.ask("REMOVE_NESTED_CONTAINER").status, 409)
        self.assertEqual(self.ask("KILL_NESTED_CONTAINER").status, 200)
        out.wait_end()
        self.assertEqual(self.exit_status(), signal.SIGKILL)
        self.assertEqual(self.ask("REMOVE_NESTED_CONTAINER").status, 200)
        self.assertEqual(self.ask("WAIT_NESTED_CONTAINER").status, 404)

    def test_a_call_that_cannot_be_is_refused_with_what_would_be_right(self):
        self.run_task()
        self.assertEqual(self.launch("exec sleep 1000", "used",
                                     kind="LAUNCH_NESTED_CONTAINER").status, 200)
        kind = "LAUNCH_NESTED_CONTAINER"
        sleep = {"value": "sleep 1"}
        for status, sentence, launch in (
            (400, "container_id.parent: is missing", {"container_id": {"value": "s"}}),
            (404, "no container 'gone'", {"container_id": {
                "value": "s", "parent": {"value": "gone"}}}),
            (409, "'used' is in use", {"container_id": self.key("used")}),
            (400, "container_id.value: 'a/b'", {"container_id": self.key("a/b")}),
            (400, "command: is missing", {"container_id": self.key(), "command": None}),
            (400, "command.value: is empty", {"container_id": self.key(), "command": {}}),
            (400, "'/no/such'", {"container_id": self.key(), "command": {
                "shell": False, "value": "/no/such"}}),
            (400, "20000 rows and 1 columns", {"container_id": self.key(), "container": {
                "type": "MESOS", "tty_info": {"window_size": {"rows": 20000, "columns": 1}}}}),
            (403, "command.user: 'somebody'", {"container_id": self.key(), "command": {
                **sleep, "user": "somebody"}}),
        ):
            with self.subTest(sentence):
                launch = {"command": sleep, **launch}
                answer = post(self.port, {"type": kind, kind.lower(): launch}, TYPED, "/api/v1")
                self.assertEqual(answer.status, status, answer.text)
                self.assertIn(sentence, answer.text)
        self.assertEqual(self.ask("KILL_NESTED_CONTAINER", "used", signal=99).status, 400)
        out = self.launch("exec sleep 1000")
        for sentence, send in (  # each ends the connection that sent it, and no session
            ("no terminal", lambda i: i.resize(10, 10)),
            ("comes once", lambda i: i.send({
                "type": "CONTAINER_ID", "container_id": self.key()})),
            ("is not STDIN", lambda i: i.send({"type": "PROCESS_IO", "process_io": {
                "type": "DATA", "data": {"type": "STDOUT", "data": ""}}})),
            ("length has more than 10 digits", lambda i: i.raw(b"99999999999\n")),
        ):
            with self.subTest(sentence):
                into = self.attach()
                send(into)
                status, text = into.answer()
                self.assertEqual(status, 400, text)
                self.assertIn(sentence, text)
        into = self.attach()
        into.raw(b"2000000\n")
        self.assertEqual(into.answer()[0], 413)
        one, two = self.attach(), self.attach()
        self.assertEqual(two.answer()[0], 409)
        self.assertFalse(out.ended)
        one.close()

    def test_a_container_has_so_many_sessions_and_no_more(self):
        self.run_task()
        for i in range(16):
            answer = self.launch("exec sleep 1000", f"s{i}", kind="LAUNCH_NESTED_CONTAINER")
            self.assertEqual(answer.status, 200, answer.text)
        refused = self.launch("exec sleep 1000", "more", kind="LAUNCH_NESTED_CONTAINER")
        self.assertIn("has 16 sessions, its most", refused.text)
        self.assertEqual(self.ask("KILL_NESTED_CONTAINER", "s0").status, 200)
        self.exit_status("s0")
        self.assertEqual(self.launch("exec sleep 1000", "more",
                                     kind="LAUNCH_NESTED_CONTAINER").status, 200)


class SessionByCli(SessionCase):
    def exec(self, *words, text="", expect=0):
        done = subprocess.run(
            [str(BIN / "bourse"), "exec", *words], input=text, capture_output=True, text=True,
            timeout=30, env={**os.environ, "BOURSE_MASTER": f"127.0.0.1:{self.http_port}"})
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def test_exec_gives_what_it_is_given_and_ends_as_its_program_did(self):
        self.run_task()
        text = "a line\n" * 50000
        done = self.exec("t", "--", "sh", "-c", "cat; echo bad >&2; exit 7", text=text, expect=7)
        self.assertEqual((done.stdout, done.stderr), (text, "bad\n"))
        self.exec("t", "--", "sh", "-c", "kill -9 $$", expect=137)
        self.assertEqual(self.exec("t", "--", "echo", "two  words", "$HOME").stdout,
                         "two  words $HOME\n")
        self.assertIn("/no/such", self.exec("t", "--", "/no/such", expect=1).stderr)

    def test_exec_says_what_is_wrong(self):
        self.run_task()
        self.assertIn("'nobody' is not known", self.exec("nobody", "--", "ls", expect=1).stderr)
        for words in (("t",), ("t", "--"), ("--", "ls")):
            self.assertIn("bourse exec TASK -- ls -l", self.exec(*words, expect=2).stderr)
        self.framework.call("KILL", {"task_id": {"value": "t"}})
        self.framework.reach("t", "TASK_KILLED")
        self.assertIn("is TASK_KILLED", self.exec("t", "--", "ls", expect=1).stderr)

    def test_exec_with_a_terminal_hands_ours_through(self):
        self.run_task()
        ours, theirs = pty.openpty()
        program = subprocess.Popen(
            [str(BIN / "bourse"), "exec", "-t", "t", "--", "sh", "-c",
             "test -t 0 && echo yes; read line; echo got $line; sleep 1000"],
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            env={**os.environ, "BOURSE_MASTER": f"127.0.0.1:{self.http_port}"})
        os.close(theirs)
        seen = bytearray()
        def look(wanted):
            if select.select([ours], [], [], 0.05)[0]:
                try:
                    seen.extend(os.read(ours, 4096))
                except OSError:
                    pass
            return wanted in seen
        try:
            wait_for(f"a terminal: {seen}", lambda: look(b"yes\r\n"))
            os.write(ours, b"word\n")
            wait_for(f"the line: {seen}", lambda: look(b"got word\r\n"))
            os.write(ours, b"\x03")
            self.assertEqual(wait_for("its end", lambda: look(b"never") or (
                program.poll() is not None and [program.returncode])), [130])
        finally:
            program.kill()
            program.wait()
            os.close(ours)

    def test_exec_that_is_killed_takes_its_program_along(self):
        self.run_task()
        program = subprocess.Popen(
            [str(BIN / "bourse"), "exec", "t", "--", "env", f"SESSION_MARK={self.mark}",
             "sleep", "1000"], stdin=subprocess.DEVNULL,
            env={**os.environ, "BOURSE_MASTER": f"127.0.0.1:{self.http_port}"})
        try:
            wait_for("its program", self.marked)
        finally:
            program.kill()
            program.wait()
        wait_for("the end of the session", lambda: not self.marked())


class SessionsWithoutIsolation(SessionCase):
    agent_flags = ("--cgroups=false", "--namespaces=false")

    def test_without_cgroups_and_namespaces_a_session_ends_all_the_same(self):
        self.run_task()
        out = self.launch("setsid sleep 1000 & echo ready; cat", **self.marking)
        self.wait_written(out, b"ready\n")
        into = self.attach()
        into.write(b"word\n")
        self.wait_written(out, b"word\n")
        into.write(b"")
        out.wait_end()
        self.assertEqual(self.exit_status(), 0)
        self.assertEqual(self.marked(), [])
        self.launch("setsid sleep 1000 & exec sleep 1000", "second", **self.marking)
        wait_for("its processes", lambda: len(self.marked()) == 2)
        self.framework.call("KILL", {"task_id": {"value": "t"}})
        wait_for("the end of the session", lambda: not self.marked())


if __name__ == "__main__":
    unittest.main()
