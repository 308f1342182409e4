"""The runtime's own fault layer: what becomes of a frame before it reaches a socket.

Every frame that leaves a node for another passes here, so links lose, delay, double, reorder and
cut on any operating system and without root. TCP below is reliable; what a fault does is done to
whole frames above it, as a datagram network would. While no fault is set, ``active`` is False and
the host goes around this layer: it then costs one test of a boolean.

The simulator's network (``common/sim/network.py``) gives the same faults the same meaning.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

from common.contract.events import NodeId
from common.values import faults
from common.values.units import MS, SECOND

MAX_BACKLOG_US = 1 * SECOND
"""A frame that would wait longer than this for a link's bandwidth is lost (tail drop)."""
MAX_DELAYED_FRAMES = 100_000
"""So many frames may be under way on slow links at once; one more is lost."""
REORDER_FACTOR = 4
LEAST_REORDER_US = 5 * MS
"""A frame held back waits up to 4 times the link's greatest latency, counted as at least 5 ms."""

Forward = Callable[[NodeId, bytes, int], None]
"""Hands a frame on to the socket: ``(to, frame, number)``."""
Dropped = Callable[[NodeId, int, str], None]
"""Is told of a frame that will not arrive: ``(to, number, why)``."""


class Clock(Protocol):
    """The part of an asyncio loop that this layer needs."""

    def time(self) -> float:
        """Seconds, monotonic."""

    def call_later(self, delay: float, callback: Callable[..., object], *args: object) -> object:
        """Call back after ``delay`` seconds."""


@dataclass(slots=True)
class _Link:
    """The present behaviour of one way out."""

    least: int = 0
    greatest: int = 0
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    bandwidth: int = 0
    busy_until: int = 0

    def change(self, fault: faults.Link) -> None:
        if fault.latency is not None:
            self.least, self.greatest = fault.latency
        for part in ("loss", "duplicate", "reorder", "bandwidth"):
            value = getattr(fault, part)
            if value is not None:
                setattr(self, part, value)

    def clean(self) -> bool:
        return not (self.greatest or self.loss or self.duplicate or self.reorder or self.bandwidth)


class Links:
    """All links that leave one node.

    Args:
        source: the node whose links these are.
        random: draws what happens to each frame.
        clock: time and delays, an asyncio event loop.
        forward: takes the frames that go on.
        dropped: is told of those that do not.

    Attributes:
        active: whether any fault is set; while it is not, callers forward frames themselves.
    """

    def __init__(
        self, source: NodeId, random: Random, clock: Clock, forward: Forward, dropped: Dropped
    ) -> None:
        self.active = False
        self._source = source
        self._random = random
        self._clock = clock
        self._forward = forward
        self._dropped = dropped
        self._links: dict[NodeId, _Link] = {}
        self._default = _Link()
        self._groups: tuple[tuple[NodeId, ...], ...] | None = None
        self._blocked: set[NodeId] = set()
        self._delayed = 0

    def apply(self, fault: faults.Fault) -> None:
        """Carry out a Link, Partition, Block or Heal fault; others do not concern links."""
        match fault:
            case faults.Link(_, source) if source in (faults.Schedule.everyone, self._source):
                self._change(fault)
            case faults.Partition(_, groups):
                self._groups = groups
            case faults.Block(_, source, target) if source == self._source:
                self._blocked.add(target)
            case faults.Heal():
                self._groups = None
                self._blocked.clear()
        dirty = any(not link.clean() for link in (self._default, *self._links.values()))
        self.active = dirty or bool(self._blocked) or self._groups is not None

    def _change(self, fault: faults.Link) -> None:
        if fault.target == faults.Schedule.everyone:
            for link in (self._default, *self._links.values()):
                link.change(fault)
        else:
            self._link(fault.target).change(fault)

    def _link(self, to: NodeId) -> _Link:
        link = self._links.get(to)
        if link is None:
            link = self._links[to] = replace(self._default)
        return link

    def cut(self, to: NodeId) -> str:
        """Why nothing passes to ``to`` just now, or "" if something may."""
        if to in self._blocked:
            return "blocked"
        return "partition" if self.parted(to) else ""

    def parted(self, other: NodeId) -> bool:
        """Whether a partition lets nothing pass between ``other`` and this node, either way."""
        return self._groups is not None and not any(
            self._source in group and other in group for group in self._groups
        )

    def send(self, to: NodeId, frame: bytes, number: int) -> None:
        """Let a frame meet its fate: on at once, later, twice, or never."""
        if why := self.cut(to):
            self._dropped(to, number, why)
            return
        link, draw = self._link(to), self._random.random
        lost = link.loss and draw() < link.loss
        wait = 0
        if link.bandwidth:
            now = int(self._clock.time() * SECOND)
            done = max(now, link.busy_until) + len(frame) * SECOND // link.bandwidth
            wait = done - now
            if wait > MAX_BACKLOG_US:
                self._dropped(to, number, "queue full")
                return
            link.busy_until = done
        if lost:  # on its way: it has taken its share of the bandwidth all the same
            self._dropped(to, number, "loss")
            return
        late = wait + self._latency(link)
        if link.reorder and draw() < link.reorder:
            late += int(draw() * REORDER_FACTOR * max(link.greatest, LEAST_REORDER_US))
        self._send_later(late, to, frame, number)
        if link.duplicate and draw() < link.duplicate:
            self._send_later(wait + self._latency(link), to, frame, number)

    def _latency(self, link: _Link) -> int:
        return self._random.randint(link.least, link.greatest) if link.greatest else 0

    def _send_later(self, after: int, to: NodeId, frame: bytes, number: int) -> None:
        if after == 0:
            self._forward(to, frame, number)
        elif self._delayed >= MAX_DELAYED_FRAMES:
            self._dropped(to, number, "queue full")
        else:
            self._delayed += 1
            self._clock.call_later(after / SECOND, self._arrive, to, frame, number)

    def _arrive(self, to: NodeId, frame: bytes, number: int) -> None:
        self._delayed -= 1
        if why := self.cut(to):  # a cut takes what is under way too
            self._dropped(to, number, why)
        else:
            self._forward(to, frame, number)
