"""What a recorder sees, straight as the JSON of its line: a run has thousands of lines.

Names and fields come again and again. So they are put into quotes once; what is left to do for a
line is to fill numbers and texts into a form. The bytes are those that
:func:`common.trace.format.to_line` would make of an :data:`~common.trace.format.Event`.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from common.trace.format import encode
from common.trace.plain import EXACT, MAX_TEXT, field_names, plain


def json_of(value: Any) -> str:
    """``value`` as a trace has it: the JSON of :func:`common.trace.plain.plain`."""
    kind = type(value)
    if kind is int and -EXACT <= value <= EXACT:
        return repr(value)
    if kind is str and len(value) <= MAX_TEXT:
        return encode(value)
    if value is None:
        return "null"
    return encode(plain(value))


def body_json(value: Any) -> str:
    """The fields of a message, timer or operation, by name."""
    names = field_names(value.__class__)
    return _form(names) % tuple([json_of(getattr(value, name)) for name in names])


def fields_json(fields: Mapping[str, Any]) -> str:
    """An object whose values are plain already, such as the state of a node."""
    values = [repr(value) if type(value) is int else encode(value) for value in fields.values()]
    return _form(tuple(fields)) % tuple(values)


@lru_cache(1_000)
def _form(names: tuple[str, ...]) -> str:
    """An object with these names, and a place in it for each value."""
    inside = ",".join([f"{encode(name).replace('%', '%%')}:%s" for name in names])
    return f"{{{inside}}}"


class Quoted(dict[str | None, str]):
    """Names of nodes, in quotes; None is null. There are few of them in a run."""

    def __missing__(self, name: str | None) -> str:
        self[name] = quoted = encode(name)
        return quoted
