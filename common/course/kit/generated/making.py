"""All mutants of a lab's exercises, in the order of the manifest and of the lines."""

import difflib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import libcst as cst
from libcst.metadata import (
    ExpressionContext,
    ExpressionContextProvider,
    MetadataWrapper,
    ParentNodeProvider,
    PositionProvider,
)

from common.course.base.course import Course
from common.course.base.holes import parse
from common.course.base.lab import Lab
from common.course.kit.generated import conditions, exchanges, statements
from common.course.kit.generated.changes import Change, Operator
from common.course.kit.generated.naming import code_of, name_of, plain
from common.course.kit.generated.simplified import fingerprint
from common.course.kit.generated.surroundings import Classes, Surroundings
from common.values.errors import BadInput

OPERATORS: tuple[Operator, ...] = (
    statements.statement_left_out, statements.timer_left_out,
    statements.loop_changed, statements.case_left_out, conditions.condition_fixed,
    conditions.condition_left_out, conditions.and_or_exchanged, conditions.comparison_moved,
    conditions.not_dropped, exchanges.function_exchanged, exchanges.first_last,
    exchanges.own_other, exchanges.truth_exchanged, exchanges.bound_moved,
    exchanges.copy_left_out, statements.early_return,
)  # fmt: skip
"""Of two changes that come to the same, the first operator's stays."""

KNOWLEDGE = (ParentNodeProvider, ExpressionContextProvider, PositionProvider)

CONTEXT_LINES = 2


@dataclass(frozen=True, slots=True)
class Generated:
    """One generated mutant.

    Attributes:
        id: ``Acceptor.prepared:save-left-out:promised-ballot-3fa1``: the exercise, what is done, to
            what. The four digits stand for the changed code, so the id stays when other lines
            change, and goes when this code does: an explanation is of this code and no other.
        lab: the lab's id.
        file: relative to the lab's room.
        exercise: its name in the manifest.
        kind: what is done.
        line: where, in the file.
        what: one sentence without the line.
        source: the text of the whole file, as it is.
        module: the file.
        function: the exercise in it.
        changed: the exercise with the change.
    """

    id: str
    lab: str
    file: str
    exercise: str
    kind: str
    line: int
    what: str
    source: str
    module: cst.Module
    function: cst.FunctionDef
    changed: cst.FunctionDef

    def text(self) -> str:
        """The whole file with the change."""
        changed = self.module.deep_replace(self.function, self.changed)
        return cast(cst.Module, changed).code

    def diff(self) -> str:
        """The change, as ``diff -u`` has it."""
        before, after = self.source.splitlines(), self.text().splitlines()
        lines = difflib.unified_diff(
            before, after, self.file, self.file, n=CONTEXT_LINES, lineterm=""
        )
        return "\n".join(lines)


def generate(course: Course, lab: Lab) -> list[Generated]:
    """All mutants of a lab, each once.

    Raises:
        BadInput: a file is not Python, or the manifest names a symbol that is not in it.
    """
    room = course.room_of(lab)
    sources = {file.path: (room / file.path).read_text(encoding="utf-8") for file in lab.files}
    classes = Classes(sources.values())
    files = {
        path: SourceFile(path, sources[path], classes) for path in {hole.file for hole in lab.holes}
    }
    made: list[Generated] = []
    used: Counter[str] = Counter()
    for hole in lab.holes:
        for mutant in files[hole.file].mutants(lab.id, hole.symbol, hole.name):
            used[mutant.id] += 1
            again = f"-{used[mutant.id]}" if used[mutant.id] > 1 else ""
            made.append(replace(mutant, id=mutant.id + again))
    return made


