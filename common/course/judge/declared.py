"""Results are what their function declares: to Python ``True == 1``, to a mark it is not.

Values that come back have the exact type that they were sent with. What is compared with ``==`` in
a suite would still take a bool for an int and a float for an int; so a result is held against the
return type that the reference declares.
"""

import types
from collections.abc import Callable
from typing import Any, Union, get_args, get_origin, get_type_hints


def return_type(function: Callable[..., Any] | None) -> Any:
    """What a function declares to return; ``Any`` where that is not said or cannot be read."""
    try:
        return Any if function is None else get_type_hints(function).get("return", Any)
    except (NameError, TypeError, AttributeError):
        return Any


def problem(value: Any, declared: Any) -> str:
    """Why a value is not what was declared, "" if it is, as far as numbers and truths go."""
    origin, parts = get_origin(declared), get_args(declared)
    if declared in (int, bool):
        wrong = type(value) in (bool, int, float) and type(value) is not declared
        return f"{value!r}, a {type(value).__name__}, not {declared.__name__}" if wrong else ""
    if declared is float:
        return f"{value!r}, a bool, not float" if type(value) is bool else ""
    if origin in (Union, types.UnionType):
        found = [problem(value, part) for part in parts]
        return min(found, default="", key=len)
    if origin in (list, set, frozenset) and type(value) is origin:
        return _first(value, [parts[0]] * len(value))
    if origin is tuple and type(value) is tuple:
        same = parts[1:] == (Ellipsis,)
        return _first(value, [parts[0]] * len(value) if same else list(parts))
    if origin is dict and type(value) is dict:
        return _first(value.keys(), [parts[0]] * len(value)) or _first(
            value.values(), [parts[1]] * len(value)
        )
    return ""


def _first(values: Any, declared: list[Any]) -> str:
    pairs = zip(values, declared, strict=False)
    return next((text for value, kind in pairs if (text := problem(value, kind))), "")
