"""Files nobody builds, headers nobody includes, pages nobody can find."""

import fnmatch
import pathlib
import re

from .sources import Finding, line_of

LINK = re.compile(r"\[[^\]\n]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def cmake_words(tree):
    """For each directory with a CMakeLists.txt: every word in it."""
    words = {}
    for source in tree.named("CMakeLists.txt"):
        directory = source.path.removesuffix("CMakeLists.txt")
        text = re.sub(r"#[^\n]*", "", source.text)
        text = text.replace("${CMAKE_CURRENT_SOURCE_DIR}/", "").replace("${CMAKE_SOURCE_DIR}/", "/")
        text = re.sub(r"\$\{\w+\}", "*", text)  # a loop's variable names every file of its pattern
        words[directory] = set(re.findall(r'[^\s()"]+', text))
    return words


def is_named(words, path):
    for directory, listed in words.items():
        if not path.startswith(directory):
            continue
        relative = path[len(directory) :]
        for word in listed:
            if word in (relative, "/" + path):
                return True
            if "*" in word and fnmatch.fnmatch(relative, word):
                return True
    return any("/" + path in listed for listed in words.values())


def check_sources(tree):
    words = cmake_words(tree)
    findings = []
    for source in tree.sources.values():
        python_test = source.name.endswith("_test.py") and source.path.startswith("tests/")
        if source.suffix not in (".cpp", ".cc") and not python_test:
            continue
        if not is_named(words, source.path):
            text = "no CMakeLists.txt names this file: add it or delete it"
            findings.append(Finding(source.path, 1, "unused", text))
    return findings


def check_headers(tree):
    included = set()
    for source in tree.cpp():
        for _, _, name in source.includes:
            included.add(name)
            included.add(source.path.rsplit("/", 1)[0] + "/" + name)
    findings = []
    for source in tree.cpp():
        public = source.path.startswith("framework-sdk/include/")
        if source.is_header and not public and source.path not in included:
            text = "nobody includes this header: use it or delete it"
            findings.append(Finding(source.path, 1, "unused", text))
    return findings


def check_header_form(tree):
    """A header says what it is before anything else, and is guarded by #pragma once."""
    findings = []
    for source in tree.cpp():
        if not source.is_header:
            continue
        if "#pragma once" not in source.text:
            findings.append(Finding(source.path, 1, "header", "has no #pragma once"))
        lines = [line for line in source.text.splitlines() if line.strip()][:2]
        if not any(line.startswith(("//", "/*")) for line in lines):
            text = "starts with a comment: what it is, who owns it, which thread, which errors"
            findings.append(Finding(source.path, 1, "header", text))
    return findings


def links_of(source):
    directory = pathlib.PurePosixPath(source.path).parent
    for match in LINK.finditer(source.text):
        target = match.group(1)
        if "://" in target or target.startswith("mailto:"):
            continue
        parts = []
        for part in (directory / target).parts:
            if part == "..":
                parts = parts[:-1]
            elif part != ".":
                parts.append(part)
        yield line_of(source.text, match.start()), "/".join(parts)


def check_pages(tree):
    """Links lead somewhere; each page in docs/ is linked from an index page."""
    findings, linked = [], set()
    for source in tree.sources.values():
        if source.suffix != ".md":
            continue
        for line, target in links_of(source):
            if source.name == "README.md":
                linked.add(target)
            if not (tree.root / target).exists() and target not in tree.sources:
                findings.append(Finding(source.path, line, "link", f"{target} does not exist"))
    for source in tree.sources.values():
        if source.suffix == ".md" and source.path.startswith("docs/"):
            if source.name != "README.md" and source.path not in linked:
                text = "no README.md of docs/ links this page: add it to the index"
                findings.append(Finding(source.path, 1, "unused", text))
    return findings


def check(tree):
    return (
        check_sources(tree) + check_headers(tree) + check_header_form(tree) + check_pages(tree)
    )
