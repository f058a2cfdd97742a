"""The tree as the rules see it: every text file, C++ with comments and strings blanked out."""

import functools
import pathlib
import re
import subprocess
from dataclasses import dataclass

CPP = (".cpp", ".hpp", ".h", ".cc")

# Comments, raw strings, strings and characters, in one pass. A quote after a letter or digit is a
# digit separator (1'000), not a character.
LITERAL = re.compile(
    r"""//[^\n]*|/\*.*?\*/
    |(?:u8|[uUL])?R"(?P<fence>[^()\\\s]{0,16})\(.*?\)(?P=fence)"
    |"(?:\\.|[^"\\\n])*"
    |(?<![A-Za-z0-9_])'(?:\\.|[^'\\\n])*'""",
    re.DOTALL | re.VERBOSE,
)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


def blank(match):
    """Same length, same lines, so that positions in the blanked text are positions in the file."""
    return re.sub(r"[^\n]", " ", match.group())


def line_of(text, position):
    return text.count("\n", 0, position) + 1


class Source:
    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.suffix = pathlib.PurePosixPath(path).suffix
        self.name = pathlib.PurePosixPath(path).name

    @property
    def is_cpp(self):
        return self.suffix in CPP

    @property
    def is_header(self):
        return self.suffix in (".hpp", ".h")

    @functools.cached_property
    def code(self):
        """The text without comments and strings; as long as the text, line for line."""
        if self.is_cpp or self.suffix in (".ts", ".tsx", ".js", ".mjs", ".svelte"):
            return LITERAL.sub(blank, self.text)
        if self.suffix == ".py":
            return re.sub(r'#[^\n]*|"""(?:.|\n)*?"""|"[^"\n]*"|\'[^\'\n]*\'', blank, self.text)
        return self.text

    @functools.cached_property
    def raw_string_lines(self):
        lines = set()
        for match in LITERAL.finditer(self.text):
            if match.group("fence") is not None:
                first = line_of(self.text, match.start())
                lines.update(range(first, first + match.group().count("\n") + 1))
        return lines

    @functools.cached_property
    def includes(self):
        """(line, quote or angle, name), in order."""
        found = []
        for match in INCLUDE.finditer(self.text):
            found.append((line_of(self.text, match.start()), match.group(1), match.group(2)))
        return found


class Tree:
    """Every file git knows or would know, by its path from the root."""

    def __init__(self, root, sources):
        self.root = pathlib.Path(root)
        self.sources = {source.path: source for source in sources}

    @staticmethod
    def read(root):
        listing = subprocess.run(
            ["git", "ls-files", "-co", "-z", "--exclude-standard"],
            cwd=root,
            capture_output=True,
            check=True,
        )
        sources = []
        for name in listing.stdout.decode().split("\0"):
            path = pathlib.Path(root, name)
            if not name or not path.is_file() or path.is_symlink():
                continue
            content = path.read_bytes()
            if b"\0" not in content[:8000]:
                sources.append(Source(name, content.decode("utf-8", "replace")))
        return Tree(root, sources)

    def cpp(self):
        return [source for source in self.sources.values() if source.is_cpp]

    def named(self, name):
        return [source for source in self.sources.values() if source.name == name]
