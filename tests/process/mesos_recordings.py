"""The recordings of a running Mesos (tests/data/mesos-recordings), as exchanges and records, and
what of a JSON value is compared with them: names, presence and types, not values. Of headers, those
that a client can go by."""

import json
import os
import pathlib
import re

SOURCE = pathlib.Path(os.environ["BOURSE_SOURCE"])
RECORDINGS = SOURCE / "tests/data/mesos-recordings"
PAGE = SOURCE / "docs/mesos-compatibility.md"


class Exchange:
    """A request and what came back: `status`, `headers`, `body`."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.status, self.answer_headers, self.answer = 0, {}, ""


def _headers(lines):
    return dict(line.split(": ", 1) for line in lines)


def read(name):
    """In order: Exchanges, and the records of streams as parsed JSON."""
    text = (RECORDINGS / name).read_text()
    found = []
    for part in re.split(r"\n(?=>>> |<<< )", text):
        head, _, rest = part.lstrip("\n").partition("\n")
        if head.startswith(">>>"):
            _, method, path = head.split()[:3]
            fields, _, body = rest.partition("\n\n")
            lines = [line.lstrip("> ") for line in fields.splitlines() if ": " in line]
            found.append(Exchange(method, path, _headers(lines), body.strip("\n")))
        elif head.startswith("<<< record of"):
            found.append(json.loads(rest.splitlines()[0]))
        elif head.startswith("<<< ") and head[4] != "(":
            fields, _, body = rest.partition("\n\n")
            exchange = found[-1]
            exchange.status = int(re.search(r"\b(\d{3})\b", head).group(1))
            lines = [line.lstrip("< ") for line in fields.splitlines() if ": " in line]
            exchange.answer_headers = _headers(lines)
            exchange.answer = body.split("\n-----")[0].strip("\n")
    return found


def shape(value, at=""):
    """Each path in a JSON value with the type of what is there; entries of lists are one."""
    if isinstance(value, dict):
        inner = set().union(*(shape(v, f"{at}.{k}") for k, v in value.items()), set())
        return inner | {(at, "object")}
    if isinstance(value, list):
        return set().union(*(shape(v, at + "[]") for v in value), set()) | {(at, "list")}
    kind = {str: "text", bool: "bool", int: "number", float: "number"}[type(value)]
    return {(at, kind)}


# What a client can go by. Not what is of one connection or one moment: Date, Connection.
SAME_VALUE = ("Content-Type", "Allow", "Transfer-Encoding", "Content-Disposition",
              "Content-Encoding", "WWW-Authenticate", "Retry-After", "Location")
THERE_OR_NOT = ("Mesos-Stream-Id", "Content-Length", "Date")


def headers_that_matter(headers):
    """Of an answer, to compare with another's."""
    found = {name: headers.get(name) for name in SAME_VALUE}
    return found | {name: headers.get(name) is not None for name in THERE_OR_NOT}


class Differences:
    """Compares, and says at the end what was listed in vain."""

    def __init__(self, test, listed):
        self.test, self.listed, self.met = test, listed, set()

    def same(self, what, theirs, ours):
        if what in self.listed:
            self.met.add(what)
            theirs = self.listed[what][0]
        self.test.assertEqual(ours, theirs, what)

    def same_shape(self, name, theirs, ours):
        self.same((name, "more"), set(), ours - theirs)
        self.same((name, "less"), set(), theirs - ours)

    def check(self):
        page = PAGE.read_text()
        self.test.assertEqual(set(self.listed) - self.met, set(), "listed, and did not come")
        for what, (_, row) in self.listed.items():
            with self.test.subTest(what):
                self.test.assertIn(f"\n| {row} |", page)
