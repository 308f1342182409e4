"""A snapshot as a row of small parts, and back. Pure.

A snapshot is one immutable value, often a large tuple of tuples. To send it in pieces it is
flattened: each tuple becomes a :class:`TupleMark` with its length, followed by its elements.
What is not a tuple stays one part, so an application that holds large texts should cut them up.
"""

from collections.abc import Iterator, Sequence

from stage4_consensus.raft.messages import TupleMark


def flatten(value: object) -> tuple[object, ...]:
    """The value as a row of parts.

    >>> flatten((1, ("a", ())))
    (TupleMark(length=2), 1, TupleMark(length=2), 'a', TupleMark(length=0))
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
        yield TupleMark(len(value))
        for element in value:
            yield from _parts(element)
    else:
        yield value


def _next(parts: Iterator[object]) -> object:
    part = next(parts)
    if isinstance(part, TupleMark):
        return tuple([_next(parts) for _ in range(part.length)])
    return part
