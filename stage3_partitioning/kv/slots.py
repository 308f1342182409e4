"""Hash slots: a fixed number of small parts, and a table of who holds which.

Between "one part for each node" and "a place for each key" there is a middle way: cut the keys into
many more parts than there will ever be nodes, by a hash that never changes, and write down in a
table who holds which part. Then a part moves as a whole, the table is small enough to send to
everybody, and who balances it is free to choose. Redis Cluster has 16,384 *slots* (its
specification, "Key distribution model"); Dynamo's strategy 3 (section 6.2), Riak's and Cassandra's
fixed partitions and Elasticsearch's shards are the same idea.
"""

from binascii import crc_hqx
from collections.abc import Sequence

from common.contract import NodeId
from common.values.errors import BadInput
from stage3_partitioning.kv.partitioners import Partitioner
from stage3_partitioning.kv.ring import RingPartitioner

SLOTS = 16_384
"""How many slots Redis has: a table of one bit for each is 2 KiB, a load for its gossip."""

Run = tuple[int, int, NodeId]
"""Slots that lie next to each other and have one owner: the first, the last, the owner."""


def key_slot(key: bytes, slots: int = SLOTS) -> int:
    """The slot of a key: CRC16 of its hash tag, modulo the number of slots.

    The CRC is CRC-16/XMODEM (polynomial 0x1021, initial value 0), which the standard library has as
    ``crc_hqx``; the CRC of ``b"123456789"`` is 0x31C3.

    Args:
        key: the key.
        slots: how many there are; a power of two up to 65,536, or the CRC would favour some.
    """
    return crc_hqx(hash_tag(key), 0) % slots


def hash_tag(key: bytes) -> bytes:
    """The part of the key that decides its slot: between the first ``{`` and the next ``}``.

    So ``{user7}.name`` and ``{user7}.age`` share a slot, and one command may touch both. If there
    is no such pair, or nothing in between, it is the whole key.
    """
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            return key[start + 1 : end]
    return key


class SlotPartitioner(Partitioner):
    """Slots, and a table of their owners.

    Args:
        nodes: the nodes.
        owners: by slot, who holds it; without it, even shares in order.
        slots: how many slots there are, where ``owners`` does not say.
    """

    def __init__(
        self,
        nodes: Sequence[NodeId],
        owners: Sequence[NodeId] | None = None,
        slots: int = SLOTS,
    ) -> None:
        super().__init__(nodes)
        self.owners = even_shares(self.nodes, slots) if owners is None else tuple(owners)
        if strangers := sorted(set(self.owners) - set(self.nodes)):
            raise BadInput(f"{strangers[0]} holds a slot and is none of {', '.join(self.nodes)}")

    def owner(self, key: bytes) -> NodeId:
        """The owner of the key's slot."""
        return self.owners[key_slot(key, len(self.owners))]

    def with_node(self, node: NodeId) -> "SlotPartitioner":
        """The new node gets its share, the same part of it from each of the others."""
        nodes = self.nodes_with(node)
        return SlotPartitioner(nodes, rebalanced(self.owners, nodes))

    def without_node(self, node: NodeId) -> "SlotPartitioner":
        """The others share what the node leaves."""
        nodes = self.nodes_without(node)
        return SlotPartitioner(nodes, rebalanced(self.owners, nodes))


def even_shares(nodes: Sequence[NodeId], slots: int) -> tuple[NodeId, ...]:
    """Consecutive slots for each node, as many for each as for any other, or one more."""
    return tuple(nodes[slot * len(nodes) // slots] for slot in range(slots))


def rebalanced(owners: Sequence[NodeId], nodes: Sequence[NodeId]) -> tuple[NodeId, ...]:
    """The owners once just ``nodes`` share the slots evenly, with as few moves as that takes.

    Even means: no two shares differ by more than one slot. A node that then has too many gives its
    last ones. If there is a choice, the one extra slot stays with the node that has most already,
    and earlier nodes come before later ones.

    Args:
        owners: by slot, who holds it now.
        nodes: who is to hold slots.
    """
    held: dict[NodeId, list[int]] = {node: [] for node in nodes}
    homeless = []
    for slot, owner in enumerate(owners):
        if owner in held:
            held[owner].append(slot)
        else:
            homeless.append(slot)
    least, extra = divmod(len(owners), len(nodes))
    by_wealth = sorted(nodes, key=lambda node: -len(held[node]))  # stable: earlier ones first
    shares = {node: least + (place < extra) for place, node in enumerate(by_wealth)}
    for node in nodes:
        homeless += held[node][shares[node] :]
        del held[node][shares[node] :]
    changed = list(owners)
    homeless.sort()
    for node in nodes:
        wanted = shares[node] - len(held[node])
        for slot in homeless[:wanted]:
            changed[slot] = node
        del homeless[:wanted]
    return tuple(changed)


def assign(
    placement: str, owners: Sequence[NodeId], nodes: Sequence[NodeId], virtual_nodes: int
) -> tuple[NodeId, ...]:
    """Who holds which slot once ``nodes`` are to hold them.

    Args:
        placement: ``slots`` (even shares, fewest moves), ``ring`` (each slot is a key on a ring of
            virtual nodes) or ``modulo`` (slot number mod n, to see what it costs).
        owners: by slot, who holds it now.
        nodes: who is to hold slots.
        virtual_nodes: points of each node on the ring.

    Raises:
        BadInput: there is no such placement.
    """
    match placement:
        case "slots":
            return rebalanced(owners, nodes)
        case "ring":
            ring = RingPartitioner(nodes, virtual_nodes)
            return tuple(ring.owner(b"slot %d" % slot) for slot in range(len(owners)))
        case "modulo":
            return tuple(nodes[slot % len(nodes)] for slot in range(len(owners)))
    raise BadInput(f"there is no placement {placement!r}: there are slots, ring and modulo")


def runs_of(owners: Sequence[NodeId]) -> tuple[Run, ...]:
    """The table in runs of neighbours with one owner, in order."""
    runs: list[Run] = []
    for slot, owner in enumerate(owners):
        if runs and runs[-1][2] == owner:
            runs[-1] = (runs[-1][0], slot, owner)
        else:
            runs.append((slot, slot, owner))
    return tuple(runs)
