"""Canonical forms: two states are the same state when their canonical forms are equal.

A canonical form is built of text, numbers, bytes, None, classes and tuples alone, so that it can be
compared, put into a dictionary and written out the same way in every run. Dictionaries and sets
are sorted, dataclasses go by their fields, and classes (never names) tag what a tuple stands for,
so that no text in a state can be mistaken for a tag.

Two things are not seen: the order in which a dictionary was filled, and whether two parts of a
state are one object or two equal ones. A protocol that depends on either is not explored wholly.
"""

import enum
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from random import Random
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MethodType
from typing import Any, TypeAlias

from common.check.explorer.planted import SharedRandom, TimerName
from common.contract.node import Node
from common.contract.subnodes import Inside
from common.values.errors import ContractError

Canonical: TypeAlias = Any
"""Text, a number, bytes, None, a class, or a tuple of these; hashable and comparable by ``==``."""


BOOKKEEPING = frozenset(
    ("_id", "_peers", "_now", "_random", "_effects", "_last_timer", "_outlet", "_signer")
)
"""Attributes of every Node that are not protocol state; the explorer sets them itself."""

_IMMUTABLE_TYPE, _HEAP_TYPE = 1 << 8, 1 << 9
"""Flags ``Py_TPFLAGS_IMMUTABLETYPE`` and ``Py_TPFLAGS_HEAPTYPE``. A class statement makes a heap
type that can change afterwards; every other class is written in C and may hide state."""


def canonical(value: object) -> Canonical:
    """The canonical form of ``value``.

    Raises:
        ContractError: something in it cannot be compared, such as a generator or an open file.
    """
    kind = value.__class__
    if kind is str or kind is int or value is None or kind is bytes:
        return value
    known = _FORMS.get(kind)
    if known is not None:
        return known(value)
    if isinstance(value, TimerName):
        return int(value)
    if isinstance(value, enum.Enum):
        return (kind, value.name)
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, SharedRandom):
        return (kind,)
    if isinstance(value, Random):
        return (kind, canonical(value.getstate()))
    if isinstance(value, list | tuple | set | frozenset):
        return (kind, _FORMS[_builtin(value)](value))
    if isinstance(value, Node):
        return _subnode(value)
    return _object(value)


def form_of_node(node: Node) -> Canonical:
    """The canonical form of a node's protocol state, that of its subnodes included."""
    return (type(node), *[(name, canonical(part)) for name, part in sorted(state_of(node).items())])


def state_of(node: Node) -> dict[str, object]:
    """The protocol state of a node, by the names of its attributes."""
    return {name: part for name, part in attributes(node).items() if name not in BOOKKEEPING}


def attributes(value: object) -> dict[str, object]:
    """What an object holds by name, from its dictionary and its slots.

    Raises:
        ContractError: the object holds nothing in either, so its state cannot be seen.
    """
    kind: type = value.__class__
    found = {name: getattr(value, name) for name in slots(kind) if hasattr(value, name)}
    own = getattr(value, "__dict__", None)
    written_in_python = kind.__flags__ & (_HEAP_TYPE | _IMMUTABLE_TYPE) == _HEAP_TYPE
    hidden = not written_in_python or (own is None and not slots(kind) and not is_dataclass(value))
    if hidden and kind is not object:
        raise ContractError(
            f"its state holds {value!r}, a {kind.__name__}, which the explorer can neither "
            "copy nor compare: keep numbers, text, tuples, lists, dictionaries, sets and classes "
            "of your own there"
        )
    return found | (own or {})


@cache
def slots(kind: type) -> tuple[str, ...]:
    """The names of all slots of a class, those of its bases first."""
    if kind.__module__ != "builtins" and is_dataclass(kind) and "__slots__" in vars(kind):
        return tuple(field.name for field in fields(kind))
    found: list[str] = []
    for base in reversed(kind.__mro__):
        own = vars(base).get("__slots__", ())
        found += [own] if isinstance(own, str) else list(own)
    return tuple(name for name in found if name not in ("__dict__", "__weakref__"))


