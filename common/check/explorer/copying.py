"""Copies of a node's state that share whatever cannot change.

The explorer copies one node for each step that it has not seen before. ``copy.deepcopy`` would
do; this is several times faster, because messages, log entries and other frozen values, which are
most of a protocol's state, are shared and not copied.
"""

import copy
import enum
from collections import defaultdict, deque
from collections.abc import Callable
from random import Random
from types import BuiltinFunctionType, FunctionType, MappingProxyType
from typing import Any, TypeVar

from common.check.explorer.canonical import attributes
from common.check.explorer.planted import SharedRandom, TimerName

T = TypeVar("T")

_SHARED = frozenset(
    (
        str, int, float, bool, bytes, type(None), type, object, range, FunctionType,
        BuiltinFunctionType, MappingProxyType,
    )
)  # fmt: skip
"""Classes whose values never change, or (the last one) that the contract made unchangeable."""

Memo = dict[int, tuple[object, object]]
"""Original and copy by ``id(original)``; holding the original keeps its id from being reused."""


def copy_state(
    value: T,
    renamed: Callable[[TimerName], TimerName] | None = None,
    *,
    of: object = None,
    to: object = None,
) -> T:
    """A copy of ``value`` that shares no part which can change.

    What is one object in the original is one object in the copy.

    Args:
        value: the state of a node, or a part of it.
        renamed: gives the new name of each timer found in it; None to leave all as they are.
        of: the node, to which its subnodes refer.
        to: the node that the copy is for, to which the copied subnodes will refer.
    """
    copied: T = _copy(value, {id(of): (of, to)}, renamed or _same)
    return copied


def _same(name: TimerName) -> TimerName:
    return name


def _copy(value: Any, memo: Memo, renamed: Callable[[TimerName], TimerName]) -> Any:
    kind = value.__class__
    if kind in _SHARED or isinstance(value, enum.Enum | type | SharedRandom):
        return value
    if kind is TimerName:
        return renamed(value)
    if kind is tuple or kind is frozenset:
        parts = [_copy(part, memo, renamed) for part in value]
        kept = all(new is old for new, old in zip(parts, value, strict=True))
        return value if kept else kind(parts)
    if id(value) in memo:
        return memo[id(value)][1]
    if kind is list or kind is set or kind is deque or kind is dict or kind is defaultdict:
        made = _copy_container(value, memo, renamed)
    elif isinstance(value, Random | list | dict | set | tuple | deque | bytearray):
        made = copy.deepcopy(value)
        memo[id(value)] = (value, made)
    else:
        made = _copy_object(value, memo, renamed)
    return made


def _copy_container(value: Any, memo: Memo, renamed: Callable[[TimerName], TimerName]) -> Any:
    """A list, set, deque or dictionary; noted before it is filled, for it may hold itself."""
    made = copy.copy(value)
    made.clear()
    memo[id(value)] = (value, made)
    if isinstance(value, dict):
        for key, part in value.items():
            made[_copy(key, memo, renamed)] = _copy(part, memo, renamed)
    elif isinstance(value, set):
        made.update([_copy(part, memo, renamed) for part in value])
    else:
        made.extend([_copy(part, memo, renamed) for part in value])
    return made


def _copy_object(value: Any, memo: Memo, renamed: Callable[[TimerName], TimerName]) -> Any:
    """An object of a class of the protocol's own; a frozen one whose parts are shared is shared."""
    kind = type(value)
    held = attributes(value)
    parameters = getattr(kind, "__dataclass_params__", None)
    if parameters is not None and parameters.frozen:
        parts = {name: _copy(part, memo, renamed) for name, part in held.items()}
        if all(parts[name] is part for name, part in held.items()):
            return value
        made = object.__new__(kind)
        memo[id(value)] = (value, made)
    else:
        made = object.__new__(kind)
        memo[id(value)] = (value, made)
        parts = {name: _copy(part, memo, renamed) for name, part in held.items()}
    for name, part in parts.items():
        object.__setattr__(made, name, part)
    return made
