"""Two replicas and a controller for the explorer: every order of everything, and a crash.

n1 leads and takes a batch at once. n2 copies it, and may crash and come back at any moment. At any
moment, too, the controller takes n1 for dead, and n2 leads. What anybody called committed has to be
in the log of each later leader, and two logs have to agree where they hold the same epoch.

* :data:`A_FOLLOWER_RESTARTS`: the replicas of the lab. It holds.
* :data:`CUT_AT_THE_HIGH_WATERMARK`: a follower that cuts its log at its high watermark. The
  explorer finds KIP-101's loss.
"""

from collections.abc import Callable
from itertools import permutations

from common.check.explorer import Bounds, Instance, WorldView
from common.contract import CallId, Node, NodeId, on
from stage8_real_systems.log.alone import (
    Appoint,
    Arrived,
    FenceBroker,
    IsrWish,
    LoneController,
    LoneReplica,
)
from stage8_real_systems.log.batches import batch_of
from stage8_real_systems.log.broken import CutsAtHighWatermark
from stage8_real_systems.log.messages import PartitionState
from stage8_real_systems.log.metadata import Metadata, Register
from stage8_real_systems.log.requests import LEADER, CreateTopic

REPLICAS = ("n1", "n2")
AT_FIRST = PartitionState(REPLICAS, REPLICAS, "n1", 0, 0)


class SmallController(LoneController):
    """A controller that has decided already who leads, and says what it decides once."""

    def on_start(self) -> None:
        """Both are there, and n1 leads."""
        self.metadata = Metadata(replication=2)
        for replica in REPLICAS:
            self.metadata.apply(Register(replica, 1))
        self.metadata.apply(CreateTopic("t", 1))

    @on(FenceBroker)
    def fence_asked(self, request: FenceBroker, call: CallId) -> None:
        """Take a broker for dead, and say so."""
        super().fence_asked(request, call)
        self.say()

    @on(Arrived)
    def arrived(self, news: Arrived, sender: NodeId) -> None:
        """A replica is there again: tell it what is decided."""
        super().arrived(news, sender)
        self.say()

    @on(IsrWish)
    def isr_wished(self, wish: IsrWish, sender: NodeId) -> None:
        """Decide on a wish, and say so."""
        super().isr_wished(wish, sender)
        self.say()

    def say(self) -> None:
        """Say what is decided."""
        state = self.metadata.find("t", 0)
        for replica in REPLICAS:
            self.send(replica, Appoint(self.metadata.lives[replica], state))


def small(kind: type[LoneReplica]) -> Callable[[NodeId, tuple[NodeId, ...]], Node]:
    """Such a replica, which knows at first who leads; the leader takes a batch at once."""

    class Small(kind):  # type: ignore[misc,valid-type]
        """It begins with what is decided at first; in later lives it asks."""

        def on_start(self) -> None:
            super().on_start()
            if self.life > 1:
                self.send("ctl", Arrived(self.life))
                return
            self.controller = "ctl"
            self.assume(AT_FIRST)
            if self.leads:
                self.take(batch_of(("k", "m")), LEADER)

    return Small


def replicas(world: WorldView) -> dict[NodeId, LoneReplica]:
    """The replicas that are up."""
    return {id: node for id, node in world.items() if isinstance(node, LoneReplica)}


def nothing_committed_is_lost(world: WorldView) -> str | None:
    """what a replica called committed is in the log of each later leader"""
    for one, other in permutations(replicas(world).values(), 2):
        if other.leads and other.state.epoch > one.state.epoch >= 0:
            missing = one.high_watermark - other.log.end
            if missing > 0:
                return f"{other.id} leads without {missing} batches that {one.id} calls committed"
    return None


def logs_agree(world: WorldView) -> str | None:
    """at one offset two logs have the same batch, if it is of the same epoch"""
    for one, other in permutations(replicas(world).values(), 2):
        for mine, others in zip(one.log.batches(), other.log.batches(), strict=False):
            if mine.epoch == others.epoch and mine != others:
                return f"{one.id} has {mine} where {other.id} has {others}"
    return None


def n2_leads_with_the_batch(world: WorldView) -> bool:
    """n2 leads, and has the batch"""
    n2 = replicas(world).get("n2")
    return n2 is not None and n2.leads and n2.log.end > 0


def the_batch_is_committed(world: WorldView) -> bool:
    """the batch is committed"""
    return any(each.high_watermark > 0 for each in replicas(world).values())


def _instance(kind: type[LoneReplica]) -> Instance:
    return Instance(
        nodes=dict.fromkeys(REPLICAS, small(kind)),
        clients={"ctl": SmallController},
        operations={"ctl": (FenceBroker("n1"),)},
        bounds=Bounds(timers=0, crashes=1, restarts=1),
        always=(nothing_committed_is_lost, logs_agree),
        sometimes=(n2_leads_with_the_batch, the_batch_is_committed),
    )


A_FOLLOWER_RESTARTS = _instance(LoneReplica)
CUT_AT_THE_HIGH_WATERMARK = _instance(CutsAtHighWatermark)
