"""What the network is asked to do, and how that is said to ``tc``.

Linux hands every packet that leaves through a network device to the device's *queueing discipline*
(qdisc). The discipline ``netem`` (Hemminger 2005, "Network emulation with NetEm") keeps it for a
while, or drops it. It works on what *leaves*: a round trip between two nodes meets the discipline
of the one on the way there and that of the other on the way back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from common.values.errors import BadInput
from common.values.units import show_time

Command: TypeAlias = tuple[str, ...]
"""A program and its arguments."""

BANDS = 2
"""How many queues a device with a cut has: one for what goes on, one for what is lost."""
PRIORITIES = 16
"""How many packet priorities there are for ``prio`` to distribute over its bands."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What happens to each packet on its way from one node.

    Attributes:
        delay: how long it is kept, in microseconds.
        jitter: how far that varies, in microseconds: evenly from ``delay - jitter`` to
            ``delay + jitter``.
        loss: probability that it is dropped, 0 to 1.

    Raises:
        BadInput: no packet can be treated like that.
    """

    delay: int = 0
    jitter: int = 0
    loss: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.jitter <= self.delay:
            raise BadInput(
                f"a delay of {show_time(self.delay)} cannot vary by {show_time(self.jitter)}: "
                "no packet arrives before it was sent, so the jitter is at most the delay"
            )
        if not 0 <= self.loss <= 1:
            raise BadInput(f"a loss of {self.loss} is no probability: write 0.02 or 2% for 2%")

    def __str__(self) -> str:
        late = f"{show_time(self.delay)} ± {show_time(self.jitter)}" if self.delay else "no delay"
        return f"{late}, loss {self.loss * 100:g}%"


def netem_arguments(shape: Shape) -> Command:
    """Say a shape the way ``tc`` takes it, after ``tc qdisc add dev DEVICE root`` (man tc-netem).

    Parts that are 0 are left out. Times are written in whole microseconds with their unit, as in
    ``50000us``: a bare number has meant different units in different versions. A loss is a
    percentage, as in ``2.5%``.

    Args:
        shape: what is to happen to each packet.

    Returns:
        ``netem``, then ``delay TIME`` with ``JITTER`` behind it if there is any, then
        ``loss PERCENT``.
    """
    arguments = ["netem"]
    if shape.delay:
        arguments += ["delay", f"{shape.delay}us"]
        if shape.jitter:
            arguments.append(f"{shape.jitter}us")
    if shape.loss:
        arguments += ["loss", f"{shape.loss * 100:g}%"]
    return tuple(arguments)


def tc_commands(device: str, shape: Shape, cut: Sequence[str] = ()) -> list[Command]:
    """The commands that give a device its shape, and cut it off from some addresses.

    A plain queue comes first, so that nothing of an earlier shape is left; without shape and cut
    that is all. Without a cut, ``netem`` is then the root. With one, the root is ``prio``, a
    discipline of two bands. Every packet goes to the first, which has the shape. A filter picks
    some by their destination: they go to the second, which loses everything.

    Args:
        device: the device that packets leave through, ``eth0``.
        shape: what happens to packets that are not cut off.
        cut: IPv4 addresses that no packet is to reach.

    Returns:
        The commands in the order in which to run them.
    """
    root = ("tc", "qdisc", "replace", "dev", device, "root")
    below = ("tc", "qdisc", "add", "dev", device, "parent")
    select = ("tc", "filter", "add", "dev", device, "parent", "1:", "protocol", "ip", "u32")
    plain: Command = (*root, "pfifo")
    if not cut:
        return [plain] if shape == Shape() else [plain, (*root, *netem_arguments(shape))]
    first_band = ("0",) * PRIORITIES
    return [
        plain,
        (*root, "handle", "1:", "prio", "bands", str(BANDS), "priomap", *first_band),
        (*below, "1:1", *netem_arguments(shape)),
        (*below, "1:2", *netem_arguments(Shape(loss=1.0))),
        *((*select, "match", "ip", "dst", f"{address}/32", "flowid", "1:2") for address in cut),
    ]


def islands(nodes: Sequence[str], groups: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Complete the groups of a partition so that each node is in exactly one.

    Args:
        nodes: all nodes of the cluster.
        groups: who can still talk to whom. A node that no group names is alone.

    Returns:
        The groups as given, then a group of its own for each node that none of them names, in the
        order of ``nodes``.

    Raises:
        BadInput: a group names a stranger, or two groups the same node.
    """
    named: set[str] = set()
    for node in (node for group in groups for node in group):
        if node not in nodes:
            raise BadInput(f"{node!r} is none of the nodes {', '.join(nodes)}")
        if node in named:
            raise BadInput(f"{node!r} is on two sides of the partition: name it once")
        named.add(node)
    return [*map(tuple, groups), *((node,) for node in nodes if node not in named)]


def cut_links(
    nodes: Sequence[str], groups: Sequence[Sequence[str]]
) -> Mapping[str, tuple[str, ...]]:
    """For each node, the nodes that its packets must not reach while the partition lasts.

    A partition cuts both ways: if a packet from ``n1`` to ``n2`` is to be lost, so is one from
    ``n2`` to ``n1``, and each of the two devices can only drop what leaves it.

    Args:
        nodes: all nodes of the cluster.
        groups: who can still talk to whom. A node that no group names is alone.

    Returns:
        All nodes of other islands, by node, in the order of ``nodes``.

    Raises:
        BadInput: the groups are none of this cluster (see :func:`islands`).
    """
    island_of = {node: island for island in islands(nodes, groups) for node in island}
    return {node: tuple(other for other in nodes if other not in island_of[node]) for node in nodes}