class SourceFile:
    """A file of a lab, with what libcst knows about its nodes.

    Args:
        path: relative to the lab's room.
        source: its text.
        classes: those of the lab.
    """

    def __init__(self, path: str, source: str, classes: Classes) -> None:
        self._path = path
        wrapper = MetadataWrapper(parse(source), unsafe_skip_copy=True)
        self._source = source
        self._module = wrapper.module
        self._classes = classes
        wrapper.resolve_many(KNOWLEDGE)  # all at once; below they are known
        self._parents = wrapper.resolve(ParentNodeProvider)
        self._contexts = wrapper.resolve(ExpressionContextProvider)
        positions = wrapper.resolve(PositionProvider)
        self._lines = {node: found.start.line for node, found in positions.items()}
        self._functions = _Functions()
        self._module.visit(self._functions)

    def mutants(self, lab: str, symbol: str, exercise: str) -> Iterator[Generated]:
        """The mutants of one exercise of a lab."""
        functions = self._functions.found.get(symbol)
        if functions is None:
            raise BadInput(f"lab {lab}: {self._path} has no function {symbol}: was it renamed?")
        for function in functions:
            seen = {fingerprint(code_of(function))}
            around = self._around(symbol, function)
            for change in self._changes(around):
                changed = cast(cst.FunctionDef, function.deep_replace(change.old, change.new))
                mark = fingerprint(code_of(changed))
                if mark not in seen:
                    seen.add(mark)
                    name = name_of(change, around)
                    yield Generated(
                        f"{exercise}:{name.id}", lab, self._path, exercise, change.kind,
                        self._lines[change.place], name.what, self._source, self._module, function,
                        changed,
                    )  # fmt: skip

    def _changes(self, around: Surroundings) -> list[Change]:
        """What all operators give, in the order of the lines."""
        places = _Places()
        around.function.visit(places)
        changes = [
            (self._lines[change.place], number, change)
            for node in places.nodes
            for number, operate in enumerate(OPERATORS)
            for change in operate(node, around)
        ]
        return [change for *_, change in sorted(changes, key=lambda found: found[:2])]

    def _around(self, symbol: str, function: cst.FunctionDef) -> Surroundings:
        owner = symbol.rpartition(".")[0].rpartition(".")[2]
        parameters = _parameters(function)
        inside = _Names()
        function.body.visit(inside)
        bound = tuple(
            (self._lines[name], name.value)
            for name in inside.names
            if self._contexts.get(name) is ExpressionContext.STORE
        )
        return Surroundings(
            function, self._parents, self._contexts, self._classes.types_of(owner), parameters,
            self._classes, bound, self._lines,
        )  # fmt: skip


class _Functions(cst.CSTVisitor):
    """The functions of a file, by symbol."""

    def __init__(self) -> None:
        super().__init__()
        self._scope: list[str] = []
        self.found: dict[str, list[cst.FunctionDef]] = {}

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Note where we are, and what is there."""
        if isinstance(node, cst.ClassDef | cst.FunctionDef):
            self._scope.append(node.name.value)
        if isinstance(node, cst.FunctionDef):
            self.found.setdefault(".".join(self._scope), []).append(node)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        """Out of a class or a function."""
        if isinstance(original_node, cst.ClassDef | cst.FunctionDef):
            self._scope.pop()


class _Places(cst.CSTVisitor):
    """The nodes of a function that are worth a change.

    Texts for people are not: what ``note``, ``raise``, ``assert`` and an f-string have in them. Nor
    is a signature, which belongs to the handout.
    """

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[cst.CSTNode] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Note a node, and say whether to go on into it."""
        match node:
            case cst.Parameters() | cst.Decorator() | cst.Annotation() | cst.FormattedString():
                return False
            case cst.Assert():
                return False
            case cst.SimpleStatementLine(body=[cst.Assert()]):
                return False
            case cst.SimpleStatementLine(body=[cst.Expr(value=told)]):
                if statements.called(told) == "self.note":
                    return False
        self.nodes.append(node)
        return not isinstance(node, cst.Raise)


class _Names(cst.CSTVisitor):
    """All names in a piece of code."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[cst.Name] = []

    def visit_Name(self, node: cst.Name) -> None:  # noqa: N802
        """Note it."""
        self.names.append(node)


def _parameters(function: cst.FunctionDef) -> dict[str, str]:
    """The parameters of a function but for ``self``, with their types."""
    every = (
        *function.params.posonly_params,
        *function.params.params,
        *function.params.kwonly_params,
    )
    return {
        each.name.value: "" if each.annotation is None else plain(each.annotation.annotation)
        for each in every
        if each.name.value != "self"
    }
