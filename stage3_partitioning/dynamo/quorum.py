"""Quorums: a write waits for W of a key's N homes, a read for R, and a read repairs what is old.

DeCandia et al. 2007, section 4.5. Any home of a key can be the *coordinator* of a request. For a
write it makes a new version, keeps it, and sends what it has to the other homes; it answers once W
have it. For a read it asks all homes, and answers once R have answered, with all that these have
together. If R + W > N, each R homes and each W homes have one in common, so a read sees every write
that had been answered before.

**This is less than it sounds.** A write that is under way may be at one home. A read that asks that
home sees the new value, and a later read that asks the other two sees the old one. So the history
is not linearizable; the lab ``cap`` has the register that first writes back what it has read.

**Read repair.** When all homes have answered, or the time is over, the coordinator sends what they
have together to each that lacks some of it.

A coordinator that does not get enough answers in time says nothing. It cannot know whether the
others have the write. The client asks another home, and ends with *unknown* if nobody answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.contract import NodeId, begin_life, on, timer
from common.values.units import MS
from stage3_partitioning.dynamo.keeping import (
    Ask,
    Found,
    GetRequest,
    Got,
    Keep,
    Keeper,
    Kept,
    NotMine,
    PutDone,
    PutRequest,
)
from stage3_partitioning.dynamo.versions import Versions, context_of, joined

PATIENCE = 80 * MS
"""How long a coordinator waits for the homes."""


@timer
class TimeIsOver:
    """The round has waited long enough.

    Attributes:
        again: whether it has waited a second time (``handoff.py``).
    """

    round: int
    again: bool = False


@dataclass(slots=True)
class Writing:
    """A write under way.

    Attributes:
        client, number: whom to answer, and about what.
        key: what is written.
        kept: who has it on disk.
        answered: whether the client has been told.
    """

    client: NodeId
    number: int
    key: str
    kept: set[NodeId] = field(default_factory=set)
    answered: bool = False


@dataclass(slots=True)
class Reading:
    """A read under way.

    Attributes:
        client, number: whom to answer, and about what.
        key: what is read.
        found: by node, the versions that it has.
        answered: whether the client has been told.
    """

    client: NodeId
    number: int
    key: str
    found: dict[NodeId, Versions] = field(default_factory=dict)
    answered: bool = False


class Coordinator(Keeper):
    """A home that coordinates reads and writes.

    Args:
        id, peers, options: as for :class:`~stage3_partitioning.dynamo.keeping.Keeper`.
        r: how many homes a read waits for.
        w: how many a write waits for.
        patience: in microseconds, how long a round waits for the homes.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        r: int = 2,
        w: int = 2,
        patience: int = PATIENCE,
        **options: Any,
    ) -> None:
        super().__init__(id, peers, **options)
        self.r = r
        self.w = w
        self.patience = patience
        self.rounds: dict[int, Writing | Reading] = {}
        """What is under way. A crash forgets it; clients ask again."""
        self.last_round = 0
        """The number of the latest round. It only grows, over crashes too."""

    def on_start(self) -> None:
        """Begin with rounds that no earlier life has used: an answer to one of these is late."""
        super().on_start()
        self.last_round = begin_life(self)

    def status(self) -> Mapping[str, object]:
        """What is under way, too."""
        return {**super().status(), "rounds": len(self.rounds)}

    def answers_for(self, key: str) -> bool:
        """Whether this node may coordinate requests for the key: if it is a home of it."""
        return self.id in self.homes(key)

    def other_homes(self, key: str) -> list[NodeId]:
        """The key's homes without this node."""
        return [home for home in self.homes(key) if home != self.id]

    def refuses(self, request: PutRequest | GetRequest, client: NodeId) -> bool:
        """Whether this node does not answer for the request's key; then the client is told so."""
        if self.answers_for(request.key):
            return False
        self.send(client, NotMine(request.number))
        return True

    # Writing.

    @on(PutRequest)
    def put_request_received(self, put: PutRequest, client: NodeId) -> None:
        """Make a version, keep it, and send all that is here to the other homes; or NotMine."""
        if self.refuses(put, client):
            return
        self.write(put.key, put.value, put.context)
        writing = Writing(client, put.number, put.key, {self.id})
        round = self.begin(writing)
        for home in self.other_homes(put.key):
            self.send(home, Keep(round, put.key, self.versions(put.key), home))
        self.look_at_writing(writing)

    @on(Keep)
    def keep_received(self, keep: Keep, sender: NodeId) -> None:
        """Keep it, and say so if an answer is wanted."""
        self.keep(keep.key, keep.versions)
        if keep.round:
            self.send(sender, Kept(keep.round))

    @on(Kept)
    def kept_received(self, kept: Kept, sender: NodeId) -> None:
        """One node more has it."""
        writing = self.rounds.get(kept.round)
        if isinstance(writing, Writing):
            writing.kept.add(sender)
            self.look_at_writing(writing)

    def look_at_writing(self, writing: Writing) -> None:
        """Answer the client, once, when W nodes have it."""
        if len(writing.kept) >= self.w and not writing.answered:
            writing.answered = True
            self.send(writing.client, PutDone(writing.number))

    # Reading.

    @on(GetRequest)
    def get_request_received(self, get: GetRequest, client: NodeId) -> None:
        """Ask the other homes what they have; this one counts, too. Or NotMine."""
        if self.refuses(get, client):
            return
        reading = Reading(client, get.number, get.key)
        if self.id in self.homes(get.key):
            reading.found[self.id] = self.versions(get.key)
        round = self.begin(reading)
        for home in self.other_homes(get.key):
            self.send(home, Ask(round, get.key))
        self.look_at_reading(reading)

    @on(Ask)
    def ask_received(self, ask: Ask, sender: NodeId) -> None:
        """Say what is here."""
        self.send(sender, Found(ask.round, self.versions(ask.key)))

    @on(Found)
    def found_received(self, found: Found, sender: NodeId) -> None:
        """One node more has answered. When all homes have, what is old is repaired at once."""
        reading = self.rounds.get(found.round)
        if isinstance(reading, Reading):
            reading.found[sender] = found.versions
            self.look_at_reading(reading)
            if set(self.homes(reading.key)) <= set(reading.found):
                del self.rounds[found.round]
                self.repair(reading)

    def look_at_reading(self, reading: Reading) -> None:
        """Answer the client, once, when R nodes have answered: with all that they have together."""
        if len(reading.found) >= self.r and not reading.answered:
            reading.answered = True
            versions = self.together(reading)
            values = tuple(dict.fromkeys(each.value for each in versions))
            self.send(reading.client, Got(reading.number, values, context_of(versions)))

    def together(self, reading: Reading) -> Versions:
        """What all nodes that have answered have together."""
        versions: Versions = ()
        for found in reading.found.values():
            versions = joined(versions, found)
        return versions

    def repair(self, reading: Reading) -> None:
        """Send what all have together to each home that answered with something else.

        This node keeps it itself, if it is a home. Nodes that are no home are left alone.
        """
        versions = self.together(reading)
        for home in self.homes(reading.key):
            if reading.found.get(home, versions) == versions:
                continue
            if home == self.id:
                self.keep(reading.key, versions)
            else:
                self.send(home, Keep(0, reading.key, versions, home))

    # Rounds.

    def begin(self, under_way: Writing | Reading) -> int:
        """Number a round, and give it some time."""
        self.last_round += 1
        self.rounds[self.last_round] = under_way
        self.set_timer(self.patience, TimeIsOver(self.last_round))
        return self.last_round

    @on(TimeIsOver)
    def time_is_over(self, timer: TimeIsOver) -> None:
        """End the round. Homes that have answered a read by now are repaired."""
        under_way = self.rounds.pop(timer.round, None)
        if isinstance(under_way, Reading):
            self.repair(under_way)
