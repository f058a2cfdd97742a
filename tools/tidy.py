#!/usr/bin/env python3
"""Checks the rules of the house that a machine can see. `./dev lint` and the test run call it.

  tools/tidy.py [--root DIR] [--build-dir DIR] [--shrink-baseline]

What the rules are: docs/STYLE.md for people, tools/floors.toml for this program.
"""

import argparse
import pathlib
import sys
import time
import tomllib

from tidy_rules import floors, headers, sizes, tokens, unused
from tidy_rules.sources import Tree

SHOWN_WARNINGS = 20


def run(root, build_dir=None):
    """All findings and warnings of a tree. Without a build directory no header is compiled."""
    root = pathlib.Path(root).resolve()
    plan = floors.Plan(tomllib.loads((root / "tools/floors.toml").read_text()))
    tree = Tree.read(root)
    findings, warnings = sizes.check(tree, plan)
    findings += floors.check(tree, plan)
    findings += tokens.check_tokens(tree, plan) + tokens.check_words(tree, plan)
    findings += unused.check(tree)
    if build_dir is not None:
        findings += headers.check(tree, pathlib.Path(build_dir))
    return tree, sorted(findings), sorted(warnings)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parents[1]
    parser.add_argument("--root", type=pathlib.Path, default=here)
    parser.add_argument("--build-dir", type=pathlib.Path, help="compile headers alone, cache there")
    parser.add_argument("--shrink-baseline", action="store_true")
    options = parser.parse_args()
    started = time.monotonic()
    if options.shrink_baseline:
        plan = floors.Plan(tomllib.loads((options.root / "tools/floors.toml").read_text()))
        sizes.shrink(Tree.read(options.root), plan)
        return 0
    tree, findings, warnings = run(options.root, options.build_dir)
    for warning in warnings[:SHOWN_WARNINGS]:
        print(f"warning: {warning}")
    if len(warnings) > SHOWN_WARNINGS:
        print(f"warning: and {len(warnings) - SHOWN_WARNINGS} more")
    for finding in findings:
        print(finding)
    seconds = time.monotonic() - started
    print(
        f"tidy: {len(tree.sources)} files, {len(findings)} findings, {len(warnings)} warnings, "
        f"{seconds:.1f} s"
    )
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
