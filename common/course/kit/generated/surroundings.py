"""What is known about the place of a change: its function, its class, the types of its names."""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import libcst as cst
from libcst.metadata import ExpressionContext

NODE_ID = "NodeId"
"""The type of the names of nodes; a parameter of this type names somebody else."""

UNKNOWN = ""
"""The type of an attribute of which nothing says the type."""


@dataclass(slots=True)
class Attributes:
    """The attributes of one class, with their types as they are written.

    Attributes:
        bases: the names of the classes that it extends.
        types: by attribute; ``UNKNOWN`` where no type is written.
    """

    bases: tuple[str, ...] = ()
    types: dict[str, str] = field(default_factory=dict)


class Classes:
    """The classes of a lab's files.

    Args:
        sources: the texts of the files.
    """

    def __init__(self, sources: Iterable[str]) -> None:
        self._known: dict[str, Attributes] = {}
        for source in sources:
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.ClassDef):
                    self._known[node.name] = _attributes(node)

    def types_of(self, name: str) -> dict[str, str]:
        """The attributes of a class and of those that it extends, as far as they are of the lab."""
        found: dict[str, str] = {}
        todo, seen = [name], {name}
        while todo:
            attributes = self._known.get(todo.pop(0))
            if attributes is None:
                continue
            for attribute, written in attributes.types.items():
                found[attribute] = found.get(attribute) or written
            todo += [base for base in attributes.bases if base not in seen]
            seen.update(attributes.bases)
        return found


def _attributes(node: ast.ClassDef) -> Attributes:
    bases = tuple(base.id for base in node.bases if isinstance(base, ast.Name))
    found = Attributes(bases)
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=written):
                found.types[name] = ast.unparse(written)
            case ast.FunctionDef():
                _assigned(statement, found.types)
    return found


def _assigned(method: ast.FunctionDef, types: dict[str, str]) -> None:
    """Note the attributes of ``self`` that a method assigns to."""
    arguments = [*method.args.args, *method.args.kwonlyargs]
    parameters = {
        each.arg: ast.unparse(each.annotation) for each in arguments if each.annotation is not None
    }
    for node in ast.walk(method):
        match node:
            case ast.AnnAssign(
                target=ast.Attribute(value=ast.Name(id="self"), attr=name), annotation=written
            ):
                types[name] = ast.unparse(written)
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value
            ):
                types[name] = types.get(name) or _type_of(value, parameters)


def _type_of(value: ast.expr, parameters: Mapping[str, str]) -> str:
    match value:
        case ast.Name(id=name):
            return parameters.get(name, UNKNOWN)
        case ast.Constant(value=bool() | int() | str() | bytes() as constant):
            return type(constant).__name__
    return UNKNOWN


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an operator may ask about the function that it changes.

    Attributes:
        function: the function.
        parents: of each node of the file.
        contexts: whether an expression is read or assigned to.
        own: the attributes of the class, with their types.
        parameters: the types of the parameters.
        classes: those of the lab.
        bound: each assignment to a local variable: its line, and the name.
        lines: of the nodes of the file.
    """

    function: cst.FunctionDef
    parents: Mapping[cst.CSTNode, cst.CSTNode]
    contexts: Mapping[cst.CSTNode, ExpressionContext | None]
    own: Mapping[str, str]
    parameters: Mapping[str, str]
    classes: Classes
    bound: tuple[tuple[int, str], ...]
    lines: Mapping[cst.CSTNode, int]

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The node around a node."""
        return self.parents.get(node)

    def whole(self, node: cst.CSTNode) -> cst.CSTNode:
        """The statement of which an expression is a part; of ``if c:`` and the like only ``c``."""
        above = self.parents[node]
        while not isinstance(above, cst.BaseStatement | cst.MatchCase):
            node, above = above, self.parents[above]
        return node

    def is_read(self, node: cst.CSTNode) -> bool:
        """Whether this is a value that is used, not a place that is assigned to."""
        if self.contexts.get(node) is not ExpressionContext.LOAD:
            return False
        around = self.parent(node)
        while isinstance(around, cst.Attribute | cst.Subscript):  # self.log in self.log[2] = x
            if self.contexts.get(around) is not ExpressionContext.LOAD:
                return False
            around = self.parent(around)
        return True

    def is_bound_before(self, name: str, node: cst.CSTNode) -> bool:
        """Whether a local variable has a value already above this node."""
        if name in self.parameters:
            return True
        return any(other == name and line < self.lines[node] for line, other in self.bound)

    @property
    def returns_nothing(self) -> bool:
        """Whether the function is one that only does something."""
        match self.function.returns:
            case cst.Annotation(annotation=cst.Name("None")):
                return True
        return False

    @property
    def others(self) -> tuple[str, ...]:
        """The parameters that name nodes, the sender first."""
        named = [name for name, written in self.parameters.items() if written == NODE_ID]
        return tuple(sorted(named, key=lambda name: name != "sender"))

    def fields_of(self, parameter: str) -> dict[str, str]:
        """The attributes that a parameter certainly has, with their types."""
        each = [
            self.classes.types_of(name.strip())
            for name in self.parameters.get(parameter, UNKNOWN).split("|")
        ]
        shared = set(each[0]).intersection(*each[1:])
        return {name: each[0][name] for name in sorted(shared)}


def alike(one: str, other: str) -> bool:
    """Whether two types may be the same, as far as they are known."""
    return one == other or UNKNOWN in (one, other)
