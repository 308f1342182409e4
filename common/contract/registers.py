"""The simplest application to replicate: named registers that hold text.

Appending is there because it shows what writing hides: a command that was applied twice.
"""

from common.contract.application import Application
from common.contract.kinds import operation


@operation
class Get:
    """What does the register ``key`` hold? Ends with Ok(text), empty text before the first put."""

    key: str


@operation
class Put:
    """Let the register ``key`` hold ``value``. Ends with Ok()."""

    key: str
    value: str


@operation
class Append:
    """Add ``value`` at the end of what the register ``key`` holds. Ends with Ok()."""

    key: str
    value: str


class Registers(Application):
    """Text by name; the commands are the operations themselves."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    def apply(self, command: object) -> object:
        """Carry out a Get, Put or Append: the text for a Get, None for the others.

        Something that is no command changes nothing, on each replica alike: a client may lie.
        """
        match command:
            case Put(key, value):
                self.held[key] = value
            case Append(key, value):
                self.held[key] = self.held.get(key, "") + value
        return self.query(command)

    def query(self, query: object) -> object:
        """The text for a Get; None for what is no query."""
        return self.held.get(query.key, "") if isinstance(query, Get) else None

    def snapshot(self) -> object:
        """Names and texts, sorted by name."""
        return tuple(sorted(self.held.items()))

    def restore(self, snapshot: object) -> None:
        """Hold what the snapshot has."""
        assert isinstance(snapshot, tuple), "a snapshot of registers is a tuple of pairs"
        self.held = dict(snapshot)
