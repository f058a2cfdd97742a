"""The two books of a chaos run. A framework that does as it is told writes down what it asked and
what it was told; each task writes down, in a file of its own, that it began and how it ended. After
the run the judge reads both. What the framework asked dies with its process: the next one repeats
its kills, and asks what became of each task that nothing was heard of."""

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
LONG_S = 1_000_000  # of a task that only a kill ends
PART_LONG = 0.2


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


def process_of_executor(executor_id):
    """That of the framework's own executor with this id."""
    wanted = f"MESOS_EXECUTOR_ID={executor_id}".encode()
    for pid in processes_with("told-executor"):
        try:
            words = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in words:
            return pid
    raise LookupError(f"no process of executor {executor_id}")


def shim_of(pid):
    """The shim above a process of a container."""
    while pid > 1:
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if len(command) > 1 and command[1] == b"--container":
            return pid
        pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    raise LookupError("no shim above it")


class Asked:
    """One task: what was asked, and all that was told of it."""

    def __init__(self, task_id, seconds, code, life=0):
        self.id = task_id
        self.seconds = seconds
        self.code = code
        self.life = life  # which process of the framework asked
        self.writes = True  # its command writes its book; an executor's task does not
        self.asked_at = time.monotonic()
        self.kill_asked_at = None
        self.harmed = False  # a process of it was killed by the run
        self.excuse = None  # it was started where the kernel killed others than a daemon
        self.told = []  # (time, state, reason)

    def state(self):
        return self.told[-1][1] if self.told else None

    def ended(self):
        return self.state() in ENDED

    def settled(self):
        """Nothing more is to be told: it ended, or was never seen by a master."""
        return self.ended() or self.state() == "TASK_UNKNOWN"


class Books:
    def __init__(self, binary, master, directory, seed):
        self.binary = binary
        self.master = master
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(mode=0o777, exist_ok=True)
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.saying = threading.Lock()
        self.tasks = {}
        self.framework_id = None
        self.errors = []
        self.process = None
        self.life = 0
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
            anew = []
            self.log.write(f"{time.monotonic():.3f} {line}".encode())
            words = line.split()
            with self.lock:
                if words[:1] == ["registered"]:
                    self.framework_id = words[1]
                    anew = [f"kill {t.id}" for t in self.tasks.values()
                            if t.kill_asked_at is not None and not t.settled()]
                elif words[:1] == ["error"]:
                    self.errors.append(line.strip())
                elif words[:1] == ["update"] and words[1] in self.tasks:
                    reason = words[3] if len(words) > 3 else ""
                    self.tasks[words[1]].told.append((time.monotonic(), words[2], reason))
            for again in anew:
                self._say(again)

    def _say(self, line):
        try:
            with self.saying:
                self.process.stdin.write(line + "\n")
                self.process.stdin.flush()
            return True
        except (OSError, ValueError):
            return False  # it was killed; what it had not been told was never asked

    def kill_and_restart(self):
        self.process.kill()
        self.process.wait()
        self.life += 1
        self.start()

    # -- asking

    def launch(self, seconds=None, code=None, memory_mb=MEMORY_MB):
        """A task that sleeps and ends with a code, at random unless said."""
        if seconds is None:
            long = self.random.random() < PART_LONG
            seconds = LONG_S if long else round(self.random.uniform(0.2, 15), 1)
        code = self.random.choice([0, 0, 0, 7]) if code is None else code
        task = Asked(f"b{len(self.tasks)}", seconds, code, self.life)
        book = self.directory / task.id
        command = (f"echo start >> {book}; sleep {task.seconds}; echo end >> {book}; "
                   f"exit {task.code}")
        self._ask(task, f"launch {task.id} {CPU_MILLI} {memory_mb} {command}")
        return task

    def launch_under(self, executor, program):
        """A task of a framework's own executor: only a kill ends it, and it writes nothing."""
        task = Asked(f"b{len(self.tasks)}", LONG_S, 0, self.life)
        task.writes = False
        self._ask(task, f"launch-with {executor} {task.id} {CPU_MILLI} {MEMORY_MB} {program}")
        return task

    def _ask(self, task, line):
        with self.lock:
            self.tasks[task.id] = task
        if not self._say(line):
            with self.lock:
                del self.tasks[task.id]

    def kill_some(self):
        with self.lock:
            running = [t for t in self.tasks.values()
                       if t.state() == "TASK_RUNNING" and t.kill_asked_at is None]
        if running:
            self.kill(self.random.choice(running))

    def kill(self, task):
        if self._say(f"kill {task.id}"):
            task.kill_asked_at = task.kill_asked_at or time.monotonic()

    def kill_the_long(self):
        """Whatever only a kill ends."""
        for task in self.open_tasks():
            if task.seconds == LONG_S and task.kill_asked_at is None:
                self.kill(task)

    def reconcile_some(self):
        """Asks about a task, or about all of them."""
        running = [t for t in self.open_tasks() if t.told]
        if running and self.random.random() < 0.7:
            self.reconcile(self.random.choice(running))
        else:
            self._say("reconcile")

    def reconcile(self, task):
        self._say(f"reconcile {task.id}")

    def begun(self):
        """Those whose commands have written that they began."""
        return [task for task in list(self.tasks.values()) if self.written(task)]

    def open_tasks(self):
        with self.lock:
            return [t for t in self.tasks.values() if not t.settled()]

    def orphans(self):
        """Asked by a process that died before it was told anything: the next one knows no more of
        them than their ids, and it may be that no master ever heard them."""
        with self.lock:
            return [t for t in self.tasks.values() if not t.told and t.life < self.life]

    # -- the other book

    def written(self, task):
        try:
            return (self.directory / task.id).read_text().split()
        except OSError:
            return []

    def processes_of(self, task):
        return processes_with(f"{self.directory}/{task.id};")
