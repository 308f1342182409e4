"""The schema: which classes may cross a wire, by name.

A class has its own name there, with as much of its module's in front as tells it from another one
(:mod:`common.contract.names`). Everything else a codec needs (fields, types, defaults) it reads off
the dataclass; nothing is declared twice.
"""

import enum
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any, NewType, get_args

from common.contract.kinds import declared_in, field_types, kind_of
from common.contract.names import full_name, shortest_names
from common.contract.node import Node
from common.contract.wrapped import InnerKey
from common.values.errors import ContractError


class Schema:
    """The classes that two ends have agreed to exchange.

    Args:
        kinds: classes declared with ``@message``, ``@timer``, ``@operation`` or ``@record``; any
            other frozen dataclass with plain fields, and enums, are taken as well. Whatever their
            fields refer to is included, recursively.
        expected: full names of classes that are to be added later. The names of all are chosen as
            if they were here already.

    Raises:
        ContractError: two different classes have one full name, or a class cannot cross a wire.
    """

    def __init__(self, kinds: Iterable[type], expected: Iterable[str] = ()) -> None:
        self._expected = tuple(expected)
        self._classes: dict[str, type] = {}  # by full name, in the order in which they were found
        self._names: dict[type, str] = {}
        self._kinds: dict[str, type] = {}
        self._enums: dict[str, type[enum.Enum]] = {}
        for kind in kinds:
            self._take(kind)
        self._name_new(self._expected)

    @classmethod
    def of(cls, *nodes: type[Node]) -> "Schema":
        """The schema of protocols; see :func:`classes_of`."""
        return cls(classes_of(*nodes))

    @property
    def kinds(self) -> Mapping[str, type]:
        """The dataclasses by name, in the order in which they were found."""
        return MappingProxyType(self._kinds)

    @property
    def enums(self) -> Mapping[str, type[enum.Enum]]:
        """The enums by name, in the order in which they were found."""
        return MappingProxyType(self._enums)

    def name_of(self, kind: type) -> str | None:
        """The name under which ``kind`` is in the schema, or None where it is not."""
        return self._names.get(kind)

    def __contains__(self, kind: type) -> bool:
        return kind in self._names

    def __or__(self, other: "Schema | Iterable[type]") -> "Schema":
        """A schema of the classes of both, where those of this one keep their names."""
        made = Schema((), self._expected)
        made._classes, made._names = dict(self._classes), dict(self._names)
        for kind in other._classes.values() if isinstance(other, Schema) else other:
            made._take(kind)
        made._name_new(self._expected)
        return made

    def as_in(self, other: "Schema") -> "Schema":
        """A schema of the same classes, where those that ``other`` has too are called as there.

        A client knows other classes than the servers do; so it takes over the servers' names.
        """
        made = Schema(())
        made._classes = dict(self._classes)
        made._names = {kind: name for kind, name in other._names.items() if kind in self}
        made._name_new(other._classes)
        return made

    def add(self, kind: type) -> None:
        """Take one more class in, with whatever its fields refer to. Raises: ContractError."""
        self._take(kind)
        self._name_new(self._expected)

    def _take(self, kind: Any) -> None:
        name = full_name(kind)
        there = self._classes.get(name)
        if there is kind:
            return
        if there is not None:
            raise ContractError(
                f"there are two classes {name}, and nothing tells them apart on a wire: rename one"
            )
        is_enum = issubclass(kind, enum.Enum)
        if not is_enum:
            _check_dataclass(kind)
        self._classes[name] = kind
        for annotation in () if is_enum else field_types(kind).values():
            for inner in _classes_in(annotation):
                self._take(inner)

    def _name_new(self, others: Iterable[str]) -> None:
        """Name the classes that have no name yet, and tell them from the ``others`` as well."""
        names = shortest_names([*self._classes, *others])
        for full, kind in self._classes.items():
            name = self._names.setdefault(kind, names[full])
            if issubclass(kind, enum.Enum):
                self._enums[name] = kind
            else:
                self._kinds[name] = kind


def classes_of(*nodes: type[Node]) -> list[type]:
    """What protocols exchange and save: all that their handlers take and their modules can name.

    These are the classes that the modules of the node classes (and of their base classes) declare
    or import: what a protocol file can write down, it can send. What it handles without writing it
    down, such as an application's commands in a log, the node class names: ``carries = (Get,
    Put)``. Classes declared within a function count only where a handler takes them, ``carries``
    names them or a field refers to them. What ``subnodes`` exchange is included.
    """
    found: dict[type, None] = {}
    for node in _with_subnodes(nodes):
        for base in node.__mro__:
            if base is object or base is Node:
                continue
            found |= dict.fromkeys(_found_in(base.__module__))
            found |= dict.fromkeys(vars(base).get("carries", ()))
        found |= dict.fromkeys(node._handlers)
        if node.subnodes:
            found[InnerKey] = None
    return list(found)


def _with_subnodes(nodes: Iterable[type[Node]]) -> list[type[Node]]:
    """The classes, and those of the nodes within them, at any depth."""
    found: dict[type[Node], None] = {}
    waiting = list(nodes)
    while waiting:
        node = waiting.pop(0)
        if node not in found:
            found[node] = None
            waiting += node.subnodes
    return list(found)


def _found_in(module: str) -> list[type]:
    """The declared classes and the enums that ``module`` makes or has a name for."""
    made = [kind for kind in declared_in(module) if "<locals>" not in kind.__qualname__]
    names = vars(sys.modules[module]) if module in sys.modules else {}
    named = [
        value
        for value in names.values()
        if isinstance(value, type)
        and (kind_of(value) or (issubclass(value, enum.Enum) and value.__module__ == module))
    ]
    return made + named


def _check_dataclass(kind: Any) -> None:
    parameters = getattr(kind, "__dataclass_params__", None)
    if parameters is None or not parameters.frozen:
        raise ContractError(
            f"{kind.__module__}.{kind.__name__} cannot cross a wire: declare it with @message, "
            "@timer, @operation or @record"
        )
    for field in fields(kind):
        if not field.init:
            raise ContractError(
                f"{kind.__module__}.{kind.__name__}: field {field.name!r} is not an argument of "
                "the class, so a receiver could not set it: compute it in a property"
            )


def _classes_in(annotation: Any) -> list[type]:
    """The dataclasses and enums that a field's type refers to, at any depth."""
    if isinstance(annotation, NewType):
        return _classes_in(annotation.__supertype__)
    if isinstance(annotation, enum.Enum):  # a member within a Literal
        return [type(annotation)]
    if isinstance(annotation, type) and (is_dataclass(annotation) or _is_enum(annotation)):
        return [annotation]
    return [inner for part in get_args(annotation) for inner in _classes_in(part)]


def _is_enum(annotation: type) -> bool:
    return issubclass(annotation, enum.Enum)
