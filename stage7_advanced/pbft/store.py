"""What is replicated: a store of texts by key. Its replicas, and its client."""

from common.contract import Application, CallId, on, operation
from stage7_advanced.pbft.checkpoints import Checkpoints
from stage7_advanced.pbft.client import PbftClient
from stage7_advanced.pbft.normal import NormalCase
from stage7_advanced.pbft.viewchange import ViewChanges


@operation
class Get:
    """What is under ``key``? Ends with Ok(text), empty text before the first put."""

    key: str


@operation
class Put:
    """Let ``value`` be under ``key``. Ends with Ok()."""

    key: str
    value: str


@operation
class Append:
    """Add ``value`` at the end of what is under ``key``. Ends with Ok()."""

    key: str
    value: str


class Texts(Application):
    """Texts by key; the commands are the operations themselves."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    def apply(self, command: object) -> object:
        """Carry out a Get, Put or Append: the text for a Get, None for the others.

        A client may lie, too, and send what is no command: it changes nothing, on each replica.
        """
        match command:
            case Get(key):
                return self.held.get(key, "")
            case Put(key, value):
                self.held[key] = value
            case Append(key, value):
                self.held[key] = self.held.get(key, "") + value
        return None

    def snapshot(self) -> object:
        """Keys and texts, sorted by key."""
        return tuple(sorted(self.held.items()))

    def restore(self, snapshot: object) -> None:
        """Hold what the snapshot has."""
        assert isinstance(snapshot, tuple), "a snapshot of texts is a tuple of pairs"
        self.held = dict(snapshot)


class NormalStore(NormalCase):
    """A replica of the store for days on which nothing goes wrong."""

    def new_application(self) -> Application:
        """Nothing is held yet."""
        return Texts()


class CheckpointedStore(Checkpoints):
    """A replica of the store that forgets what is settled, and always has the same primary."""

    def new_application(self) -> Application:
        """Nothing is held yet."""
        return Texts()


class Store(ViewChanges):
    """A replica of the store."""

    def new_application(self) -> Application:
        """Nothing is held yet."""
        return Texts()


class StoreClient(PbftClient):
    """A client of the store."""

    @on(Get, Put, Append)
    def ask_for(self, asked: Get | Put | Append, call: CallId) -> None:
        """Have it carried out, once. A Get takes its place in the order like everything else."""
        self.request(asked, call)
