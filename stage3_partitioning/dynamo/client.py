"""The client: it knows the ring, asks homes first, and brings contexts back.

DeCandia et al. 2007, sections 4.4 and 6.4 (a client library that knows the ring saves a hop). A
request that is not answered goes to the next node of the walk. A write may so be made twice, at two
nodes: two versions with one value. They are shown once, and replaced together.

A person may change the ring by way of a client too. The client numbers the note about a node
itself. So a note that is asked for twice, at two nodes, is one change, and one that comes late does
not undo a later one.
"""

from typing import Any

from common.contract import Asker, CallId, NodeId, on
from common.contract.asking import Asked
from common.values.history import Failed, Ok
from common.values.units import MS
from stage3_partitioning.dynamo.keeping import (
    Get,
    GetRequest,
    Got,
    NotMine,
    Put,
    PutDone,
    PutRequest,
)
from stage3_partitioning.dynamo.members import Join, Leave, Member, Note, Noted, NotNoted
from stage3_partitioning.dynamo.ring import Ring
from stage3_partitioning.multileader.versions import Vector

ASK_AGAIN_AFTER = 250 * MS
"""Longer than a coordinator tries."""


class Shopper(Asker):
    """A client.

    Args:
        id, peers, options: as for :class:`~common.contract.asking.Asker`.
        among: how many nodes of a key's walk are asked, in turn; all unless given.
    """

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, among: int = 0, **options: Any
    ) -> None:
        options.setdefault("ask_again_after", ASK_AGAIN_AFTER)
        super().__init__(id, peers, **options)
        self.ring = Ring(self.servers)
        self.among = among or len(self.servers)
        self.contexts: dict[str, Vector] = {}
        """Of each key what this client has been shown."""
        self.silent: set[NodeId] = set()
        """Who has not answered lately, and is asked last."""
        self.keys: dict[int, str] = {}
        """The key of each request under way; of a note, the name of its node."""
        self.notes: dict[NodeId, int] = {}
        """Of each node the number of the latest note that this client knows."""

    def server_for(self, asked: Asked) -> NodeId:
        """The next node of the key's walk, round and round; those that were silent come last."""
        if asked.attempts:
            self.silent.add(asked.server)
        walk = self.ring.homes(self.keys[asked.request.number], self.among)
        turn = sorted(walk, key=self.silent.__contains__) if not asked.attempts else walk
        return turn[asked.attempts % len(turn)]

    @on(Put)
    def put(self, put: Put, call: CallId) -> None:
        """Write in the place of what was shown."""
        number = self.new_number()
        self.keys[number] = put.key
        context = self.contexts.get(put.key, ())
        self.ask(PutRequest(number, put.key, put.value, context), call)

    @on(Get)
    def get(self, get: Get, call: CallId) -> None:
        """Look."""
        number = self.new_number()
        self.keys[number] = get.key
        self.ask(GetRequest(number, get.key), call, question=True)

    @on(PutDone)
    def put_done_received(self, done: PutDone, sender: NodeId) -> None:
        """It is written. What this client has been shown is still the same."""
        self.silent.discard(sender)
        self.end(done.number, Ok())

    @on(Got)
    def got_received(self, got: Got, sender: NodeId) -> None:
        """The values, and what to bring back."""
        self.silent.discard(sender)
        if got.number in self.under_way:
            self.contexts[self.keys[got.number]] = got.context
        self.end(got.number, Ok(got.values))

    @on(Join, Leave)
    def change_ring(self, change: Join | Leave, call: CallId) -> None:
        """Have it noted, under a number above the latest one."""
        number = self.new_number()
        self.keys[number] = change.node
        member = Member(self.notes.get(change.node, 0) + 1, isinstance(change, Join))
        self.ask(Note(number, change.node, member), call)

    @on(Noted)
    def noted_received(self, noted: Noted, sender: NodeId) -> None:
        """It is noted; or somebody else has noted something later, and this has to be above it."""
        self.silent.discard(sender)
        asked = self.under_way.get(noted.number)
        if asked is None:
            return
        note = asked.request
        assert isinstance(note, Note), "only notes are noted"
        number = max(noted.member.number, self.notes.get(note.node, 0))
        self.notes[note.node] = number
        if noted.member.inside == note.member.inside:
            self.end(noted.number, Ok())
        else:
            asked.request = Note(noted.number, note.node, Member(number + 1, note.member.inside))
            self.redirect(noted.number, sender, asked.request)

    @on(NotNoted)
    def not_noted_received(self, refused: NotNoted, sender: NodeId) -> None:
        """It cannot be."""
        self.silent.discard(sender)
        self.end(refused.number, Failed(refused.why))

    @on(NotMine)
    def not_mine_received(self, not_mine: NotMine, sender: NodeId) -> None:
        """This node does not answer for the key; the next one will be asked."""
        self.not_now(not_mine.number, f"{sender} does not answer for the key")

    def ended(self, asked: Asked, outcome: Any) -> None:
        """Forget the request's key."""
        self.keys.pop(asked.request.number, None)
        super().ended(asked, outcome)
