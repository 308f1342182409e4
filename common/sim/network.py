"""The simulated network: what becomes of one message on one link.

Links are one-way. A message on a link is delivered once, twice or never, after a latency drawn
anew for each, so that messages overtake each other like datagrams do. A protocol that needs an
order or an acknowledgement has to make them itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from common.contract.events import NodeId
from common.contract.sizes import wire_size
from common.values import faults
from common.values.units import MS, SECOND

MAX_BACKLOG = 1 * SECOND
"""A message that would wait longer than this for a link's bandwidth is lost (tail drop)."""

OTHER_HALF = "the other half's"
"""Why a message does not reach one half of a node that runs twice."""

REORDER_FACTOR = 4
"""A message held back is delayed by up to this many times the link's greatest latency."""


class Target(Protocol):
    """What a link leads to."""

    @property
    def id(self) -> NodeId: ...


T = TypeVar("T", bound=Target)


@dataclass(frozen=True, slots=True)
class LinkModel:
    """How a link behaves until a fault changes it; the fields are those of ``faults.Link``.

    Attributes:
        latency: least and greatest one-way delay in microseconds; each message draws evenly.
        loss: probability from 0 to 1 that a message is lost.
        duplicate: probability that it arrives a second time.
        reorder: probability that it is held back so that later ones overtake it.
        bandwidth: bytes a second, 0 for no limit.
    """

    latency: tuple[int, int] = (1 * MS, 5 * MS)
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    bandwidth: int = 0


class Link(Generic[T]):
    """One direction between two hosts, with its present behaviour.

    ``plain`` says that nothing but latency happens here, which is the simulator's fast path.
    ``twin`` leads to the second half of the target, where that runs twice: what is sent here is
    sent there too.
    """

    __slots__ = (
        "bandwidth", "blocked", "busy_until", "duplicate", "least", "loss", "plain", "reorder",
        "source", "span", "target", "twin", "why",
    )  # fmt: skip

    def __init__(self, source: NodeId, target: T, model: LinkModel) -> None:
        self.source = source
        self.target = target
        self.twin: Link[T] | None = None
        self.blocked = False
        self.why = ""
        self.busy_until = 0
        self.least, self.span = model.latency[0], model.latency[1] - model.latency[0] + 1
        self.loss, self.duplicate, self.reorder = model.loss, model.duplicate, model.reorder
        self.bandwidth = model.bandwidth
        self.settle()

    def settle(self) -> None:
        """Decide again whether the link is ``plain``; called after each change."""
        self.plain = not (
            self.twin
            or self.blocked
            or self.loss
            or self.duplicate
            or self.reorder
            or self.bandwidth
        )

    def change(self, fault: faults.Link) -> None:
        """Take over the parts of a link fault that are not None."""
        if fault.latency is not None:
            self.least, self.span = fault.latency[0], fault.latency[1] - fault.latency[0] + 1
        for part in ("loss", "duplicate", "reorder", "bandwidth"):
            value = getattr(fault, part)
            if value is not None:
                setattr(self, part, value)
        self.settle()

    def block(self, why: str) -> None:
        """Lose everything from now on; ``why`` is shown in traces."""
        self.blocked, self.why = True, why
        self.settle()

    def heal(self) -> None:
        """Let messages pass again."""
        self.blocked, self.why = False, ""
        self.settle()

    def fate(self, now: int, draw: Callable[[], float], message: object) -> tuple[int, ...] | str:
        """What becomes of a message that is sent at ``now``.

        Args:
            now: world time in microseconds.
            draw: gives the next random number from 0 up to but not including 1.
            message: asked for its size where bandwidth is limited.

        Returns:
            The times at which it arrives, or why it is lost.
        """
        if self.blocked:
            return self.why
        lost = self.loss and draw() < self.loss
        start = now
        if self.bandwidth:
            start = max(now, self.busy_until) + wire_size(message) * SECOND // self.bandwidth
            if start - now > MAX_BACKLOG:
                return "queue full"
            self.busy_until = start
        if lost:  # on its way: it has taken its share of the bandwidth all the same
            return "loss"
        arrival = start + self.least + int(draw() * self.span)
        if self.reorder and draw() < self.reorder:
            arrival += int(draw() * REORDER_FACTOR * (self.least + self.span))
        if self.duplicate and draw() < self.duplicate:
            return (arrival, start + self.least + int(draw() * self.span))
        return (arrival,)


class Network(Generic[T]):
    """All links of a simulation, made when first used.

    Args:
        model: how every link behaves at first.
    """

    def __init__(self, model: LinkModel) -> None:
        self._model = model
        self._links: dict[tuple[NodeId, NodeId], Link[T]] = {}
        self._changes: list[faults.Link] = []
        self._groups: tuple[tuple[NodeId, ...], ...] | None = None
        self._blocks: set[tuple[NodeId, NodeId]] = set()
        self._halves: dict[NodeId, tuple[NodeId, ...]] = {}

    def link(self, source: NodeId, target: T) -> Link[T]:
        """The link from ``source`` to ``target``."""
        found = self._links.get((source, target.id))
        if found is None:
            found = self._links[source, target.id] = Link(source, target, self._model)
            for change in self._changes:
                if _concerns(change, source, target.id):
                    found.change(change)
            if self._blocks or self._halves or self._groups is not None:
                self._cut(source, target.id, found)
        return found

    def apply(self, fault: object) -> None:
        """Carry out a Partition, Block, Heal or Link fault."""
        match fault:
            case faults.Link():
                self._changes.append(fault)
                for (source, target), link in self._links.items():
                    if _concerns(fault, source, target):
                        link.change(fault)
                return
            case faults.Partition(_, groups):
                self._groups = groups
            case faults.Block(_, source, target):
                self._blocks.add((source, target))
            case faults.Heal():
                self._groups = None
                self._blocks.clear()
        for (source, target), link in self._links.items():
            self._cut(source, target, link)

    def halve(self, one: NodeId, other: NodeId, halves: Sequence[tuple[NodeId, ...]]) -> None:
        """From now on ``one`` and ``other``, which are one node, each see their half alone."""
        self._halves[one], self._halves[other] = halves
        for (source, target), link in self._links.items():
            self._cut(source, target, link)

    def _cut(self, source: NodeId, target: NodeId, link: Link[T]) -> None:
        if not self._sees(source, target) or not self._sees(target, source):
            link.block(OTHER_HALF)
        elif (source, target) in self._blocks:
            link.block("blocked")
        elif source != target and self._groups is not None and not self._together(source, target):
            link.block("partition")
        elif link.blocked:
            link.heal()

    def _sees(self, one: NodeId, other: NodeId) -> bool:
        """Whether ``other`` is in the part of the network that ``one`` sees."""
        half = self._halves.get(one)
        return half is None or other == one or other in half

    def _together(self, source: NodeId, target: NodeId) -> bool:
        groups = self._groups or ()
        return any(source in group and target in group for group in groups)


def _concerns(fault: faults.Link, source: NodeId, target: NodeId) -> bool:
    everyone = faults.Schedule.everyone
    return fault.source in (everyone, source) and fault.target in (everyone, target)
