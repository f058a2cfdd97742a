"""Includes may look down, never up or sideways; what a room is made of stands in floors.toml."""

import re

from .sources import Finding

RULE = "floor"


class Plan:
    """tools/floors.toml, ready to be asked."""

    def __init__(self, table):
        self.rooms = {room["path"]: room for room in table["room"]}
        self.by_length = sorted(self.rooms, key=len, reverse=True)
        self.externals = table.get("externals", {})
        self.closed_headers = set(table.get("pure", {}).get("closed_headers", []))
        self.banned = [dict(row, pattern=re.compile(row["pattern"])) for row in table["banned"]]
        self.exceptions = {}
        for row in table.get("exception", []):
            self.exceptions.setdefault(row["file"], set()).update(row["tokens"])
        rows = table.get("word", [])
        self.words = [(re.compile(row["pattern"]), row["why"]) for row in rows]
        self.sizes = table["sizes"]

    def room_of(self, path):
        for room in self.by_length:
            if path.startswith(room + "/"):
                return self.rooms[room]
        return None

    def external_of(self, name):
        for group, beginnings in self.externals.items():
            for beginning in beginnings:
                in_directory = beginning.endswith("/") and name.startswith(beginning)
                if name == beginning or in_directory:
                    return group
        return None


def private_headers(tree, plan):
    """Headers that bring, directly or not, a library for their own room: path -> which."""
    private = {}
    while True:
        before = len(private)
        for source in tree.cpp():
            room = plan.room_of(source.path)
            if not source.is_header or room is None or source.path in private:
                continue
            for _, _, name in source.includes:
                target = resolve(tree, source, name)
                group = None if target else group_of(plan, name)
                if group in room.get("inside", []):
                    private[source.path] = f"it brings {group}"
                elif target in private and plan.room_of(target) is room:
                    private[source.path] = private[target]
        if len(private) == before:
            return private


def group_of(plan, name):
    return "protobuf" if name.endswith(".pb.h") else plan.external_of(name)


def resolve(tree, source, name):
    """The tree's path for an include, or None. The SDK's headers have their users' names."""
    beside = source.path.rsplit("/", 1)[0] + "/" + name
    for candidate in (name, "framework-sdk/include/" + name, beside):
        if candidate in tree.sources:
            return candidate
    return None


def check_project_include(plan, private, room, target):
    to = plan.room_of(target)
    if to is None:
        return f'"{target}" is in no room of tools/floors.toml'
    if to is room:
        return None
    here, there = room["path"], to["path"]
    if "only" in room and there not in room["only"]:
        return f'{here} may include {", ".join(room["only"])} alone, not "{target}"'
    if target in private and room["floor"] < 9:
        return f'"{target}" is private to {there}: {private[target]}'
    if to["floor"] >= room["floor"]:
        way = "up" if to["floor"] > room["floor"] else "sideways"
        return (
            f'{here} (floor {room["floor"]}) looks {way} at "{target}" '
            f'({there}, floor {to["floor"]})'
        )
    if there in room.get("never", []):
        return f'{there} is closed to {here}: "{target}"'
    if room.get("pure") and not to.get("pure"):
        return f'{here} is pure and may not include "{target}": {there} touches the world'
    return None


def check_external(plan, room, name):
    group = group_of(plan, name)
    if group is None:
        if "/" in name or name.endswith((".h", ".hpp")):
            return f"<{name}> belongs to no external group of tools/floors.toml"
        if room.get("pure") and name in plan.closed_headers:
            return f"<{name}> brings the world into {room['path']}, which is pure"
        return None
    if group in room.get("uses", []) + room.get("inside", []):
        return None
    return f"{room['path']} does not use {group}: <{name}> (tools/floors.toml)"


def check(tree, plan):
    findings, private = [], private_headers(tree, plan)
    for source in tree.cpp():
        room = plan.room_of(source.path)
        if room is None:
            text = "this file is in no room of tools/floors.toml"
            findings.append(Finding(source.path, 1, RULE, text))
            continue
        allowed = plan.exceptions.get(source.path, set())
        for line, quote, name in source.includes:
            target = resolve(tree, source, name)
            if name in allowed:
                continue
            if target is not None:
                problem = check_project_include(plan, private, room, target)
            elif quote == '"' and not name.endswith(".pb.h"):
                problem = f'"{name}" is not in the tree: write the path from the root'
            else:
                problem = check_external(plan, room, name)
            if problem:
                findings.append(Finding(source.path, line, RULE, problem))
    return findings
