"""Proof that nothing of a reference's solution can be found in a handout.

Code is compared by what it does, not by how it is written. A function body becomes the sequence of
its statements, flattened, each as its syntax tree with the function's own variables numbered in the
order of their appearance; comments, layout, type hints and variable names make no difference. Every
window of three statements is a *shingle*, and no shingle of a hole's body may be in the handout.
Text that is not Python is searched for the lines of the body.

What this cannot tell: a body of one or two trivial statements (``return None``) has no shingle that
would not be everywhere; such holes are counted and named.
"""

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

WINDOW = 3
LEAST_NODES = 24
"""Syntax nodes of a shingle that say something; fewer are in any program."""

LEAST_LETTERS = 60
"""Letters of a run of lines in a text that say something."""

TEXT_ENDINGS = {".md", ".txt", ".rst", ".yaml", ".yml", ".json", ".jsonl", ".html", ".toml", ".js"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a hole in a reference.

    Attributes:
        lab: the lab's id.
        symbol: which hole.
        shingles: its shingles; none if it is too small to be told from other code.
        runs: runs of its lines, for texts.
    """

    lab: str
    symbol: str
    shingles: frozenset[str]
    runs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Leak:
    """A piece of a solution that is in a handout.

    Attributes:
        lab: the lab's id.
        symbol: the hole.
        file: where it was found.
        line: in which line it begins.
    """

    lab: str
    symbol: str
    file: Path
    line: int


def bodies(lab: str, source: str, symbols: Sequence[str]) -> list[Body]:
    """The bodies of some functions of a reference."""
    found = []
    for symbol, function in _functions(ast.parse(source)):
        if symbol in symbols:
            shingles = frozenset(shingle for shingle, _ in _shingles(function.body))
            found.append(Body(lab, symbol, shingles, frozenset(_runs(_lines_of(function)))))
    return found


def find_leaks(secret: Iterable[Body], files: Iterable[Path]) -> list[Leak]:
    """Where pieces of some bodies are found in files; each hole once per file."""
    secret = list(secret)
    by_shingle = {shingle: body for body in secret for shingle in body.shingles}
    by_run = {run: body for body in secret for run in body.runs}
    leaks: dict[tuple[str, str, Path], Leak] = {}
    for file in files:
        for body, line in _in_file(file, by_shingle, by_run):
            key = (body.lab, body.symbol, file)
            leaks.setdefault(key, Leak(body.lab, body.symbol, file, line))
    return list(leaks.values())


def _in_file(
    file: Path, by_shingle: dict[str, Body], by_run: dict[str, Body]
) -> Iterator[tuple[Body, int]]:
    text = _text(file)
    if text is None:
        return
    if file.suffix == ".py":
        for shingle, line in _python_shingles(text):
            if shingle in by_shingle:
                yield by_shingle[shingle], line
    lines = list(enumerate((_normal(line) for line in text.splitlines()), 1))
    kept = [(number, line) for number, line in lines if line]
    for place in range(len(kept)):
        run = "\n".join(line for _, line in kept[place : place + WINDOW])
        if run in by_run:
            yield by_run[run], kept[place][0]


def _text(file: Path) -> str | None:
    if file.suffix != ".py" and file.suffix not in TEXT_ENDINGS and file.suffix:
        return None
    if file.is_dir():  # whatever its name ends in
        return None
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def _python_shingles(text: str) -> Iterator[tuple[str, int]]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    yield from _shingles([each for each in tree.body if not _is_definition(each)])
    for _, function in _functions(tree):
        yield from _shingles(function.body)


def _functions(tree: ast.AST, scope: str = "") -> Iterator[tuple[str, Function]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{scope}.{node.name}" if scope else node.name
            if not isinstance(node, ast.ClassDef):
                yield name, node
            yield from _functions(node, name)
        else:
            yield from _functions(node, scope)


def _is_definition(node: ast.stmt) -> bool:
    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Import | ast.ImportFrom
    return isinstance(node, kinds)


def _shingles(body: Sequence[ast.stmt]) -> Iterator[tuple[str, int]]:
    """Windows of a body's statements; a shorter body is one window."""
    statements = [each for each in _flat(body) if not _is_text(each)]
    for place in range(max(1, len(statements) - WINDOW + 1)):
        window = statements[place : place + WINDOW]
        heads = [_head(each) for each in window]
        if sum(1 for head in heads for _ in ast.walk(head)) >= LEAST_NODES:
            yield _digest(heads), window[0].lineno


def _flat(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements in the order in which they stand, those inside others after their heads."""
    for statement in body:
        yield statement
        for name in ("body", "orelse", "finalbody"):
            yield from _flat(getattr(statement, name, []))
        for part in (*getattr(statement, "handlers", []), *getattr(statement, "cases", [])):
            yield from _flat(part.body)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _head(statement: ast.stmt) -> ast.stmt:
    """A statement without the statements inside it."""
    fields = {name: getattr(statement, name) for name in statement._fields}
    for name in ("body", "orelse", "finalbody", "handlers", "cases", "annotation", "returns"):
        if name in fields and isinstance(fields[name], list | ast.expr):
            fields[name] = [] if isinstance(fields[name], list) else None
    return type(statement)(**fields)


def _digest(heads: Sequence[ast.stmt]) -> str:
    """Equal for statements that differ in the names of variables alone."""
    numbers: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        return f"Name(id={numbers.setdefault(found[1], len(numbers))}"

    dumped = "\n".join(ast.dump(head, annotate_fields=True) for head in heads)
    dumped = re.sub(r"Name\(id='(\w+)'", numbered, dumped)
    return hashlib.sha256(dumped.encode()).hexdigest()


def _lines_of(function: Function) -> list[str]:
    body = [each for each in function.body if not _is_text(each)]
    return [_normal(line) for each in body for line in ast.unparse(each).splitlines()]


def _runs(lines: list[str]) -> Iterator[str]:
    for place in range(len(lines) - WINDOW + 1):
        run = "\n".join(lines[place : place + WINDOW])
        if len(re.sub(r"\W", "", run)) >= LEAST_LETTERS:
            yield run


def _normal(line: str) -> str:
    """A line of code or text without what quoting and layout add."""
    return re.sub(r"\s+", " ", line.strip().lstrip(">|`").strip()).replace('"', "'")
