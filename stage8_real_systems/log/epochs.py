"""Part 5, leader epochs: which leader wrote which part of a log, so where two logs part (KIP-101).

Each leader of a partition has an epoch, a number above those of all earlier leaders, and all that
it appends carries it. A leader never takes back what it has appended. So two logs that hold
batches of the same epoch agree up to where the shorter of the two parts ends; and a follower can
find out where its log and the leader's part by comparing a few numbers.

The *high watermark* cannot tell. It says what is committed, but a follower hears of it late: one
that cuts its log there may cut off what is committed, and when it leads next, that is lost
(KIP-101, "Scenario 1"; ``broken`` shows it).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from stage8_real_systems.log.batches import Batch

NO_EPOCH = -1


class Epochs:
    """The epochs in a log.

    Attributes:
        starts: pairs of an epoch and the offset of its first batch, in order; both only grow.
    """

    def __init__(self, batches: Iterable[Batch] = ()) -> None:
        self.starts: list[tuple[int, int]] = []
        for batch in batches:
            self.note(batch.epoch, batch.base_offset)

    @property
    def latest(self) -> int:
        """The last one; NO_EPOCH in an empty log."""
        return self.starts[-1][0] if self.starts else NO_EPOCH

    def note(self, epoch: int, start: int) -> None:
        """A batch of ``epoch`` begins at ``start``; only the first one of its epoch is new."""
        assert epoch >= self.latest, f"epoch {epoch} after {self.latest}: epochs never go back"
        if epoch > self.latest:
            self.starts.append((epoch, start))

    def end_of(self, epoch: int, log_end: int) -> tuple[int, int]:
        """The greatest epoch in the log that is not above ``epoch``, and the offset behind it.

        That is where the next epoch starts, or the end of the log. Where all are above, it is
        NO_EPOCH, which ends where the log starts.
        """
        at = bisect_right(self.starts, epoch, key=lambda each: each[0])
        found = self.starts[at - 1][0] if at else NO_EPOCH
        if at < len(self.starts):
            return found, self.starts[at][1]
        return found, log_end

    def truncate(self, offset: int) -> None:
        """The log now ends at ``offset``."""
        del self.starts[bisect_left(self.starts, offset, key=lambda each: each[1]) :]

    def begin_at(self, offset: int) -> None:
        """The log now starts at ``offset``; an epoch that goes on there starts there."""
        at = bisect_right(self.starts, offset, key=lambda each: each[1])
        if at:
            self.starts[:at] = [(self.starts[at - 1][0], offset)]


def where_to_cut(own: Epochs, log_end: int, epoch: int, end_offset: int) -> tuple[int, int | None]:
    """Where a follower cuts its log, when the leader has said where an epoch ended.

    If the follower has that epoch too, the two logs agree up to where the shorter of the two
    parts ends, and part there. If it has not, then nothing of what it has above the next lower
    epoch of its own can be in the leader's log; but whether that lower one is, has to be asked:
    KIP-279 tells what is lost where nobody asks.

    Args:
        own: the epochs in the follower's log, which ends at ``log_end``.
        epoch: which the leader has: the greatest that is not above what the follower asked for.
        end_offset: where that one ends in the leader's log.

    Returns:
        Up to which offset to keep the log; and the epoch to ask for next, or None if the logs
        agree now.
    """
    mine, my_end = own.end_of(epoch, log_end)
    if mine == epoch:
        return min(my_end, end_offset), None
    return my_end, mine
