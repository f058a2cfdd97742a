"""Each header compiles alone. A header that some .cpp begins with is proven by the build; the
others are compiled here, once for each state of what they include."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess

from .floors import resolve
from .sources import Finding

COMPILER = ["g++", "-std=c++20", "-fsyntax-only", "-w", "-x", "c++"]


def closure(tree, path, seen):
    if path in seen:
        return seen
    seen.add(path)
    source = tree.sources[path]
    for _, _, name in source.includes:
        target = resolve(tree, source, name)
        if target is not None:
            closure(tree, target, seen)
    return seen


def key_of(tree, path):
    digest = hashlib.sha256(" ".join(COMPILER).encode())
    for name in sorted(closure(tree, path, set())):
        digest.update(name.encode() + b"\0" + tree.sources[name].text.encode() + b"\0")
    return digest.hexdigest()


def proven_by_build(tree):
    """Headers that a compiled file begins with, and what those headers begin with in turn."""
    proven = set()
    for source in tree.cpp():
        while source is not None and source.includes:
            first = resolve(tree, source, source.includes[0][2])
            if first is None or first in proven:
                break
            if source.is_header and source.path not in proven:
                break
            proven.add(first)
            source = tree.sources[first]
    return proven


def include_directories(tree, build_dir):
    """What the build passes as -I: generated files live there."""
    flags = [f"-I{tree.root}", f"-I{tree.root}/framework-sdk/include"]
    database = build_dir / "compile_commands.json"
    if database.exists():
        for entry in json.loads(database.read_text()):
            words = shlex.split(entry["command"])
            flags += [word for word in words if word.startswith("-I")]
            flags += [f"-isystem{b}" for a, b in zip(words, words[1:]) if a == "-isystem"]
    return list(dict.fromkeys(flags))


def compile_alone(root, flags, path):
    done = subprocess.run(
        [*COMPILER, *flags, str(pathlib.Path(root) / path)], capture_output=True, text=True
    )
    if done.returncode == 0:
        return None
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    return errors[0] if errors else done.stderr.strip()[:300]


def check(tree, build_dir):
    """Needs a compiler. The cache in the build directory remembers which states compiled."""
    cache_file = build_dir / "tidy" / "headers.json"
    try:
        cache = json.loads(cache_file.read_text())
    except (OSError, ValueError):
        cache = {}
    proven = proven_by_build(tree)
    headers = [s for s in tree.cpp() if s.is_header and s.path not in proven]
    keys = {header.path: key_of(tree, header.path) for header in headers}
    waiting = [path for path, key in keys.items() if cache.get(path) != key]
    findings = []
    if waiting:
        flags = include_directories(tree, build_dir)
        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            results = pool.map(lambda path: compile_alone(tree.root, flags, path), waiting)
            for path, error in zip(waiting, results):
                if error is None:
                    cache[path] = keys[path]
                else:
                    text = f"does not compile alone: {error}"
                    findings.append(Finding(path, 1, "header", text))
    cache_file.parent.mkdir(parents=True, exist_ok=True)
    cache_file.write_text(json.dumps({path: cache[path] for path in keys if path in cache}))
    return findings