def rename(form: Canonical, names: Mapping[str, str]) -> Canonical:
    """A canonical form in which each text that is a key of ``names`` is replaced.

    Every such text is taken for the name of a node, wherever it stands: a value that happens to
    read the same is renamed too. So use node ids that mean nothing else in the protocol.
    """
    if form.__class__ is str:
        return names.get(form, form)
    if form.__class__ is not tuple or not form:
        return form
    renamed = tuple([rename(part, names) for part in form])
    if renamed == form:
        return form
    if form[0] is dict:
        return (dict, *sorted_forms(renamed[1:]))
    if form[0] is set:
        return (set, *sorted_forms(renamed[1:]))
    return renamed


def sorted_forms(forms: Iterable[Canonical]) -> list[Canonical]:
    """Canonical forms in an order that depends on nothing but themselves."""
    listed = list(forms)
    kinds = {form.__class__ for form in listed}
    if kinds == {str} or kinds == {int}:
        return sorted(listed)
    return sorted(listed, key=repr)


def _mapping(value: Mapping[Any, Any]) -> Canonical:
    pairs = [(canonical(key), canonical(part)) for key, part in value.items()]
    return (dict, *sorted_forms(pairs))


def _sequence(value: Iterable[object]) -> Canonical:
    return (list, *[canonical(part) for part in value])


def _tuple(value: Iterable[object]) -> Canonical:
    return (tuple, *[canonical(part) for part in value])


def _set(value: Iterable[object]) -> Canonical:
    return (set, *sorted_forms(canonical(part) for part in value))


def _function(value: Any) -> Canonical:
    """A function is what it is called and what it closed over: configuration, not state."""
    closed = getattr(value, "__closure__", None) or ()
    held = tuple(canonical(cell.cell_contents) for cell in closed)
    return (value.__class__, value.__module__, value.__qualname__, *held)


def _method(value: Any) -> Canonical:
    return (MethodType, value.__func__.__qualname__, canonical(value.__self__))


def _subnode(node: Node) -> Canonical:
    """A node within the state of another one: by its name if it is there, as :func:`_inside`
    has the rest. One that was dropped is a value like any other."""
    outlet = node._outlet
    return form_of_node(node) if outlet is None or outlet.gone else (Node, outlet.path)


def _inside(inside: Inside) -> Canonical:
    """The subnodes of a node. Their timers are among those of the node, with their names."""
    running: list[Canonical] = []
    for name, node in sorted(inside.running.items()):
        assert isinstance(node, Node), "nothing else is a subnode"
        running.append((name, _set(node.peers), form_of_node(node)))
    return (Inside, tuple(running), _mapping(inside.saved))


def _object(value: object) -> Canonical:
    held = sorted(attributes(value).items())
    return (value.__class__, *[(name, canonical(part)) for name, part in held])


def _builtin(value: object) -> type:
    return next(kind for kind in (list, tuple, set, frozenset) if isinstance(value, kind))


_FORMS: Mapping[type, Callable[[Any], Canonical]] = {
    bool: lambda value: (bool, value),
    float: lambda value: (float, repr(value)),
    tuple: _tuple,
    list: _sequence,
    deque: lambda value: (deque, value.maxlen, *[canonical(part) for part in value]),
    dict: _mapping,
    defaultdict: _mapping,
    MappingProxyType: _mapping,
    set: _set,
    frozenset: _set,
    bytearray: lambda value: (bytearray, bytes(value)),
    range: lambda value: (range, value.start, value.stop, value.step),
    FunctionType: _function,
    BuiltinFunctionType: _function,
    MethodType: _method,
    Inside: _inside,
    type: lambda value: value,
}
"""How the common classes are written; bool and float are tagged, for ``True == 1 == 1.0``."""
