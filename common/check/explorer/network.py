"""Messages in flight, in three disciplines. Messages are numbers here; the order is canonical.

``Unordered`` is the course's default, as in the simulator: a message may be overtaken by any other.
``Ordered`` keeps the order on each link, as TCP does while a connection lasts. ``Lasting`` is the
network of most TLA+ specifications: a message, once sent, can be delivered any number of times.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias

Flight: TypeAlias = tuple[Any, ...]
"""What is in flight, as a tuple of the discipline's own making; equal for equal contents."""


class Network(Protocol):
    """What the explorer asks of a discipline. ``flight`` is always a value that it made."""

    def heads(self, flight: Flight) -> Iterable[int]:
        """The different messages that may be next to arrive, in a fixed order."""

    def delivered(self, flight: Flight, message: int) -> Flight:
        """What is left after one copy of ``message`` was taken from the heads."""

    def doubled(self, flight: Flight, message: int) -> Flight:
        """The same with one more copy of ``message``, one of the heads."""

    def sent(self, flight: Flight, messages: Sequence[int]) -> Flight:
        """The same with ``messages`` on their way, in the order in which they were sent."""

    def messages(self, flight: Flight) -> Sequence[int]:
        """All messages in flight, each as often as there are copies."""

    def renamed(self, flight: Flight, rename: Callable[[int], int]) -> Flight:
        """The same with each message replaced by its renamed version."""


class Unordered:
    """A bag: a sorted tuple of messages."""

    def heads(self, flight: Flight) -> Iterable[int]:
        """Each different message."""
        return dict.fromkeys(flight)

    def delivered(self, flight: Flight, message: int) -> Flight:
        """The bag without one copy."""
        at = flight.index(message)
        return flight[:at] + flight[at + 1 :]

    def doubled(self, flight: Flight, message: int) -> Flight:
        """The bag with another copy."""
        return tuple(sorted((*flight, message)))

    def sent(self, flight: Flight, messages: Sequence[int]) -> Flight:
        """The bag with these messages too."""
        return tuple(sorted((*flight, *messages)))

    def messages(self, flight: Flight) -> Sequence[int]:
        """The bag itself."""
        return flight

    def renamed(self, flight: Flight, rename: Callable[[int], int]) -> Flight:
        """The bag of renamed messages."""
        return tuple(sorted([rename(message) for message in flight]))


class Lasting(Unordered):
    """A set that only grows; a message that is never delivered stands for one that was lost."""

    def delivered(self, flight: Flight, message: int) -> Flight:
        """The set itself: the message may arrive again."""
        return flight

    def sent(self, flight: Flight, messages: Sequence[int]) -> Flight:
        """The set with these messages too."""
        return tuple(sorted({*flight, *messages}))


class Ordered:
    """Queues: a sorted tuple of pairs of a link and its messages, the next one first.

    Args:
        link_of: gives the link on which a message travels, as a number.
    """

    def __init__(self, link_of: Callable[[int], int]) -> None:
        self._link_of = link_of

    def heads(self, flight: Flight) -> Iterable[int]:
        """The first message of each link."""
        return [queue[0] for _, queue in flight]

    def delivered(self, flight: Flight, message: int) -> Flight:
        """The queues without the first message of the link of ``message``."""
        link = self._link_of(message)
        shorter = [(at, queue[1:] if at == link else queue) for at, queue in flight]
        return tuple([entry for entry in shorter if entry[1]])

    def doubled(self, flight: Flight, message: int) -> Flight:
        """The queues with the first message of the link twice, one right after the other."""
        link = self._link_of(message)
        return tuple([(at, (message, *queue) if at == link else queue) for at, queue in flight])

    def sent(self, flight: Flight, messages: Sequence[int]) -> Flight:
        """The queues with these messages at the ends of their links."""
        queues = dict(flight)
        for message in messages:
            link = self._link_of(message)
            queues[link] = (*queues.get(link, ()), message)
        return tuple(sorted(queues.items()))

    def messages(self, flight: Flight) -> Sequence[int]:
        """All messages, link by link."""
        return [message for _, queue in flight for message in queue]

    def renamed(self, flight: Flight, rename: Callable[[int], int]) -> Flight:
        """The queues of renamed messages, on the renamed links."""
        return self.sent((), [rename(message) for message in self.messages(flight)])
