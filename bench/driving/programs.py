"""Programs that a bench starts and talks with by lines; they end with it, whatever happens."""

import ctypes
import json
import os
import pathlib
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("BOURSE_BIN", ROOT / "build/release/bin"))
PR_SET_PDEATHSIG = 1
DEADLINE_S = 120


class Stuck(Exception):
    """What was waited for did not happen; the sentence says what."""


def wait_for(what, condition, deadline_s=DEADLINE_S, pause_s=0.01):
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Stuck(f"not within {deadline_s} s: {what}")
        time.sleep(pause_s)


def _end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Program:
    def __init__(self, name, *flags, log=None):
        self.name, self.lines = name, []
        self.log = open(log, "ab") if log else subprocess.DEVNULL
        self.popen = subprocess.Popen(
            [str(BIN / name), *map(str, flags)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log, text=True, preexec_fn=_end_with_parent)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.popen.stdout:
            self.lines.append(line.rstrip("\n"))

    def _complaint(self):
        """The last line of its standard error: why it ended, before the log goes with the bench."""
        if self.log is subprocess.DEVNULL:
            return ""
        said = pathlib.Path(self.log.name).read_text(errors="replace").splitlines()
        return f": {said[-1]}" if said else ""

    @property
    def pid(self):
        return self.popen.pid

    def say(self, line):
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()

    def mark(self):
        """A place in what it said: line() with it looks only behind."""
        return len(self.lines)

    def line(self, word, after=0, deadline_s=DEADLINE_S):
        """The first line from there on that begins with the word; its rest."""
        def found():
            for line in self.lines[after:]:
                if line == word or line.startswith(word + " "):
                    return line
            if self.popen.poll() is not None:
                raise Stuck(f"{self.name} ended with {self.popen.returncode}{self._complaint()}")
            return None
        return wait_for(f"{self.name} says {word}", found, deadline_s)[len(word) + 1:]

    def report(self):
        mark = self.mark()
        self.say("report")
        return json.loads(self.line("report", mark))

    def kill(self):
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()

    def freeze(self):
        """Returns when every thread of it stands still."""
        os.kill(self.pid, signal.SIGSTOP)
        stat = pathlib.Path(f"/proc/{self.pid}/stat")
        wait_for(f"{self.name} stands still",
                 lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")

    def thaw(self):
        os.kill(self.pid, signal.SIGCONT)
