"""What a recorder sees, straight as the JSON of its line: a run has thousands of lines.

Names, fields and the members of clocks come again and again. So they are put into quotes once; what
is left to do for a line is to fill numbers and texts into a form. The bytes are those that
:func:`common.trace.format.to_line` would make of an :data:`~common.trace.format.Event`.
"""

from collections.abc import Iterable, Mapping
from functools import cache
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
    kind = value.__class__
    return _form_of_fields(kind) % tuple(
        [json_of(getattr(value, name)) for name in field_names(kind)]
    )


@cache
def _form_of_fields(kind: Any) -> str:
    return _form(field_names(kind), "%s")


def _form(names: Iterable[str], place: str) -> str:
    """An object of these names, with a place in it for each value."""
    inside = ",".join(f"{encode(name).replace('%', '%%')}:{place}" for name in names)
    return f"{{{inside}}}"


class Quoted(dict[str | None, str]):
    """Names of nodes, in quotes; None is null. There are few of them in a run."""

    def __missing__(self, name: str | None) -> str:
        self[name] = quoted = encode(name)
        return quoted


class ClockForms:
    """The forms of the nodes' clocks. A clock's members stay what they are, but for new ones."""

    def __init__(self) -> None:
        self._forms: dict[str, tuple[int, str]] = {}

    def json(self, node: str, clock: Mapping[str, int]) -> str:
        """The clock of ``node``."""
        members, form = self._forms.get(node, (0, ""))
        if members != len(clock):
            form = _form(clock, "%d")
            self._forms[node] = len(clock), form
        return form % tuple(clock.values())
