#!/usr/bin/env python3
"""Checks that every row of docs/proof.md names a test or a command that exists, and that runs; and
every row of the incidents in docs/RELIABILITY.md likewise.

A row is `| sentence | proof |`, or `| incident | what happened | proof |`. A proof is one or more
names in backquotes:

  `the name of a TEST_CASE`          a Catch2 test, word for word
  `Class.test_name` or `test_name`   a Python test
  `the title of a test("...")`       a web UI test
  `tests/scenarios/NAME.txt`         a file that is there, or `path/to/test.py::test_name`
  `./dev VERB ...`                   a command; bench and sim names are looked up too

A test that never runs (proof_skips.py) is no proof.
"""

import argparse
import ast
import pathlib
import re
import sys

from proof_skips import skipped_tests
from tidy_rules.sources import Tree

PAGE = "docs/proof.md"
INCIDENTS = "docs/RELIABILITY.md"
CATCH = re.compile(
    r'\b\w*(?:TEST_CASE|TEST_CASE_METHOD|SCENARIO)\w*\s*\(\s*(?:\w+\s*,\s*)?'
    r'((?:"(?:\\.|[^"\\])*"\s*)+)'
)
STRING = re.compile(r'"((?:\\.|[^"\\])*)"')
SCRIPT = re.compile(r"""\b(?:test|it)(?:\.\w+)?\s*\(\s*(["'`])((?:\\.|(?!\1).)*)\1""")
VERBS = ("build", "test", "demo", "up", "down", "bench", "sim", "chaos", "fmt", "lint", "clean",
         "setup")


def catch_names(source):
    names = set()
    for match in CATCH.finditer(source.text):
        joined = "".join(STRING.findall(match.group(1)))
        names.add(joined.replace('\\"', '"').replace("\\\\", "\\"))
    return names


def python_names(source):
    try:
        parsed = ast.parse(source.text)
    except SyntaxError:
        return set()
    names = set()
    for node in ast.walk(parsed):
        if isinstance(node, ast.ClassDef):
            tests = [n.name for n in node.body if isinstance(n, ast.FunctionDef)]
            names |= {f"{node.name}.{name}" for name in tests if name.startswith("test")}
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            names.add(node.name)
    return names


def script_names(source):
    return {match.group(2) for match in SCRIPT.finditer(source.text)}


def test_names(tree):
    names = set()
    for source in tree.sources.values():
        if source.is_cpp:
            names |= catch_names(source)
        elif source.suffix == ".py":
            names |= python_names(source)
        elif source.suffix in (".ts", ".tsx", ".js", ".mjs"):
            names |= script_names(source)
    return names


def bench_names(tree):
    """What `./dev bench NAME` knows: programs called bench-NAME, and scripts."""
    scripts = [path for path in tree.sources if re.fullmatch(r"bench/\w+\.py", path)]
    text = "\n".join(
        source.text for source in tree.named("CMakeLists.txt") if source.path.startswith("bench/")
    )
    found = set(re.findall(r"\bbench-([a-z0-9-]+)", text))
    return found | {pathlib.Path(path).stem.replace("_", "-") for path in scripts}


def check_command(tree, words):
    if len(words) < 2 or words[1] not in VERBS:
        return f"./dev has no verb {' '.join(words[1:2])!r}"
    named = len(words) > 2 and not words[2].startswith("-")
    if words[1] == "bench" and named and words[2] not in bench_names(tree):
        return f"there is no bench {words[2]}"
    if words[1] == "sim" and not any(path.startswith("sim/") for path in tree.sources):
        return "there is no sim"
    return None


def check_name(tree, names, name):
    """None, or what is wrong with one name in backquotes."""
    if name.startswith("./dev"):
        return check_command(tree, name.split())
    path, _, inner = name.partition("::")
    if path in tree.sources:
        source = tree.sources[path]
        known = catch_names(source) | python_names(source) | script_names(source)
        return None if not inner or inner in known else f"{path} has no test {inner!r}"
    return None if name in names else f"there is no test or file {name!r}"


def rows(text):
    """(line, sentence, proof) of each table row below the heading row."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) < 2 or set(cells[0]) <= set("-: ") or cells[0].lower() == "sentence":
            continue
        yield number, cells[0], cells[1]


def incident_rows(text):
    """(line, incident, proof) of the table whose first heading is that."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) != 3:
            inside = False
        elif cells[0].lower() == "incident":
            inside = True
        elif inside and not set(cells[0]) <= set("-: "):
            yield number, cells[0], cells[2]


def check_rows(tree, names, skipped, page, found):
    for number, sentence, proof in found:
        quoted = re.findall(r"`([^`]+)`", proof)
        if not quoted:
            yield f"{page}:{number}: names no test or command: {sentence}"
        for name in quoted:
            problem = check_name(tree, names, name)
            if name.split("::")[-1] in skipped:
                problem = f"{name!r} never runs: it is always skipped"
            if problem:
                yield f"{page}:{number}: {problem}"


def check(tree):
    page = tree.sources.get(PAGE)
    if page is None:
        return 0, [f"{PAGE} is missing"]
    names, skipped = test_names(tree), skipped_tests(tree)
    told = list(rows(page.text))
    problems = list(check_rows(tree, names, skipped, PAGE, told))
    if INCIDENTS in tree.sources:
        happened = list(incident_rows(tree.sources[INCIDENTS].text))
        problems += check_rows(tree, names, skipped, INCIDENTS, happened)
        told += happened
    return len(told), problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parents[1]
    parser.add_argument("--root", type=pathlib.Path, default=here)
    options = parser.parse_args()
    count, problems = check(Tree.read(options.root))
    for problem in problems:
        print(problem)
    print(f"proof: {count} sentences, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
