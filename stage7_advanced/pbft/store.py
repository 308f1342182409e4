"""What is replicated: a store of texts by key. Its replicas, and its client."""

from common.contract import Application, CallId, on
from common.contract.registers import Append, Get, Put, Registers
from stage7_advanced.pbft.checkpoints import Checkpoints
from stage7_advanced.pbft.client import PbftClient
from stage7_advanced.pbft.normal import NormalCase
from stage7_advanced.pbft.viewchange import ViewChanges


class NormalStore(NormalCase):
    """A replica of the store for days on which nothing goes wrong."""

    def new_application(self) -> Application:
        """Nothing is held yet."""
        return Registers()


class CheckpointedStore(Checkpoints):
    """A replica of the store that forgets what is settled, and always has the same primary."""

    def new_application(self) -> Application:
        """Nothing is held yet."""
        return Registers()


class Store(ViewChanges):
    """A replica of the store."""

    def new_application(self) -> Application:
        """Nothing is held yet."""
        return Registers()


class StoreClient(PbftClient):
    """A client of the store."""

    @on(Get, Put, Append)
    def ask_for(self, asked: Get | Put | Append, call: CallId) -> None:
        """Have it carried out, once. A Get takes its place in the order like everything else."""
        self.request(asked, call)
