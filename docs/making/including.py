"""Code by symbol: docs never paste code, so what they show is what runs.

A fence whose info string is ``include FILE SYMBOL ...`` gets the definitions as its body, with
their decorators and docstrings. A symbol is a class, a function, a constant, or a method:
``Election.campaign``.
"""

import ast
from pathlib import Path
from textwrap import dedent

from common.course.base.course import ROOT
from common.values.errors import BadInput


def include(file: str, symbols: tuple[str, ...], root: Path = ROOT) -> str:
    """The definitions, one below the other, as a fenced block.

    Raises:
        BadInput: there is no such file, or no such symbol in it.
    """
    path = root / file
    if not path.is_file():
        raise BadInput(f"there is no file {file} from which to include code")
    if not symbols:
        raise BadInput(f"say which symbols of {file} to include")
    text = path.read_text(encoding="utf-8")
    found = definitions(text)
    for symbol in symbols:
        if symbol not in found:
            raise BadInput(f"{file} has no {symbol}: was it renamed?")
    code = "\n\n".join(_lines(text, found[symbol]) for symbol in symbols)
    return f'```python title="{file}"\n{code}\n```'


def definitions(text: str) -> dict[str, ast.stmt]:
    """The classes, functions, methods and constants of a file, by symbol."""
    found: dict[str, ast.stmt] = {}

    def look(body: list[ast.stmt], prefix: str) -> None:
        for statement in body:
            match statement:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                    found[prefix + name] = statement
                case ast.AsyncFunctionDef(name=name):
                    found[prefix + name] = statement
                case ast.Assign(targets=[ast.Name(id=name)]):
                    found[prefix + name] = statement
                case ast.AnnAssign(target=ast.Name(id=name)):
                    found[prefix + name] = statement
            if isinstance(statement, ast.ClassDef):
                look(statement.body, f"{prefix}{statement.name}.")

    look(ast.parse(text).body, "")
    return found


def _lines(text: str, statement: ast.stmt) -> str:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(each.lineno for each in decorators)])
    return dedent("\n".join(text.splitlines()[first - 1 : statement.end_lineno]))
