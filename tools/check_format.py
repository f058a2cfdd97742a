#!/usr/bin/env python3
"""Fails when a C++ file is not as clang-format would write it. `./dev fmt` mends it."""

import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import subprocess
import sys

from tidy_rules.sources import Tree

FORMATTER = "clang-format-14"
BATCH = 16


def differing(root, paths):
    """The files of a batch that the formatter would change."""
    done = subprocess.run(
        [FORMATTER, "--dry-run", "--Werror", "--ferror-limit=1", *paths],
        cwd=root,
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        return []
    marked = {line.split(":", 1)[0] for line in done.stderr.splitlines() if "error:" in line}
    return sorted(marked) or [done.stderr.strip()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parents[1]
    parser.add_argument("--root", type=pathlib.Path, default=here)
    parser.add_argument("--build-dir", type=pathlib.Path, help="remember there what was in order")
    options = parser.parse_args()
    style = hashlib.sha256((options.root / ".clang-format").read_bytes())
    cache_file = options.build_dir / "tidy" / "format.txt" if options.build_dir else None
    cache = set(cache_file.read_text().split()) if cache_file and cache_file.exists() else set()
    keys = {}
    for source in Tree.read(options.root).cpp():
        digest = style.copy()
        digest.update(source.text.encode())
        keys[source.path] = digest.hexdigest()
    waiting = [path for path, key in keys.items() if key not in cache]
    batches = [waiting[i : i + BATCH] for i in range(0, len(waiting), BATCH)]
    wrong = []
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for found in pool.map(lambda batch: differing(options.root, batch), batches):
            wrong += found
    for path in wrong:
        print(f"{path}: not as clang-format writes it: ./dev fmt")
    if cache_file:
        cache_file.parent.mkdir(parents=True, exist_ok=True)
        cache_file.write_text("\n".join(key for path, key in keys.items() if path not in wrong))
    print(f"format: {len(keys)} files, {len(waiting)} looked at, {len(wrong)} to format")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
