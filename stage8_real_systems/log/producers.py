"""Part 6, idempotent producers: no batch twice, and none missing in between (KIP-98).

A producer that gets no answer sends its batch again, and the leader must know it again, or the
records are in the log twice. So a producer has an id, and numbers its records in each partition:
a batch says the number of its first one, its *sequence*. The leader takes the batch that follows,
knows again the last few, and refuses what would leave a gap.

What is known of a producer is read off the log itself: every batch in it says who made it. So each
replica knows the same, and any of them can lead next; what is cut off the log is unknown again.

A producer may have lives, its *epochs*. A new one begins again with sequence 0, and what an old
one still has under way is refused.
"""

from collections import deque
from collections.abc import Iterable

from stage8_real_systems.log.batches import NOBODY, Batch
from stage8_real_systems.log.requests import (
    Error,
)

REMEMBERED = 5
"""Batches of a producer that are known again: so many it may have under way."""
SEQUENCES = 2**31
"""Sequences are less than this; then they begin again at 0."""


def following(batch: Batch) -> int:
    """The sequence of the batch after this one."""
    return (batch.sequence + batch.count) % SEQUENCES


class Known:
    """What is known of one producer.

    Attributes:
        epoch: its latest life that has written here.
        recent: the last batches of that life, the oldest first; never empty.
    """

    def __init__(self, batch: Batch) -> None:
        self.epoch = batch.producer_epoch
        self.recent = deque([batch], REMEMBERED)


class Producers:
    """All producers that have written to a log."""

    def __init__(self, batches: Iterable[Batch] = ()) -> None:
        self.known: dict[int, Known] = {}
        for batch in batches:
            if batch.producer != NOBODY:
                self.note(batch)

    def note(self, batch: Batch) -> None:
        """A batch of a producer is in the log now: remember it, without its payload.

        For a new producer, or a new life of one, this is the first. Else it is one more of the
        last few.
        """
        slim = batch.with_payload(b"")
        known = self.known.get(batch.producer)
        if known is None or batch.producer_epoch > known.epoch:
            self.known[batch.producer] = Known(slim)
        else:
            known.recent.append(slim)

    def repeated(self, batch: Batch) -> Batch | None:
        """The batch in the log of which this one is a repetition, or None.

        It has the same producer, producer epoch, sequence and count; only the last few are known.
        """
        known = self.known.get(batch.producer)
        if known is None or known.epoch != batch.producer_epoch:
            return None
        for each in known.recent:
            if (each.sequence, each.count) == (batch.sequence, batch.count):
                return each
        return None

    def refusal(self, batch: Batch, is_forgetful: bool) -> Error:
        """Why a batch that is no repetition must not be appended; Error.NONE if it may be.

        * A life that is over is refused: INVALID_PRODUCER_EPOCH.
        * A life begins with sequence 0, and each batch follows the one before:
          OUT_OF_ORDER_SEQUENCE_NUMBER if not.
        * Of a producer of which nothing is known, any sequence is taken if the log is forgetful:
          what it wrote may have been there, and be gone by retention.
        """
        known = self.known.get(batch.producer)
        if known is None:
            is_next = batch.sequence == 0 or is_forgetful
        elif batch.producer_epoch < known.epoch:
            return Error.INVALID_PRODUCER_EPOCH
        elif batch.producer_epoch > known.epoch:
            is_next = batch.sequence == 0
        else:
            is_next = batch.sequence == following(known.recent[-1])
        return Error.NONE if is_next else Error.OUT_OF_ORDER_SEQUENCE_NUMBER
