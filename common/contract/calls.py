"""How an operation that a client asks for is written down in a history."""

import re
from dataclasses import fields
from functools import cache
from typing import Any

_BEFORE_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@cache
def function_name(kind: type) -> str:
    """The name in histories of an operation class: ``CompareAndSet`` is ``compare-and-set``."""
    return _BEFORE_CAPITAL.sub("-", kind.__name__).lower()


def describe(operation: object) -> tuple[str, object, object]:
    """Split an operation into function, key and argument, as histories have them.

    The key is the field named ``key``, or None. The argument is what the other fields hold: None
    where there are none, the value where there is one, a tuple of the values where there are more.

    >>> from common.contract import operation
    >>> @operation
    ... class Put:
    ...     key: str
    ...     value: int
    >>> describe(Put("x", 3))
    ('put', 'x', 3)
    """
    kind: Any = operation.__class__
    key, others = _fields(kind)
    rest = tuple([getattr(operation, name) for name in others])
    argument = None if not rest else rest[0] if len(rest) == 1 else rest
    return function_name(kind), getattr(operation, key) if key else None, argument


@cache
def _fields(kind: Any) -> tuple[str, tuple[str, ...]]:
    """The name of an operation's key, "" if it has none, and the names of its other fields."""
    names = [field.name for field in fields(kind)]
    return ("key" if "key" in names else ""), tuple(name for name in names if name != "key")
