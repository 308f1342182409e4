"""The simplest application, named registers that hold text: its servers, and its clients."""

from common.contract import Application, CallId, on
from common.contract.registers import Append, Get, Put, Registers
from stage4_consensus.raft.batching_client import BatchingClient
from stage4_consensus.raft.client import RaftClient
from stage4_consensus.raft.parallel_writes import ParallelWrites
from stage4_consensus.raft.server import Raft


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
