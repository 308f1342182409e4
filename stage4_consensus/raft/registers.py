"""The simplest application to replicate: named registers that hold text; and its client.

Appending is there because it shows what writing hides: a command that was applied twice.
"""

from common.contract import Application, CallId, on, operation
from stage4_consensus.raft.batching_client import BatchingClient
from stage4_consensus.raft.client import RaftClient
from stage4_consensus.raft.parallel_writes import ParallelWrites
from stage4_consensus.raft.server import Raft


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
        """Carry out a Get, Put or Append; the text for a Get, None for the others."""
        match command:
            case Get():
                return self.query(command)
            case Put(key, value):
                self.held[key] = value
            case Append(key, value):
                self.held[key] = self.held.get(key, "") + value
            case _:
                raise AssertionError(f"{command!r} is no command for registers")
        return None

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


class RaftRegisters(Raft):
    """A server of replicated registers."""

    def new_application(self) -> Application:
        """No register holds anything yet."""
        return Registers()


class ParallelRegisters(ParallelWrites, RaftRegisters):
    """A server of replicated registers whose leader sends first and saves meanwhile."""


class RegistersClient(RaftClient):
    """A client of replicated registers; a Get goes past the log."""

    @on(Put, Append)
    def change(self, operation: Put | Append, call: CallId) -> None:
        """Have the operation carried out, once."""
        self.execute(operation, call)

    @on(Get)
    def get(self, operation: Get, call: CallId) -> None:
        """Read without an entry in the log."""
        self.query(operation, call)


class BatchingRegistersClient(BatchingClient, RegistersClient):
    """A client of replicated registers that takes operations while others are under way."""
