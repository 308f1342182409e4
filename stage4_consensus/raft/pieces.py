"""A snapshot as a row of small parts, and back. Pure.

A snapshot is one immutable value, often a large tuple of tuples. To send it in pieces it is
flattened: each tuple becomes a :class:`Tuple` mark with its length, followed by its elements.
What is not a tuple stays one part, so an application that holds large texts should cut them up.
"""

from collections.abc import Iterator, Sequence

from common.contract import record


@record
class Tuple:
    """Here begins a tuple of ``length`` elements."""

    length: int


def flatten(value: object) -> tuple[object, ...]:
    """The value as a row of parts.

    >>> flatten((1, ("a", ())))
    (Tuple(length=2), 1, Tuple(length=2), 'a', Tuple(length=0))
    """
    return tuple(_parts(value))


def assemble(parts: Sequence[object]) -> object:
    """The value whose row of parts this is.

    >>> assemble(flatten((1, ("a", ()))))
    (1, ('a', ()))
    """
    return _next(iter(parts))


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, tuple):
        yield Tuple(len(value))
        for element in value:
            yield from _parts(element)
    else:
        yield value


def _next(parts: Iterator[object]) -> object:
    part = next(parts)
    if isinstance(part, Tuple):
        return tuple([_next(parts) for _ in range(part.length)])
    return part
