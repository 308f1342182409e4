"""The last writer wins: the copies agree, and concurrent writes are lost.

Johnson and Thomas 1975, "Maintenance of duplicate databases" (RFC 677), gave each write a time and
let the later time win. All leaders that have the same writes then show the same, whatever the order
in which these came. Nothing else is asked of a user, which is why so many systems do it.

Two things are wrong with it, and this file mends one:

* **A wrong clock erases what is newer.** A write that follows another one, by somebody who has read
  it, may have an earlier time, if its leader's clock is behind. It would lose, and be gone at once.
  So a stamp is not the clock's alone: it is later than every stamp that this leader has seen, as
  Lamport's clock is. (Kulkarni et al. 2014 call such a clock *hybrid*.)
* **Concurrent writes are lost**, all but one. Nobody is told, and each was acknowledged. That is no
  mistake but the rule itself. A leader can at least *count* them: it has the vectors.
"""

from collections.abc import Mapping
from typing import Any

from common.contract import CallId, NodeId, on
from common.values.history import Ok
from stage3_partitioning.multileader.shipping import Get, Leader
from stage3_partitioning.multileader.versions import Write, concurrent


class LastWriterWins(Leader):
    """A leader that shows one value for each key: that with the greatest stamp."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **options: Any) -> None:
        super().__init__(id, peers, **options)
        self.latest_stamp = 0
        """The greatest stamp in the log."""
        self.writes: dict[str, list[Write]] = {}
        """All writes of each key, in the order of the log."""
        self.lost: set[tuple[NodeId, int]] = set()
        """The writes, by leader and number, that lost to one that had not seen them."""

    def status(self) -> Mapping[str, object]:
        """How many writes are here, and how many of them are lost."""
        return {**super().status(), "lost": len(self.lost)}

    def stamp(self) -> int:
        """The clock's time; but in any case later than each stamp that is in the log."""
        return max(self.now, self.latest_stamp + 1)

    def apply(self, write: Write) -> None:
        """Remember it and its stamp. Of each two concurrent writes the earlier one is lost."""
        self.latest_stamp = max(self.latest_stamp, write.at)
        for other in self.writes.get(write.key, ()):
            if concurrent(write, other):
                loser = min(write, other, key=order)
                self.lost.add((loser.leader, loser.number))
                self.note(f"{loser.value} is lost", key=write.key)
        self.writes.setdefault(write.key, []).append(write)

    @on(Get)
    def get(self, get: Get, call: CallId) -> None:
        """Answer with the winner's value, Ok(value); Ok(None) if nobody has written."""
        written = self.writes.get(get.key)
        self.finish(call, Ok(max(written, key=order).value if written else None))


def order(write: Write) -> tuple[int, NodeId]:
    """The order of writes: by stamp, and where stamps are equal by leader; the last one wins."""
    return write.at, write.leader
