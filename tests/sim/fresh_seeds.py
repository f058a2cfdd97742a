"""Where fresh seeds begin: a number that the commit decides, so that everybody who checks it out
can search the same seeds again (docs/decisions/0047-three-minutes-of-seeds.md)."""

import hashlib
import subprocess
import time

APART = 1_000_000  # from one process to the next: more than any of them runs
# Above every seed that is kept, and short enough to be typed.
LOWEST = 100_000_000_000
SPAN = 900_000_000_000


def git(directory, *words):
    done = subprocess.run(["git", "-C", directory, *words], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def committed_tree(directory):
    """The tree of the commit that is checked out; None if what is here is another one."""
    tree = git(directory, "rev-parse", "HEAD^{tree}")
    changed = git(directory, "status", "--porcelain")
    return tree if tree and changed == "" else None


def first_seed(directory):
    """(the first fresh seed, what decided it)."""
    tree = committed_tree(directory)
    drawn = tree or str(time.time_ns())
    number = int(hashlib.sha256(drawn.encode()).hexdigest(), 16)
    why = "the commit says" if tree else "the time says: what is here is no commit"
    return LOWEST + number % SPAN, why
