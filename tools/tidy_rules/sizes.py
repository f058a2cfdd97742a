"""Functions, files and columns have limits. What was over when its limit came stands in a baseline
that may only shrink; nothing new may join it."""

import ast
import re
import subprocess

from .sources import Finding, line_of

BASELINE = "tools/size_baseline.txt"
SIZED = (".cpp", ".hpp", ".h", ".cc", ".py", ".sh", ".cmake", ".ts", ".tsx", ".js", ".mjs",
         ".svelte", ".css", ".proto")
SCOPE = re.compile(
    r"^\s*(?:\[\[[^\]]*\]\]\s*)?(?:inline\s+|export\s+)?"
    r"(?:namespace|class|struct|union|enum|extern|concept)\b"
)
TEMPLATE = re.compile(r"\btemplate\s*<[^{};]*?>(?=\s*(?:class|struct|union|requires|[\w:\[]))")
INITIALISER_LIST = re.compile(r"\)\s*(?:noexcept\s*)?:\s[^;]*[\w>]\s*$", re.DOTALL)
AFTER_SIGNATURE = re.compile(r"(?:\)|\bconst|\bnoexcept|\boverride|\bfinal|\btry|&)\s*$")
LABEL = re.compile(r"^\s*case [\w:]+:\s*$", re.MULTILINE)
CALLED = re.compile(r"((?:[\w~]+::)*(?:operator\s*[^\s\w(]{1,3}|operator\s*\(\)|[\w~]+))\s*\(")


def function_name(raw, header):
    if "TEST_CASE" in header or "SCENARIO" in header:
        title = re.search(r'"((?:\\.|[^"\\])*)"', raw)
        return title.group(1) if title else "TEST_CASE"
    while (plain := re.sub(r"<[^<>]*>", "", header)) != header:
        header = plain
    found = CALLED.search(header)
    return re.sub(r"\s", "", found.group(1)) if found else "lambda"


def cpp_functions(source):
    """(name, first line, lines) of each outermost function body. Works on shape, not on grammar.
    The labels of a switch are not counted: an exhaustive table of names is no long function."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()),
                  source.code, flags=re.MULTILINE)
    functions, stack = [], []
    start, parens, inside = 0, 0, None  # inside: (stack depth, header start, name)
    for match in re.finditer(r"[{}();]", code):
        mark, at = match.group(), match.start()
        if mark == "(":
            parens += 1
        elif mark == ")":
            parens = max(parens - 1, 0)
        elif mark == "{":
            stack.append(parens)
            if inside is None and parens == 0:
                header = TEMPLATE.sub("", code[start:at])
                kind = classify(header)
                if kind == "function":
                    begin = start + len(code[start:at]) - len(code[start:at].lstrip())
                    inside = (len(stack), begin, function_name(source.text[start:at], header))
                elif kind == "scope":
                    start = at + 1
                    stack[-1] = -1
                else:
                    inside = (len(stack), -1, "")
            parens = 0
        elif mark == "}":
            if inside is not None and inside[0] == len(stack):
                if inside[1] >= 0:
                    first = line_of(code, inside[1])
                    labels = len(LABEL.findall(code, inside[1], at))
                    functions.append((inside[2], first, line_of(code, at) - first + 1 - labels))
                    start = at + 1
                inside = None
            elif inside is None:
                start = at + 1
            parens = max(stack.pop(), 0) if stack else 0
        elif inside is None and parens == 0:
            start = at + 1
    return functions


def classify(header):
    """What the brace after this header opens: a scope, a function, or a value (an initialiser)."""
    text = re.sub(r"\b(?:public|private|protected)\s*:(?!:)", "", header)
    if SCOPE.match(text):
        return "scope"
    if "(" not in text or text.rstrip().endswith(("=", ",", "return")):
        return "value"
    if INITIALISER_LIST.search(text) and not AFTER_SIGNATURE.search(text):
        return "value"
    return "function"


def python_functions(source):
    try:
        parsed = ast.parse(source.text)
    except SyntaxError:
        return []
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (node.name, node.lineno, node.end_lineno - node.lineno + 1)
        for node in ast.walk(parsed)
        if isinstance(node, kinds)
    ]


def functions_of(source):
    if source.is_cpp:
        return cpp_functions(source)
    return python_functions(source) if source.suffix == ".py" else []


def measure(tree, sizes):
    """key -> (lines, line) of everything over a limit, and findings for columns."""
    over, findings = {}, []
    for source in tree.sources.values():
        if source.suffix not in SIZED and source.name != "CMakeLists.txt":
            continue
        lines = source.text.splitlines()
        if len(lines) > sizes["file_lines"]:
            over[f"file {source.path}"] = (len(lines), 1)
        for name, line, length in functions_of(source):
            if length > sizes["function_lines"]:
                key = f"function {source.path} {name}"
                over[key] = max(over.get(key, (0, 0)), (length, line))
        findings += check_columns(source, lines, sizes["columns"])
    return over, findings


def check_columns(source, lines, limit):
    findings = []
    for number, line in enumerate(lines, 1):
        if len(line) > limit and "://" not in line and number not in source.raw_string_lines:
            text = f"{len(line)} columns, the limit is {limit}"
            findings.append(Finding(source.path, number, "columns", text))
    return findings


def parse_baseline(text):
    rows = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            key, lines = line.rsplit(" ", 1)
            rows[key] = int(lines)
    return rows


def baseline_at(tree, revision):
    """The baseline as committed at a revision, or None when there is no such revision or file."""
    shown = subprocess.run(
        ["git", "show", f"{revision}:{BASELINE}"], cwd=tree.root, capture_output=True, text=True
    )
    return parse_baseline(shown.stdout) if shown.returncode == 0 else None


def check_shrinks(tree, baseline):
    findings = []
    for revision in ("HEAD", "HEAD~1"):
        before = baseline_at(tree, revision)
        if before is None:
            continue
        for key, lines in baseline.items():
            if lines > before.get(key, 0):
                had = before.get(key, "no entry")
                text = f"the baseline may only shrink: {key} has {lines}, {revision} had {had}"
                findings.append(Finding(BASELINE, 1, "size", text))
    return findings


def check(tree, plan):
    """Findings and warnings."""
    over, findings = measure(tree, plan.sizes)
    kept = tree.sources.get(BASELINE)
    baseline = parse_baseline(kept.text) if kept else {}
    warnings = []
    for key, (lines, line) in over.items():
        kind, path, *rest = key.split(" ", 2)
        limit = plan.sizes[f"{kind}_lines"]
        what = f"{rest[0]} has" if rest else "has"
        text = f"{what} {lines} lines, the limit is {limit}"
        if lines > baseline.get(key, limit):
            if key in baseline:
                text += f" and it had {baseline[key]}"
            findings.append(Finding(path, line, "size", text))
        else:
            warnings.append(Finding(path, line, "size", text))
    for key, lines in baseline.items():
        if over.get(key, (0, 0))[0] < lines:
            text = f"{key} is smaller than {lines} now: tools/tidy.py --shrink-baseline"
            warnings.append(Finding(BASELINE, 1, "size", text))
    return findings + check_shrinks(tree, baseline), warnings


def shrink(tree, plan):
    """Lowers the baseline to what is true now; never raises or adds."""
    over, _ = measure(tree, plan.sizes)
    path = tree.root / BASELINE
    text = path.read_text()
    comments = [line for line in text.splitlines() if line.startswith("#")]
    rows = [
        f"{key} {min(lines, over[key][0])}"
        for key, lines in sorted(parse_baseline(text).items())
        if key in over
    ]
    path.write_text("\n".join(comments + rows) + "\n")
