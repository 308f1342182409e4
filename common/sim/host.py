"""A host: the machine on which one node lives, dies and is made anew."""

from collections.abc import Callable
from typing import TypeAlias

from common.contract.events import CallId, NodeId
from common.contract.node import Node
from common.sim.disk import SimulatedDisk
from common.sim.network import Link
from common.values.history import Operation

Factory: TypeAlias = Callable[[NodeId, tuple[NodeId, ...]], Node]
"""Makes a node from its id and its peers; a Node class is one."""

MILLION = 1_000_000


class Host:
    """One machine: a node, a disk, a clock, and the links that leave it.

    Attributes:
        id: the machine's name.
        identity: the node's name, which messages carry; another one than the machine's where the
            node runs twice (:class:`common.values.faults.Twin`) and this is its second half.
        node: the node of the present life, or None while the host is down.
        life: how many lives have ended; what belongs to an earlier one is forgotten.
        paused: whether the node takes no events just now.
        backlog: what waits for a paused node.
        links: the links that leave this host, by target, as far as they were used.
        release_at: effects asked for before this time wait until then for the disk.
        held: of how many steps the effects wait; those of later steps stand behind them.
        timers: the timers set in this life that have neither fired nor been cancelled.
        calls: the client operations under way, by call.
        process: under which name the history has this host's next operation.
        offset, drift: how far the clock is ahead (µs), and how much faster it runs (ppm).
        behaviour: the name of the Byzantine behaviour, or "" for an honest node.
        lied_to: whom it lies to; everyone if empty.
        byzantine: whether it has ever lied, or is one of two halves.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        factory: Factory,
        disk: SimulatedDisk,
        identity: NodeId = "",
    ) -> None:
        self.id = id
        self.identity = identity or id
        self.peers = peers
        self.factory = factory
        self.disk = disk
        self.node: Node | None = None
        self.life = 0
        self.paused = False
        self.backlog: list[tuple[Callable[..., None], object, object, object]] = []
        self.links: dict[NodeId, Link[Host]] = {}
        self.release_at = 0
        self.held = 0
        self.timers: set[int] = set()
        self.calls: dict[CallId, Operation] = {}
        self.behaviour = ""
        self.lied_to: tuple[NodeId, ...] = ()
        self.byzantine = False
        self.process = id
        self._last_call: CallId = 0
        self.offset = 0
        self.drift = 0
        self._skew = 0
        self._drift_since = 0

    def clock(self, now: int) -> int:
        """What this host's clock shows at the world's time ``now``, in microseconds."""
        return now + self.offset + (now - self._drift_since) * self.drift // MILLION

    def set_clock(self, now: int, skew: int, drift: int) -> None:
        """From ``now`` on the clock is ``skew`` µs ahead of where it was, and ``drift`` ppm fast.

        Skew is measured against a clock without faults: setting it to 0 takes the jump back. What
        drift has gained stays gained.
        """
        self.offset = self.clock(now) - now + skew - self._skew
        self._drift_since, self._skew, self.drift = now, skew, drift

    def real_time(self, after: int) -> int:
        """How long ``after`` microseconds of this host's clock really take."""
        return after if not self.drift else after * MILLION // (MILLION + self.drift)

    def next_call(self) -> CallId:
        """A fresh name for a client operation."""
        self._last_call += 1
        return self._last_call
