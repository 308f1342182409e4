"""A snapshot on its way: cut into pieces, and gathered again (Figure 13). Pure: it sends nothing.

A snapshot is one immutable value, often a large tuple of tuples. To send it in pieces it is
flattened: each tuple becomes a :class:`TupleMark` with its length, followed by its elements.
What is not a tuple stays one part, so an application that holds large texts should cut them up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from common.contract.sizes import value_size
from stage4_consensus.raft.messages import Snapshot, TupleMark


@dataclass(slots=True)
class Sending:
    """A snapshot on its way to one follower. It is sent to its end even if there is a newer one.

    Attributes:
        snapshot: what is sent.
        parts: its data, flattened.
        offset: how many parts the follower has confirmed.
    """

    snapshot: Snapshot
    parts: tuple[object, ...] = field(init=False)
    offset: int = 0

    def __post_init__(self) -> None:
        self.parts = flatten(self.snapshot.data)

    def next_piece(self, most_parts: int, most_bytes: int) -> tuple[object, ...]:
        """What follows the confirmed parts, as much as fits; one part at least, however large."""
        end = min(self.offset + most_parts, len(self.parts))
        room = most_bytes
        for at in range(self.offset, end):
            room -= value_size(self.parts[at])
            if room < 0:
                return self.parts[self.offset : max(at, self.offset + 1)]
        return self.parts[self.offset : end]

    def confirm(self, received: int) -> bool:
        """The follower has so many parts; returns whether that is news."""
        is_news = received != self.offset
        self.offset = received
        return is_news


@dataclass(slots=True)
class Gathering:
    """The pieces of a snapshot that a leader is sending here.

    They are in memory only: after a crash the leader sends all of them again.

    Attributes:
        term, last_index: which leader's snapshot it is, and of what.
        parts: what is here of it, without a gap.
    """

    term: int
    last_index: int
    parts: list[object] = field(default_factory=list)

    def is_of(self, term: int, last_index: int) -> bool:
        """Whether these are the pieces of that snapshot."""
        return (self.term, self.last_index) == (term, last_index)

    def add(self, offset: int, piece: Sequence[object]) -> None:
        """Add a piece if it is the next one: pieces are doubled, and overtake each other."""
        if offset == len(self.parts):
            self.parts.extend(piece)


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
