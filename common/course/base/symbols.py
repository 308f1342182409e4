"""What is in a lab's files: functions and methods by symbol, and which of them are still holes.

Nothing is changed here; :mod:`common.course.base.holes` does that, and takes longer to import.
"""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import dedent

from common.course.base.lab import Hole, Lab
from common.values.errors import BadInput


def open_holes(lab: Lab, part: str | None = None) -> list[Hole]:
    """The holes of one part of a lab, or all of them.

    Raises:
        BadInput: the lab has no such part; the text lists those that it has.
    """
    return list(lab.holes if part is None else lab.part(part).holes)


def unwritten(source: str, symbols: Sequence[str]) -> list[str]:
    """Which of these functions are still holes.

    Args:
        source: the file's text.
        symbols: ``function`` or ``Class.method``; those that are not in the file are left out.

    Raises:
        BadInput: the file is not Python; the text names the line.
    """
    bodies = functions(source)
    return [symbol for symbol in symbols if _is_hole(bodies.get(symbol, []))]


def is_handout(room: Path, lab: Lab) -> bool:
    """Whether a lab's files in the course are full of holes themselves, as in a released course."""
    hole = lab.holes[0]
    return bool(unwritten((room / hole.file).read_text(encoding="utf-8"), [hole.symbol]))


def missing(source: str, symbols: Sequence[str]) -> list[str]:
    """Which of these functions are not in the file, renamed perhaps; errors as above."""
    there = functions(source)
    return [symbol for symbol in symbols if symbol not in there]


def definition(source: str, symbol: str) -> str:
    """The text of one function or method, with its decorators.

    Raises:
        BadInput: it is not there.
    """
    found = _definitions(source).get(symbol)
    if found is None:
        raise BadInput(f"there is no function or method {symbol}: was it renamed?")
    first = min([found.lineno, *(decorator.lineno for decorator in found.decorator_list)])
    return dedent("\n".join(source.splitlines()[first - 1 : found.end_lineno])) + "\n"


def functions(source: str) -> dict[str, list[ast.stmt]]:
    """The bodies of all functions and methods of a file, by symbol.

    Raises:
        BadInput: the file is not Python; the text names the line.
    """
    return {symbol: found.body for symbol, found in _definitions(source).items()}


def defined(
    node: ast.AST, prefix: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The functions and methods below a node of syntax, by symbol."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + child.name, child
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from defined(child, f"{prefix}{child.name}.")


def _definitions(source: str) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    try:
        return dict(defined(ast.parse(source)))
    except SyntaxError as error:
        raise BadInput(f"line {error.lineno}: {error.msg}") from None


def _is_hole(body: list[ast.stmt]) -> bool:
    match body:
        case [ast.Raise(exc=raised)] | [ast.Expr(ast.Constant(str())), ast.Raise(exc=raised)]:
            made = raised.func if isinstance(raised, ast.Call) else raised
            return isinstance(made, ast.Name) and made.id == "NotImplementedError"
    return False
