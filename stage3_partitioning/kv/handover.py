"""Handing slots over, in the background and in bounded batches, while clients write.

The source of a move owns what is not below its frontier, the target what is below its own. For each
batch:

1. The source moves its frontier ahead and saves that. From now on it answers for none of these
   keys, whatever happens; they do not change any more, so after a crash it finds the same batch.
2. It sends the keys with their values and sessions, again and again until an answer comes.
3. The target saves them together with its own frontier, in one step, and says so. It owns them now.
4. The source deletes them. When nothing is left, it tells the coordinator.

A crash at any point leaves the batch with one of the two, or with both and nobody answering. Both
sides are deterministic in what they saved, and every message may be lost, late or doubled.
"""

from typing import Unpack

from common.contract import NodeId, TimerId, on, timer
from stage3_partitioning.kv.member import Config
from stage3_partitioning.kv.messages import (
    Batch,
    Begin,
    Done,
    Handed,
    Prepare,
    Prepared,
    Taken,
)
from stage3_partitioning.kv.ownership import Incoming, Outgoing, between, cut, slots_between
from stage3_partitioning.kv.shard import Shard
from stage3_partitioning.kv.store import Item


@timer
class SendAgain:
    """The batch that is on its way was not acknowledged in time."""


class Handover(Shard):
    """A shard that gives slots away, and takes some in. The arguments are those of ``Config``."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Unpack[Config]) -> None:
        super().__init__(id, peers, **config)
        self.send_timer: TimerId = 0

    def on_start(self) -> None:
        """Go on with the batch that was on its way."""
        super().on_start()
        self._send_batch()

    # The target's part.

    @on(Prepare)
    def prepare(self, prepare: Prepare, sender: NodeId) -> None:
        """Take the table that the move starts from, and note durably that slots will come."""
        self.adopt(prepare.table)
        move = prepare.move
        if move.number <= self.table.epoch:
            return  # an old message: that move is over
        if self.incoming is None:
            self._come_to(Incoming(move, move.start))
        self.send(sender, Prepared(move.number))

    @on(Batch)
    def batch_received(self, batch: Batch, sender: NodeId) -> None:
        """Own these keys from now on; one that came before is acknowledged once more.

        A batch of a move that is over can only be a copy: its source waits for no answer.
        """
        incoming = self.incoming
        if incoming is None or incoming.move.number != batch.number:
            return
        if batch.begin == incoming.frontier:
            for handed in batch.items:
                expires_at = None if handed.life_us is None else self.now + handed.life_us
                self.store.put(handed.key, Item(handed.value, expires_at))
            for session in batch.sessions:
                known = self.sessions.get(session.slot, {}).get(session.client)
                if known is None or known.number < session.number:
                    self.remember(session)
            self.save_changes()
            self._come_to(Incoming(incoming.move, batch.until))
        if batch.until <= self.incoming.frontier:  # type: ignore[union-attr]
            self.send(sender, Taken(batch.number, batch.until))

    def _come_to(self, incoming: Incoming) -> None:
        self.incoming = incoming
        self.save("incoming", incoming)

    # The source's part.

    @on(Begin)
    def begin(self, begin: Begin, sender: NodeId) -> None:
        """Begin to hand over, or say that it is done; an order that came before changes nothing."""
        self.adopt(begin.table)
        move = begin.move
        if move.number <= self.table.epoch:
            return
        if self.outgoing is None:
            self._stand_at(Outgoing(move, move.start, move.start))
            self._advance()
        elif self.outgoing.done == move.end:
            self.send(sender, Done(move.number))

    def _advance(self) -> None:
        """Give up the next batch, and send it."""
        outgoing = self.outgoing
        assert outgoing is not None, "there is a move"
        move, done = outgoing.move, outgoing.done
        if done == move.end:
            self.send(self.coordinator, Done(move.number))
            return
        most_keys, most_bytes = self.config["batch_keys"], self.config["batch_bytes"]
        until = cut(self.store, self.sessions, done, move.end, most_keys, most_bytes)
        self._stand_at(Outgoing(move, done, until))
        self._send_batch()

    def _send_batch(self) -> None:
        """Send what lies between the two positions: it has not changed since it was given up."""
        outgoing = self.outgoing
        if outgoing is None or outgoing.done == outgoing.frontier:
            return
        begin, until = outgoing.done, outgoing.frontier
        items = []
        for key in between(self.store, begin, until):
            item = self.store.tables[self.slot_of(key)][key]
            life = None if item.expires_at is None else item.expires_at - self.now
            items.append(Handed(key, item.value, life))
        sessions = [
            self.sessions[slot][client]
            for slot in slots_between(list(self.sessions), begin, until)
            for client in sorted(self.sessions[slot])
        ]
        batch = Batch(outgoing.move.number, begin, until, tuple(items), tuple(sessions))
        self.send(outgoing.move.target, batch)
        self.send_timer = self.set_timer(self.retry_after, SendAgain())

    @on(SendAgain)
    def send_again(self, timer: SendAgain) -> None:
        """Say it once more: batch or acknowledgement may be lost, or the target down."""
        self._send_batch()

    @on(Taken)
    def taken(self, taken: Taken, sender: NodeId) -> None:
        """The target has the batch: delete it here, send on those who wait, and go on."""
        outgoing = self.outgoing
        if outgoing is None or outgoing.move.number != taken.number:
            return
        if taken.until != outgoing.frontier or outgoing.done == outgoing.frontier:
            return  # a copy of an earlier acknowledgement
        self.cancel_timer(self.send_timer)
        for key in between(self.store, outgoing.done, outgoing.frontier):
            self.store.remove(key)
        self.save_changes()
        self._forget_sessions(outgoing.done[0], outgoing.frontier[0])
        self._stand_at(Outgoing(outgoing.move, outgoing.frontier, outgoing.frontier))
        self.release()
        self._advance()

    def _forget_sessions(self, first: int, end: int) -> None:
        """Nobody asks here any more for slots that are handed over as a whole."""
        for slot in [each for each in sorted(self.sessions) if first <= each < end]:
            for client in sorted(self.sessions[slot]):
                self.forget(("session", slot, client))
            del self.sessions[slot]

    def _stand_at(self, outgoing: Outgoing) -> None:
        self.outgoing = outgoing
        self.save("outgoing", outgoing)
