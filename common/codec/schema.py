"""The schema: which classes may cross a wire, by name.

A message is named by its class alone, so a name must mean one class. Everything else a codec needs
(fields, types, defaults) it reads off the dataclass; nothing is declared twice.
"""

import enum
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any, NewType, get_args

from common.contract.kinds import declared_in, field_types, kind_of
from common.contract.node import Node
from common.contract.wrapped import InnerKey
from common.values.errors import ContractError


class Schema:
    """The classes that two ends have agreed to exchange.

    Args:
        kinds: classes declared with ``@message``, ``@timer``, ``@operation`` or ``@record``; any
            other frozen dataclass with plain fields, and enums, are taken as well. Whatever their
            fields refer to is included, recursively.

    Raises:
        ContractError: two different classes have one name, or a class cannot cross a wire.
    """

    def __init__(self, kinds: Iterable[type]) -> None:
        self._kinds: dict[str, type] = {}
        self._enums: dict[str, type[enum.Enum]] = {}
        for kind in kinds:
            self._add(kind)

    @classmethod
    def of(cls, *nodes: type[Node]) -> "Schema":
        """The schema of protocols: all that their handlers take and their modules can name.

        These are the classes that the modules of the node classes (and of their base classes)
        declare or import: what a protocol file can write down, it can send. Classes declared
        within a function count only where a handler takes them or a field refers to them. What
        their ``subnodes`` exchange is included.
        """
        found: dict[type, None] = {}
        for node in _with_subnodes(nodes):
            for base in node.__mro__:
                if base is object or base is Node:
                    continue
                found |= dict.fromkeys(_found_in(base.__module__))
            found |= dict.fromkeys(node._handlers)
            if node.subnodes:
                found[InnerKey] = None
        return cls(found)

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
        name = kind.__name__
        return name if self._kinds.get(name) is kind or self._enums.get(name) is kind else None

    def __contains__(self, kind: type) -> bool:
        return self.name_of(kind) is not None

    def __or__(self, other: "Schema | Iterable[type]") -> "Schema":
        """A schema of the classes of both."""
        more = other._all() if isinstance(other, Schema) else other
        return Schema([*self._all(), *more])

    def add(self, kind: type) -> None:
        """Take one more class in, with whatever its fields refer to. Raises: ContractError."""
        self._add(kind)

    def _all(self) -> list[type]:
        return [*self._kinds.values(), *self._enums.values()]

    def _add(self, kind: Any) -> None:
        name = kind.__name__
        there = self._kinds.get(name) or self._enums.get(name)
        if there is kind:
            return
        if there is not None:
            raise ContractError(
                f"two classes are called {name}, one in {there.__module__} and one in "
                f"{kind.__module__}: on a wire a class is known by its name alone, so rename one"
            )
        if issubclass(kind, enum.Enum):
            self._enums[name] = kind
            return
        _check_dataclass(kind)
        self._kinds[name] = kind
        for annotation in field_types(kind).values():
            for inner in _classes_in(annotation):
                self._add(inner)


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
