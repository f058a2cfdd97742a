"""The two books of a chaos run. A framework that does as it is told writes down what it asked and
what it was told; each task writes down, in a file of its own, that it began and how it ended. After
the run the judge reads both."""

import os
import pathlib
import random
import subprocess
import threading
import time

ENDED = {"TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_LOST", "TASK_ERROR", "TASK_DROPPED",
         "TASK_GONE", "TASK_GONE_BY_OPERATOR"}
# What was told is final for these; the others may be corrected by an agent that comes back.
FINAL = {"TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_ERROR"}
CPU_MILLI = 100
MEMORY_MB = 32


def processes_with(words):
    """Those in whose command line this stands."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            command = pathlib.Path(f"/proc/{name}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if words in command:
            found.append(int(name))
    return found


class Asked:
    """One task: what was asked, and all that was told of it."""

    def __init__(self, task_id, seconds, code):
        self.id = task_id
        self.seconds = seconds
        self.code = code
        self.asked_at = time.monotonic()
        self.kill_asked_at = None
        self.harmed = False  # a process of it was killed by the run
        self.told = []  # (time, state, reason)

    def state(self):
        return self.told[-1][1] if self.told else None

    def ended(self):
        return self.state() in ENDED


class Books:
    def __init__(self, binary, master, directory, seed):
        self.binary = binary
        self.master = master
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(mode=0o777, exist_ok=True)
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.tasks = {}
        self.framework_id = None
        self.errors = []
        self.process = None
        self.log = open(self.directory.parent / "books.log", "ab")

    # -- the framework

    def start(self):
        """Begins, or takes over from the process before with the same framework id."""
        self.process = subprocess.Popen(
            [str(self.binary), self.master, self.framework_id or "-"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        threading.Thread(target=self._hear, args=(self.process,), daemon=True).start()

    def _hear(self, process):
        for line in process.stdout:
            self.log.write(f"{time.monotonic():.3f} {line}".encode())
            words = line.split()
            with self.lock:
                if words[:1] == ["registered"]:
                    self.framework_id = words[1]
                elif words[:1] == ["error"]:
                    self.errors.append(line.strip())
                elif words[:1] == ["update"] and words[1] in self.tasks:
                    reason = words[3] if len(words) > 3 else ""
                    self.tasks[words[1]].told.append((time.monotonic(), words[2], reason))

    def _say(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            return True
        except (OSError, ValueError):
            return False  # it was killed; what it had not been told was never asked

    def kill_and_restart(self):
        self.process.kill()
        self.process.wait()
        self.start()

    # -- asking

    def launch(self, seconds=None, code=None):
        """A task that sleeps and ends with a code, at random unless said."""
        seconds = round(self.random.uniform(0.2, 15), 1) if seconds is None else seconds
        code = self.random.choice([0, 0, 0, 7]) if code is None else code
        task = Asked(f"b{len(self.tasks)}", seconds, code)
        book = self.directory / task.id
        command = (f"echo start >> {book}; sleep {task.seconds}; echo end >> {book}; "
                   f"exit {task.code}")
        with self.lock:
            self.tasks[task.id] = task
        if not self._say(f"launch {task.id} {CPU_MILLI} {MEMORY_MB} {command}"):
            with self.lock:
                del self.tasks[task.id]
        return task

    def kill_some(self):
        with self.lock:
            running = [t for t in self.tasks.values()
                       if t.state() == "TASK_RUNNING" and t.kill_asked_at is None]
        if running:
            self.kill(self.random.choice(running))

    def kill(self, task):
        if self._say(f"kill {task.id}"):
            task.kill_asked_at = task.kill_asked_at or time.monotonic()

    def open_tasks(self):
        with self.lock:
            return [t for t in self.tasks.values() if not t.ended()]

    def held_by_none(self):
        """Asked, and never told of at all: lost with a framework process before it was sent."""
        with self.lock:
            return [t for t in self.tasks.values() if not t.told]

    # -- the other book

    def written(self, task):
        try:
            return (self.directory / task.id).read_text().split()
        except OSError:
            return []

    def processes_of(self, task):
        return processes_with(f"{self.directory}/{task.id};")
