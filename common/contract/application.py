"""State machines that a replication protocol can carry, and at-most-once for any of them.

Schneider 1990, "Implementing fault-tolerant services using the state machine approach": replicas
that start alike and apply the same commands in the same order stay alike. So ``apply`` must be
deterministic: no clock, no randomness, no order of a set.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

from common.contract.kinds import record


class Application(ABC):
    """A deterministic state machine."""

    @abstractmethod
    def apply(self, command: object) -> object:
        """Carry out one command and return its result; both are immutable values."""

    def query(self, query: object) -> object:
        """Answer a query from the state as it is. It changes nothing, whatever was asked.

        Queries go past the log, so a change that came as one would happen on one replica only.
        If it is no query, the answer is None, unless the application has a better word for that.
        """
        return None

    @abstractmethod
    def snapshot(self) -> object:
        """The whole state as one immutable value, equal for equal states."""

    @abstractmethod
    def restore(self, snapshot: object) -> None:
        """Replace the state by that of an earlier ``snapshot()``."""


@record
class Numbered:
    """A client's command with its number: 1, 2, 3 ... for each client, one under way at a time."""

    client: str
    number: int
    command: object


@record
class CommandBatch:
    """Several commands of a client that are carried out one after the other, or queries likewise.

    The result is the tuple of their results.
    """

    commands: tuple[object, ...]


class AtMostOnce(Application):
    """Any application, with each numbered command carried out at most once.

    A client that got no answer sends the same number again. The table keeps the last number and
    result of each client (Liskov and Cowling 2012, section 4.1, the *client-table*). It is part of
    the snapshot: without it, a restored replica would carry out a retry a second time.
    """

    def __init__(self, application: Application) -> None:
        self.application = application
        self._last: dict[str, tuple[int, object]] = {}

    def apply(self, command: object) -> object:
        """Carry out a :class:`Numbered` command unless it was before; the result is the first one.

        A batch has one number, so it is carried out as a whole or not at all.

        A number below the client's last one is a message that was long under way: its client has
        gone on, nobody waits for the result, and None is returned.
        """
        assert isinstance(command, Numbered), f"AtMostOnce needs Numbered commands, not {command!r}"
        number, result = self.last(command.client)
        if command.number < number:
            return None
        if command.number > number:
            result = _each(self.application.apply, command.command)
            self._last[command.client] = (command.number, result)
        return result

    def last(self, client: str) -> tuple[int, object]:
        """The number and the result of a client's last command; (0, None) before the first one."""
        return self._last.get(client, (0, None))

    def query(self, query: object) -> object:
        """Ask the application. A query changes nothing, so it needs no number."""
        return _each(self.application.query, query)

    def snapshot(self) -> object:
        """The application's snapshot together with the client table, clients in sorted order."""
        table = tuple((client, *self._last[client]) for client in sorted(self._last))
        return (self.application.snapshot(), table)

    def restore(self, snapshot: object) -> None:
        """Replace the application's state and the client table."""
        assert isinstance(snapshot, tuple), "a snapshot of AtMostOnce is a pair"
        inner, table = snapshot
        self.application.restore(inner)
        self._last = {client: (number, result) for client, number, result in table}


def _each(do: Callable[[object], object], command: object) -> object:
    """What ``do`` gives for a command, or for each one of a batch."""
    if isinstance(command, CommandBatch):
        return tuple([do(each) for each in command.commands])
    return do(command)
