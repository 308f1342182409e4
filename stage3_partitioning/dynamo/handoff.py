"""Hinted handoff: while a home is away somebody else keeps its copy, and brings it home.

DeCandia et al. 2007, section 4.6. A *sloppy quorum* is of the first N nodes that answer, not of the
first N of the ring. If a home does not answer in time, the next node of the walk gets the copy,
with a *hint*: whom it is for. It keeps the copy apart from its own keys, hands it over as soon as
that home answers, and then drops it. So a write is taken as long as any W nodes are there.

The price: R + W > N says nothing any more. The W nodes of a write and the R nodes of a read may
have none in common, while homes are away. What was written is there, but it may not be seen until
it has come home.
"""

from collections.abc import Mapping
from typing import Any

from common.contract import NodeId, message, on, timer
from common.values.units import MS
from stage3_partitioning.dynamo.keeping import Ask, Keep, PutRequest
from stage3_partitioning.dynamo.quorum import Coordinator, Reading, TimeIsOver, Writing
from stage3_partitioning.dynamo.versions import Versions

HAND_OVER_EVERY = 200 * MS
"""How long a node waits before it tries again to bring home what it keeps for others."""


@message
class HandOver:
    """This is yours: I have kept it while you were away."""

    key: str
    versions: Versions


@message
class Taken:
    """I have these versions on disk."""

    key: str
    versions: Versions


@timer
class HandOverAgain:
    """It is time to bring home what is kept for others."""


class Helper(Coordinator):
    """A node that stands in for homes that do not answer.

    Args:
        id, peers, options: as for :class:`~stage3_partitioning.dynamo.quorum.Coordinator`.
        sloppy: whether others stand in; if not, quorums are of homes alone.
        hand_over_every: in microseconds, between two tries to bring home what is kept.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        sloppy: bool = True,
        hand_over_every: int = HAND_OVER_EVERY,
        **options: Any,
    ) -> None:
        super().__init__(id, peers, **options)
        self.sloppy = sloppy
        self.hand_over_every = hand_over_every
        self.hints: dict[str, tuple[NodeId, ...]] = {}
        """By key, to whom it has to be brought. It is on disk under ("hint", key)."""

    def status(self) -> Mapping[str, object]:
        """How many keys are to be brought home, too."""
        return {**super().status(), "hints": len(self.hints)}

    def on_start(self) -> None:
        """Take the hints from disk too, and begin to bring home."""
        super().on_start()
        saved: Mapping[Any, Any] = self.saved
        self.hints = {key[1]: homes for key, homes in saved.items() if key[0] == "hint"}
        self.set_timer(self.hand_over_every, HandOverAgain())

    def answers_for(self, key: str) -> bool:
        """With sloppy quorums any node may coordinate: the homes may all be away."""
        return self.sloppy or super().answers_for(key)

    def note_hint(self, key: str, homes: tuple[NodeId, ...]) -> None:
        """Remember, and save, that the key has to be brought to these homes; never to itself."""
        known = self.hints.get(key, ())
        wanted = tuple(sorted({*known, *homes} - {self.id}))
        if wanted != known:
            self.hints[key] = wanted
            self.save(("hint", key), wanted)

    # Standing in.

    @on(PutRequest)
    def put_request_received(self, put: PutRequest, client: NodeId) -> None:
        """As a home does; but what is written at a node that is no home has to be brought home."""
        super().put_request_received(put, client)
        if put.key in self.held and self.id not in self.homes(put.key):
            self.note_hint(put.key, self.homes(put.key))

    def stand_ins(self, key: str) -> list[NodeId]:
        """The other nodes that are no home of the key, in the order of the walk."""
        homes = self.homes(key)
        return [node for node in self.ring.walk(key) if node not in (*homes, self.id)]

    def write_elsewhere(self, round: int, writing: Writing) -> None:
        """For each home that has not answered, give its copy to a node behind the homes.

        The first one of these stands in for the first such home, the next one for the next.
        """
        away = [home for home in self.homes(writing.key) if home not in writing.kept]
        for home, other in zip(away, self.stand_ins(writing.key), strict=False):
            self.send(other, Keep(round, writing.key, self.versions(writing.key), home))

    @on(Keep)
    def keep_received(self, keep: Keep, sender: NodeId) -> None:
        """Keep it, and if it is for somebody else, remember whose it is."""
        super().keep_received(keep, sender)
        if keep.home != self.id:
            self.note_hint(keep.key, (keep.home,))

    def read_elsewhere(self, round: int, reading: Reading) -> None:
        """For each home that has not answered, ask one node behind the homes.

        A node that coordinates and is no home counts as one of these.
        """
        away = [home for home in self.homes(reading.key) if home not in reading.found]
        if self.id not in self.homes(reading.key):
            reading.found[self.id] = self.versions(reading.key)
        for _, other in zip(away, self.stand_ins(reading.key), strict=False):
            self.send(other, Ask(round, reading.key))
        self.look_at_reading(reading)

    @on(TimeIsOver)
    def time_is_over(self, timer: TimeIsOver) -> None:
        """The first time, let others stand in, and wait once more; then end the round."""
        under_way = self.rounds.get(timer.round)
        if not self.sloppy or under_way is None or timer.again:
            super().time_is_over(timer)
            return
        if isinstance(under_way, Writing):
            self.write_elsewhere(timer.round, under_way)
        else:
            self.read_elsewhere(timer.round, under_way)
        self.set_timer(self.patience, TimeIsOver(timer.round, again=True))

    # Bringing home.

    @on(HandOverAgain)
    def hand_over_again(self, timer: HandOverAgain) -> None:
        """Offer each key that is kept for others to each of them."""
        for key, homes in self.hints.items():
            for home in homes:
                self.send(home, HandOver(key, self.versions(key)))
        self.set_timer(self.hand_over_every, HandOverAgain())

    @on(HandOver)
    def hand_over_received(self, hand_over: HandOver, sender: NodeId) -> None:
        """Keep it; only then say so."""
        self.keep(hand_over.key, hand_over.versions)
        self.send(sender, Taken(hand_over.key, hand_over.versions))

    @on(Taken)
    def taken_received(self, taken: Taken, sender: NodeId) -> None:
        """The hint is done with, if the sender has all that is here; else it is offered again.

        The hints that are left are saved under ("hint", key). With the last one that is forgotten,
        and the key is dropped, if this node is no home of it.
        """
        homes = self.hints.get(taken.key, ())
        if sender not in homes or taken.versions != self.versions(taken.key):
            return
        left = tuple(home for home in homes if home != sender)
        if left:
            self.hints[taken.key] = left
            self.save(("hint", taken.key), left)
            return
        del self.hints[taken.key]
        self.forget(("hint", taken.key))
        if self.id not in self.homes(taken.key):
            self.drop(taken.key)
