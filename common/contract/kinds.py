"""The five kinds of value that cross a node's door, declared by decorators.

``@message`` travels between nodes, ``@timer`` comes back to the node that set it, ``@operation``
comes from a client, ``@delivery`` goes from a subnode to the node around it, ``@record`` is a part
of one of these or of what is saved. All are frozen, slotted dataclasses whose fields cannot change:
what one node sent, no other node may see change.
"""

import enum
import types
from collections.abc import Container, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import (
    Any,
    Literal,
    NewType,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from common.values.errors import ContractError

T = TypeVar("T")

MESSAGE, TIMER, OPERATION, DELIVERY, RECORD = "message", "timer", "operation", "delivery", "record"

kinds: dict[type, str] = {}
"""Every declared class with its kind: ``MESSAGE``, ``TIMER`` and so on."""

_ATOMS = (bool, int, float, str, bytes, type(None))
_ATOM_CLASSES = frozenset(_ATOMS)


def _declare(cls: type[T], kind: str) -> type[T]:
    own_init = "__init__" in vars(cls)
    made = dataclass(frozen=True, slots=True)(cls)
    if not own_init:
        _make_quickly(made)
    kinds[made] = kind
    return made


def _make_quickly(cls: Any) -> None:
    """Give a class an ``__init__`` that does the same as the one it has, in half the time.

    A frozen dataclass fills its fields by ``object.__setattr__``, which looks for each slot by its
    name. Here each slot's own setter is called. Values are made with each message, so it counts.
    What has fields of other kinds than the usual one keeps what ``dataclass`` has made.
    """
    parts = fields(cls)
    usual = all(
        each.init and not each.kw_only and each.default_factory is MISSING and each.name != "self"
        for each in parts
    )
    if not parts or not usual or hasattr(cls, "__post_init__"):
        return
    names: dict[str, Any] = {}
    arguments, lines = ["self"], []
    for number, each in enumerate(parts):
        names[f"_{number}_set"] = getattr(cls, each.name).__set__
        names[f"_{number}_default"] = each.default
        default = "" if each.default is MISSING else f"=_{number}_default"
        arguments.append(each.name + default)
        lines.append(f"    _{number}_set(self, {each.name})")
    exec("\n".join([f"def __init__({', '.join(arguments)}):", *lines]), names)
    quick, slow = names["__init__"], cls.__init__
    quick.__qualname__, quick.__module__ = slow.__qualname__, slow.__module__
    quick.__annotations__ = slow.__annotations__
    cls.__init__ = quick


@dataclass_transform(frozen_default=True)
def message(cls: type[T]) -> type[T]:
    """Declare a message: a frozen, slotted dataclass that nodes send to each other."""
    return _declare(cls, MESSAGE)


@dataclass_transform(frozen_default=True)
def timer(cls: type[T]) -> type[T]:
    """Declare a timer: a frozen, slotted dataclass that comes back to the node that set it."""
    return _declare(cls, TIMER)


@dataclass_transform(frozen_default=True)
def operation(cls: type[T]) -> type[T]:
    """Declare an operation: a frozen, slotted dataclass that a client asks a node to carry out."""
    return _declare(cls, OPERATION)


@dataclass_transform(frozen_default=True)
def delivery(cls: type[T]) -> type[T]:
    """Declare a delivery: a frozen, slotted dataclass that a subnode hands to the node around it.

    See :mod:`common.contract.subnodes`.
    """
    return _declare(cls, DELIVERY)


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """Declare a record: a frozen, slotted dataclass inside messages or in what a node saves."""
    return _declare(cls, RECORD)


def kind_of(cls: type) -> str | None:
    """``"message"``, ``"timer"`` and so on, or None for a class that is not declared."""
    return kinds.get(cls)


def declared_in(module: str) -> list[type]:
    """The classes of any kind that ``module`` declares, in order of declaration."""
    return [cls for cls in kinds if cls.__module__ == module]


@cache
def field_types(cls: type) -> Mapping[str, Any]:
    """The fields of a declared class with their types, resolved, in order.

    Raises:
        ContractError: a field's type can change or is not known here; the text names the field.
    """
    try:
        hints = get_type_hints(cls)
    except NameError as error:
        raise ContractError(
            f"{cls.__qualname__}: the type of a field is unknown ({error}): import or define it"
        ) from error
    found = {field.name: hints[field.name] for field in fields(cls)}
    for name, annotation in found.items():
        if problem := _why_mutable(annotation):
            raise ContractError(
                f"{cls.__module__}: field {name!r} of {kind_of(cls)} {cls.__qualname__} {problem}"
            )
    return found


def _why_mutable(annotation: Any) -> str | None:
    """Why values of this type may change or depend on hashing; None where they are safe."""
    if isinstance(annotation, NewType):
        return _why_mutable(annotation.__supertype__)
    if annotation in (Any, object) or annotation in _ATOMS or annotation is None:
        return None
    origin = get_origin(annotation)
    if origin is Literal:
        return None
    if origin in (Union, types.UnionType) or origin is tuple:
        parts = (part for part in get_args(annotation) if part is not Ellipsis)
        return next((why for part in parts if (why := _why_mutable(part))), None)
    base = origin or annotation
    if base in (list, dict, set, bytearray):
        return f"is a {base.__name__}, which can change after it was sent: use a tuple"
    if base is frozenset:
        return "is a frozenset, whose order differs from run to run: use a sorted tuple"
    if isinstance(base, type) and (base in kinds or issubclass(base, enum.Enum)):
        return None
    if base is tuple:
        return None
    return f"has the type {annotation}, which is not a plain value: use @record for it"


def check_value(value: object) -> None:
    """Check that a value cannot change: atoms, enums, tuples and declared classes of these.

    Raises:
        ContractError: something inside ``value`` can change; the text says what and where.
    """
    if not is_made_of(value, kinds) and (problem := _find_mutable(value, "")):
        raise ContractError(problem)


def is_made_of(value: Any, known: Container[type]) -> bool:
    """Whether it is made of nothing but atoms, tuples and these classes.

    Each effect in a simulation is asked, so this has to be fast. If it says no, others look
    again for what and where.

    Args:
        value: what leaves a node.
        known: enums and declared classes.
    """
    kind: Any = type(value)
    if kind is tuple:
        parts = value
    elif kind in known:
        parts = [getattr(value, name) for name in _field_names(kind)]
    else:
        return kind in _ATOM_CLASSES
    for part in parts:
        if type(part) not in _ATOM_CLASSES and not is_made_of(part, known):
            return False
    return True


@cache
def _field_names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls)) if is_dataclass(cls) else ()


def classes_in(value: object) -> Iterator[type]:
    """The enums and declared classes inside a value that cannot change."""
    if isinstance(value, enum.Enum):
        yield type(value)
    elif isinstance(value, tuple):
        for part in value:
            yield from classes_in(part)
    elif type(value) in kinds:
        yield type(value)
        held: Any = value
        for field in fields(held):
            yield from classes_in(getattr(value, field.name))


def _find_mutable(value: object, where: str) -> str | None:
    if isinstance(value, (_ATOMS, enum.Enum)):
        return None
    if isinstance(value, tuple):
        found = (_find_mutable(part, f"{where}[{i}]") for i, part in enumerate(value))
        return next((problem for problem in found if problem), None)
    if type(value) in kinds and is_dataclass(value):
        for field in fields(value):
            inner = f"{where or type(value).__name__}.{field.name}"
            if problem := _find_mutable(getattr(value, field.name), inner):
                return problem
        return None
    place = f" (at {where})" if where else ""
    return (
        f"a {type(value).__name__}{place} would leave the node, and it can change afterwards: "
        "send tuples, numbers, text, bytes and classes declared with @message or @record"
    )
