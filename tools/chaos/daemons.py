"""Daemons as an init system keeps them: started, watched, started again after a second when they
end. How each ended is kept: a crash (a signal that nobody here sent) is a violation."""

import os
import pathlib
import signal
import subprocess
import time

RESTART_AFTER_S = 1.0
CRASHES = {-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGILL, -signal.SIGFPE}


class Daemon:
    """One process under one name. `argv` may be a function: asked at each start."""

    def __init__(self, name, argv, log_dir, env=None):
        self.name = name
        self.argv = argv
        self.env = env or {}
        self.log = pathlib.Path(log_dir) / f"{name}.log"
        self.process = None
        self.wanted = False
        self.start_at = 0.0
        self.starts = 0
        self.crashes = []
        self.ended_by_others = 0  # SIGKILLs that were not ours: the kernel's
        self.ended_here = False

    def start(self):
        self.wanted = True
        self._start()

    def _start(self):
        argv = self.argv() if callable(self.argv) else self.argv
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **self.env})
        self.starts += 1
        self.ended_here = False
        self.end_counted = False

    @property
    def pid(self):
        return self.process.pid

    def resident_bytes(self):
        pages = pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def send(self, number):
        if self.alive():
            os.kill(self.pid, number)

    def kill(self):
        """SIGKILL; it comes back unless held."""
        if self.alive():
            self.ended_here = True
            self.process.kill()
            self.process.wait()

    def hold(self):
        """Dead, and stays so until release()."""
        self.wanted = False
        self.kill()

    def release(self):
        self.wanted = True
        self.start_at = time.monotonic()

    def tend(self):
        if self.process is None or self.alive():
            return
        if not self.end_counted:
            self.end_counted = True
            killed = self.process.returncode == -signal.SIGKILL
            self.ended_by_others += int(killed and not self.ended_here)
        if self.process.returncode in CRASHES:
            self.crashes.append(self.process.returncode)
            self.process.returncode = -signal.SIGKILL  # counted once
        if not self.wanted:
            return
        now = time.monotonic()
        if self.start_at <= self.ended_at():
            self.start_at = now + RESTART_AFTER_S
        if now >= self.start_at:
            self.seen_end = None
            self._start()

    seen_end = None
    end_counted = False

    def ended_at(self):
        """When its end was first seen."""
        if self.seen_end is None:
            self.seen_end = time.monotonic()
        return self.seen_end

    def last_words(self, lines=15):
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""
