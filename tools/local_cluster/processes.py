"""Processes as /proc shows them: who descends from whom, who is still the one that was started."""

import ctypes
import os
import pathlib
import signal
import time
from dataclasses import dataclass

PR_SET_CHILD_SUBREAPER = 36
POLL_S = 0.02


@dataclass(frozen=True)
class Identity:
    """A pid with its start time: a number that comes back later is another process."""

    pid: int
    start: int

    def alive(self):
        found = read_stat(self.pid)
        return found is not None and found[1] == self.start and found[2] != "Z"

    def send(self, number):
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass


def read_stat(pid):
    """(parent, start time, state) or None."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    return int(fields[1]), int(fields[19]), fields[0]


def identify(pid):
    found = read_stat(pid)
    return Identity(pid, found[1]) if found else None


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def descendants(root_pid):
    """Every live process below one, children after their parents."""
    children, starts = {}, {}
    for pid in all_pids():
        found = read_stat(pid)
        if found and found[2] != "Z":
            children.setdefault(found[0], []).append(pid)
            starts[pid] = found[1]
    below, queue = [], [root_pid]
    while queue:
        for pid in children.get(queue.pop(), []):
            below.append(Identity(pid, starts[pid]))
            queue.append(pid)
    return below


def become_subreaper():
    """Orphans below this process become its children instead of init's, so that none gets lost."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap():
    """Collects children that ended, adopted ones included."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def program_of(pid):
    """The name of the program a process runs, by its command line."""
    try:
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return os.path.basename(words[0].decode("utf-8", "replace"))


def touching(directories):
    """Processes that live in one of the directories: by working directory or an open file."""
    prefixes = tuple(os.path.join(os.path.realpath(path), "") for path in directories)
    found = []
    for pid in all_pids():
        if pid == os.getpid():
            continue
        links = [f"/proc/{pid}/cwd"]
        try:
            links += [f"/proc/{pid}/fd/{name}" for name in os.listdir(f"/proc/{pid}/fd")]
        except OSError:
            continue
        for link in links:
            try:
                if (os.readlink(link) + "/").startswith(prefixes):
                    found.append(identify(pid))
                    break
            except OSError:
                continue
    return [identity for identity in found if identity]


def wait_until(condition, limit_s):
    """Polls a condition with a deadline; True when it came true in time."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def end(identities, number, limit_s):
    """Signals processes and waits for them; those that are left after the deadline."""
    for identity in identities:
        identity.send(number)

    def all_gone():
        reap()
        return not any(identity.alive() for identity in identities)

    wait_until(all_gone, limit_s)
    return [identity for identity in identities if identity.alive()]


def kill_all(find, limit_s=10):
    """SIGKILL to whatever `find` returns, again until it returns nothing."""

    def none_left():
        reap()
        found = find()
        for identity in found:
            identity.send(signal.SIGKILL)
        return not found

    return wait_until(none_left, limit_s)
