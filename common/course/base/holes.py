"""Holes: handouts are made from the references, so that there is only one copy of each lab.

A hole is a function or a method whose body is replaced by ``raise NotImplementedError``. Its
signature, its decorators, its docstring and the comments above it stay: the docstring is the
specification. Everything else in the file stays as it is, imports included, even those that only
a removed body used: who writes that body again needs them.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import cast

import libcst as cst

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.base.symbols import open_holes
from common.values.errors import BadInput

_NOT_WRITTEN = cst.SimpleStatementLine([cst.Raise(cst.Name("NotImplementedError"))])


def strip(source: str, symbols: Sequence[str]) -> str:
    """Take the bodies of functions and methods out of a file.

    Args:
        source: the file's text.
        symbols: ``function`` or ``Class.method``; of a name that is defined several times in one
            place (overloads, a property and its setter) every definition is emptied.

    Returns:
        The file with holes; layout and comments outside of them are untouched.

    Raises:
        BadInput: there is no such function or method in it, or it is not Python.
    """
    return _stripped(source, tuple(symbols))


@lru_cache(maxsize=256)
def _stripped(source: str, symbols: tuple[str, ...]) -> str:
    """The same; a run asks for the same handouts again and again."""
    emptying = _Emptying(symbols)
    module = parse(source).visit(emptying)
    absent = [symbol for symbol in symbols if symbol not in emptying.found]
    if absent:
        raise BadInput(f"there is no function or method {absent[0]}: was it renamed?")
    return module.code


def handout(course: Course, lab: Lab, part: str | None = None) -> dict[str, str]:
    """The files of a lab as a student gets them.

    Args:
        course: where the lab belongs.
        lab: which lab.
        part: the id of the part whose holes are open, the other parts are supplied; None opens
            all holes of the lab.

    Returns:
        By path relative to the repository (``stage4_consensus/raft/log.py``), the text of each of
        the lab's files, also of those without a hole.

    Raises:
        BadInput: the manifest names a symbol that is not in its file, or there is no such part.
    """
    opened = open_holes(lab, part)
    texts = {}
    for file in lab.files:
        path = lab.path(file.path)
        source = (course.root / path).read_text(encoding="utf-8")
        symbols = [hole.symbol for hole in opened if hole.file == file.path]
        try:
            texts[path] = strip(source, symbols) if symbols else source
        except BadInput as error:
            raise BadInput(f"lab {lab.id}: a hole in {file.path}: {error}") from None
    return texts


def fill(source: str, reference: str, symbols: Sequence[str]) -> str:
    """Put a reference's functions in the place of those of the same name.

    Args:
        source: the file's text.
        reference: the text of the reference's file.
        symbols: which functions; those that are not in both files are left as they are.
    """
    wanted = _Collecting(symbols)
    parse(reference).visit(wanted)
    return parse(source).visit(_Filling(wanted.found)).code


def parse(source: str) -> cst.Module:
    """A file as libcst has it.

    Raises:
        BadInput: it is not Python; the text names the line.
    """
    try:
        return cst.parse_module(source)
    except cst.ParserSyntaxError as error:
        raise BadInput(f"line {error.raw_line}: this is not Python") from None


class _Scoped(cst.CSTTransformer):
    """Hands each function to :meth:`function`, with its symbol."""

    def __init__(self) -> None:
        super().__init__()
        self._scope: list[str] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Note where we are."""
        if isinstance(node, cst.ClassDef | cst.FunctionDef):
            self._scope.append(node.name.value)
        return True

    def on_leave(
        self, original_node: cst.CSTNodeT, updated_node: cst.CSTNodeT
    ) -> cst.CSTNodeT | cst.RemovalSentinel | cst.FlattenSentinel[cst.CSTNodeT]:
        """Let a function be replaced."""
        if not isinstance(original_node, cst.ClassDef | cst.FunctionDef):
            return updated_node
        symbol = ".".join(self._scope)
        self._scope.pop()
        if isinstance(updated_node, cst.FunctionDef):
            return cast(cst.CSTNodeT, self.function(symbol, updated_node))
        return updated_node

    def function(self, symbol: str, node: cst.FunctionDef) -> cst.FunctionDef:
        """What stands in a function's place."""
        return node


class _Emptying(_Scoped):
    """Replaces the bodies of named functions; remembers which of them it has met."""

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__()
        self._symbols = frozenset(symbols)
        self.found: set[str] = set()

    def function(self, symbol: str, node: cst.FunctionDef) -> cst.FunctionDef:
        """Empty a function that is wanted."""
        if symbol not in self._symbols:
            return node
        self.found.add(symbol)
        return node.with_changes(body=_emptied(node.body))


class _Collecting(_Scoped):
    """Collects named functions."""

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__()
        self._symbols = frozenset(symbols)
        self.found: dict[str, cst.FunctionDef] = {}

    def function(self, symbol: str, node: cst.FunctionDef) -> cst.FunctionDef:
        """Keep it, and change nothing."""
        if symbol in self._symbols:
            self.found[symbol] = node
        return node


class _Filling(_Scoped):
    """Replaces functions by others of the same names; the comments above them stay."""

    def __init__(self, functions: Mapping[str, cst.FunctionDef]) -> None:
        super().__init__()
        self._functions = functions

    def function(self, symbol: str, node: cst.FunctionDef) -> cst.FunctionDef:
        """Put the other function there, if there is one."""
        other = self._functions.get(symbol)
        return node if other is None else other.with_changes(leading_lines=node.leading_lines)


def _emptied(body: cst.BaseSuite) -> cst.IndentedBlock:
    match body:
        case cst.IndentedBlock(body=[first, *_], header=header) if _is_docstring(first):
            return cst.IndentedBlock([first, _NOT_WRITTEN], header=header)
    return cst.IndentedBlock([_NOT_WRITTEN])


def _is_docstring(statement: cst.BaseStatement) -> bool:
    match statement:
        case cst.SimpleStatementLine(body=[cst.Expr(value=told)]):
            return isinstance(told, cst.SimpleString | cst.ConcatenatedString)
    return False
