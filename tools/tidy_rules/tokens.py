"""Banned tokens in code, and forbidden words anywhere."""

import pathlib
import re

from .sources import Finding, line_of

CODE = (".cpp", ".hpp", ".h", ".cc", ".py", ".ts", ".tsx", ".js", ".mjs", ".svelte")
VAGUE_NAME = re.compile(r"(^|[_.-])(utils?|helpers?|common)([_.-]|$)", re.IGNORECASE)


def applies(where, source, room):
    if where == "pure":
        return source.is_cpp and room is not None and room.get("pure", False)
    tested = source.path.startswith("tests/") or "/tests/" in source.path
    if where == "tests":
        return tested
    if where == "product":
        return source.is_cpp and not tested
    return source.is_cpp


def in_loop(code, position):
    """Whether a loop begins in the few lines before."""
    before = code[:position].splitlines()[-10:]
    return any(re.search(r"\b(while|for)\b", line) for line in before)


def check_tokens(tree, plan):
    findings = []
    for source in tree.sources.values():
        if source.suffix not in CODE:
            continue
        room = plan.room_of(source.path)
        allowed = plan.exceptions.get(source.path, set())
        for row in plan.banned:
            if not applies(row["where"], source, room):
                continue
            for match in row["pattern"].finditer(source.code):
                token = match.group().strip()
                if token in allowed or token.removeprefix("std::") in allowed:
                    continue
                if row.get("loops") and in_loop(source.code, match.start()):
                    continue
                line = line_of(source.code, match.start())
                findings.append(Finding(source.path, line, "token", f"{token}: {row['why']}"))
    return findings


def check_words(tree, plan):
    findings = []
    for source in tree.sources.values():
        if VAGUE_NAME.search(pathlib.PurePosixPath(source.path).stem):
            text = f"{source.name}: a file is named after what it is, not utils, helpers or common"
            findings.append(Finding(source.path, 1, "word", text))
        for pattern, why in plan.words:
            for match in pattern.finditer(source.text):
                line = line_of(source.text, match.start())
                text = f"{match.group().strip()}: {why}"
                findings.append(Finding(source.path, line, "word", text))
    return findings
