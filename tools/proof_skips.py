"""Which tests of the tree never run, whatever the machine: a proof that names one proves nothing.

  C++      a hidden tag, "[.]" or "[.slow]"
  Python   @unittest.skip, or a skipUnless/skipIf that asks for an environment variable nobody sets
  script   test.skip, `skip: true`, or a `skip:` that asks for an environment variable nobody sets

A test that needs root, a package or a kernel is not meant: it runs where those are.
"""

import ast
import re

HIDDEN = re.compile(
    r'\b\w*TEST_CASE\w*\s*\(\s*(?:\w+\s*,\s*)?((?:"(?:\\.|[^"\\])*"\s*)+),\s*"[^"]*\[\.')
STRING = re.compile(r'"((?:\\.|[^"\\])*)"')
SCRIPT = re.compile(
    r"""\b(?:test|it)(\.skip|\.todo)?\s*\(\s*(["'`])((?:\\.|(?!\2).)*)\2\s*"""
    r"""(?:,\s*(\{[^}]*\}|\w+))?""",
    re.S)
CONSTANT = re.compile(r"^(?:export )?(?:const|let)\s+(\w+)\s*=\s*([^\n;]+)", re.M)
EXPORTED = re.compile(r"^export const (\w+)\s*=\s*([^\n;]+)", re.M)
VARIABLE = re.compile(r"process\.env\.(\w+)$")
SET_BY_CMAKE = re.compile(r"\b([A-Z][A-Z_]+)=")


def literal(node, constants):
    if isinstance(node, ast.Name):
        return constants.get(node.id)
    return node.value if isinstance(node, ast.Constant) else None


def constants_of(parsed):
    return {node.targets[0].id: node.value.value for node in parsed.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)}


def set_by_python(parsed):
    """Variables it gives to a process: keys of dictionaries, of env[...] = and of env=dict()."""
    constants = constants_of(parsed)
    for node in ast.walk(parsed):
        if isinstance(node, ast.Dict):
            yield from (literal(key, constants) for key in node.keys if key is not None)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            yield literal(node.slice, constants)
        elif isinstance(node, ast.keyword):
            yield node.arg


def parsed_sources(tree):
    for source in tree.sources.values():
        if source.suffix == ".py":
            try:
                yield ast.parse(source.text)
            except SyntaxError:
                continue


def variables_set(tree):
    found = set()
    for source in tree.named("CMakeLists.txt"):
        found |= set(SET_BY_CMAKE.findall(re.sub(r"#[^\n]*", "", source.text)))
    for parsed in parsed_sources(tree):
        found |= set(set_by_python(parsed))
    return found


def asked_variable(node, constants):
    """X of os.environ.get("X") or of os.environ["X"]; None for anything else."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.environ.get", "os.getenv"):
        return literal(node.args[0], constants)
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
        return literal(node.slice, constants)
    return None


def skips_always(decorator, constants, known):
    kind = ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
    if kind == "unittest.skip":
        return True
    if kind not in ("unittest.skipUnless", "unittest.skipIf"):
        return False
    asked = decorator.args[0]
    if kind == "unittest.skipIf":
        if not (isinstance(asked, ast.UnaryOp) and isinstance(asked.op, ast.Not)):
            return False
        asked = asked.operand
    variable = asked_variable(asked, constants)
    return variable is not None and variable not in known


def python_skips(parsed, known):
    constants = constants_of(parsed)

    def skipped(node):
        return any(skips_always(d, constants, known) for d in node.decorator_list)

    for node in ast.walk(parsed):
        if not isinstance(node, ast.ClassDef):
            continue
        for test in (n for n in node.body if isinstance(n, ast.FunctionDef)):
            if test.name.startswith("test") and (skipped(node) or skipped(test)):
                yield from (f"{node.name}.{test.name}", test.name)


def needs_variable(text, constants):
    """X, if a test with `skip: text` is skipped exactly while X is not set."""
    negated = False
    for _ in range(8):
        text = text.strip()
        while text.startswith("!"):
            negated, text = not negated, text[1:].strip()
        found = VARIABLE.match(text)
        if found:
            return found.group(1) if negated else None
        if text not in constants:
            return None
        text = constants[text]
    return None


def script_skips(source, constants, known):
    own = {**constants, **dict(CONSTANT.findall(source.text))}
    for modifier, _, title, options in SCRIPT.findall(source.text):
        options = own.get(options, options)
        asked = re.search(r"\bskip(?::\s*([!\w.]+))?", options)
        condition = (asked.group(1) or "skip") if asked else ""
        variable = needs_variable(condition, own) if condition else None
        if modifier or condition == "true" or (variable and variable not in known):
            yield title


def skipped_tests(tree):
    """Names of the tests that never run."""
    known, names = variables_set(tree), set()
    scripts = [s for s in tree.sources.values() if s.suffix in (".ts", ".tsx", ".js", ".mjs")]
    exported = {name: value for source in scripts
                for name, value in EXPORTED.findall(source.text)}
    for source in scripts:
        names |= set(script_skips(source, exported, known))
    for source in tree.cpp():
        for joined in HIDDEN.findall(source.text):
            names.add("".join(STRING.findall(joined)).replace('\\"', '"').replace("\\\\", "\\"))
    for parsed in parsed_sources(tree):
        names |= set(python_skips(parsed, known))
    return names
