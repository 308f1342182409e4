"""The consistent register, broken: its reads do not write back what they found.

A read that asked a majority and took the greatest tag: what could be wrong with that? The value may
be on one replica only, because its write is still under way. Who asks that replica reads the new
value, and who asks the two others afterwards reads the old one. ``lab demo cap`` runs it, after the
explorer has found the shortest way there.
"""

from common.contract import NodeId
from stage1_foundations.cap.client import ReadReply, ReadRequest
from stage1_foundations.cap.consistent import ConsistentReplica, Pending, Tagged


class ReadsWithoutWriteBack(ConsistentReplica):
    """Answers a read as soon as its query phase has found the greatest tag of a majority."""

    def _update(self, client: NodeId, pending: Pending, spread: Tagged) -> None:
        if isinstance(pending.request, ReadRequest):
            self._end(client, pending)
            self.send(client, ReadReply(pending.request.number, spread.value))
        else:
            super()._update(client, pending, spread)
