"""What all nodes of the sharded store have in common: the configuration, and the table of slots."""

from collections.abc import Sequence
from typing import TypedDict, Unpack

from common.contract import Node, NodeId, on
from common.values.errors import BadInput
from common.values.units import MS
from stage3_partitioning.kv.messages import Table, TableAsked, TableIs
from stage3_partitioning.kv.ring import VIRTUAL_NODES
from stage3_partitioning.kv.slots import SLOTS, assign, even_shares, key_slot, runs_of

KIB = 1024


class Config(TypedDict, total=False):
    """How a store is set up; the same on all its nodes.

    Attributes:
        slots: how many slots there are; :data:`SLOTS` unless given.
        shards: who holds the slots at first; () for all nodes. Their names, in order.
        placement: how slots are given to nodes: ``slots``, ``ring`` or ``modulo`` (see
            :func:`~stage3_partitioning.kv.slots.assign`).
        virtual_nodes: points of each node on the ring, where that is the placement.
        coordinator: who decides the table; "" for the node whose name comes first.
        retry_after: after how long what is not answered is said again, in microseconds; 50 ms.
        batch_keys: how many keys are on their way at most, for those nobody answers; 64.
        batch_bytes: how many bytes of keys and values, unless one key has more; 256 KiB.
        run_slots: how many slots one move takes at most; 1024.
        durable: whether keys and values are saved. Without, a crash loses them, as a crash of Redis
            without persistence does; table and moves are always saved.
    """

    slots: int
    shards: tuple[NodeId, ...]
    placement: str
    virtual_nodes: int
    coordinator: NodeId
    retry_after: int
    batch_keys: int
    batch_bytes: int
    run_slots: int
    durable: bool


DEFAULTS = Config(
    slots=SLOTS,
    shards=(),
    placement="slots",
    virtual_nodes=VIRTUAL_NODES,
    coordinator="",
    retry_after=50 * MS,
    batch_keys=64,
    batch_bytes=256 * KIB,
    run_slots=1024,
    durable=True,
)


class Member(Node):
    """A node that knows who holds which slot, perhaps not the latest.

    Args:
        id: the name of this node.
        peers: the other nodes, whether they hold slots or not.
        config: what is not as in :data:`DEFAULTS`.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Unpack[Config]) -> None:
        super().__init__(id, peers)
        if unknown := sorted(set(config) - set(DEFAULTS)):
            raise BadInput(f"a store has no setting {unknown[0]!r}: it has {', '.join(DEFAULTS)}")
        self.config: Config = {**DEFAULTS, **config}
        self.members = tuple(sorted((id, *self.peers)))
        _check(self.config, self.members)
        self.slots, self.durable = self.config["slots"], self.config["durable"]
        self.retry_after = self.config["retry_after"]
        self.coordinator = self.config["coordinator"] or self.members[0]
        self.first_nodes = self.config["shards"] or self.members
        self.owners = list(
            self.assigned(even_shares(self.first_nodes, self.slots), self.first_nodes)
        )
        """By slot, who holds it. The same as ``table``, faster to look at."""
        self.table = Table(0, runs_of(self.owners))
        """The newest table that this node knows. Durable; its epoch only grows."""

    def on_start(self) -> None:
        """Take up the table that an earlier life saved."""
        table = self.saved.get("table")
        if isinstance(table, Table):
            self._use(table)

    def adopt(self, table: Table) -> None:
        """Go by this table from now on, if it is newer than the one at hand."""
        if table.epoch > self.table.epoch:
            self._use(table)
            self.save("table", table)

    def _use(self, table: Table) -> None:
        self.table = table
        for first, last, node in table.runs:
            self.owners[first : last + 1] = [node] * (last - first + 1)

    def assigned(self, owners: Sequence[NodeId], nodes: Sequence[NodeId]) -> tuple[NodeId, ...]:
        """Who is to hold which slot once just ``nodes`` hold slots, from ``owners`` on."""
        return assign(self.config["placement"], owners, nodes, self.config["virtual_nodes"])

    def slot_of(self, key: bytes) -> int:
        """The slot of a key."""
        return key_slot(key, self.slots)

    @on(TableAsked)
    def table_asked(self, asked: TableAsked, sender: NodeId) -> None:
        """Say what this node knows."""
        self.send(sender, TableIs(self.table))


def _check(config: Config, members: tuple[NodeId, ...]) -> None:
    """Refuse what no store can be made of."""
    for name in ("slots", "batch_keys", "batch_bytes", "run_slots", "retry_after"):
        if config[name] < 1:
            raise BadInput(f"a store needs {name} of at least 1, not {config[name]}")
    for node in (*config["shards"], config["coordinator"] or members[0]):
        if node not in members:
            raise BadInput(f"{node} is no member of this cluster: {', '.join(members)} are")
