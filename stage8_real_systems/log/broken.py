"""Replicas that lack a rule, each of which Kafka once lacked. Do not build on them."""

from common.contract import NodeId, on
from stage8_real_systems.log.alone import LoneReplica
from stage8_real_systems.log.messages import ItEnds


class CutsAtHighWatermark(LoneReplica):
    """A follower that cuts its log at its high watermark, and asks nobody (before KIP-101).

    It hears late what is committed. So it cuts off what a producer was told is safe.
    """

    def begin_to_follow(self) -> None:
        self.truncate(self.high_watermark)
        self.asking = None
        self.ask_leader()


class TakesTheOffset(LoneReplica):
    """A follower that looks at the offset in the leader's answer only (KIP-101 without KIP-279).

    If the leader never saw the follower's last epoch, the offset is that of another epoch, and the
    follower keeps batches of its own where the leader has others.
    """

    @on(ItEnds)
    def epoch_end_told(self, answer: ItEnds, sender: NodeId) -> None:
        if self.follows(answer.leader_epoch) and answer.asked == self.asking:
            self.truncate(min(answer.end_offset, self.log.end))
            self.asking = None
            self.ask_leader()


class ShrinksAlone(LoneReplica):
    """A leader that does without followers that are late before the controller has agreed.

    It tells a producer that all in-sync replicas have a batch, and the controller lets one of the
    late ones lead.
    """

    def want(self, isr: tuple[NodeId, ...]) -> None:
        for late in [each for each in self.progress if each not in isr]:
            del self.progress[late]
        self.commit()
        super().want(isr)
