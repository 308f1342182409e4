"""Many documents in one request, in order: what a client's ``insert_many`` is made of.

A request for each document costs two messages and a flush of the disk, one after the other. Here
the router sends a row of them to the shard that owns the first one. The shard puts them in order,
in one step. It stops at the first one that it cannot put: there is a document already, or the place
is another shard's. So what is put is always the beginning of the row, as if one after the other had
been asked for. The answer says how many that are, and the router's client goes on from there.

A row is one change of its session, noted at the place of its first document. So a repetition is
answered as before, by the shard that owns that place by then; the documents are where their chunks
are. A row of which nothing could be put is a change as well: while its chunk is cloned, the note
has to be sent once more.
"""

from common.contract import CallId, NodeId, on
from common.contract.asking import Asked
from common.values.history import Failed, Ok, Outcome
from stage3_partitioning.shards.chunks import NONE
from stage3_partitioning.shards.messages import (
    InsertAll,
    Inserted,
    InsertMany,
    Session,
    StaleConfig,
)
from stage3_partitioning.shards.router import Router
from stage3_partitioning.shards.shard import Shard


class InsertingShard(Shard):
    """A shard that takes rows of documents."""

    @on(InsertAll)
    def insert_all_received(self, request: InsertAll, router: NodeId) -> None:
        """Put them, or StaleConfig. A row that comes again is answered as it was then."""
        place = request.documents[0][0]
        if self.refuses(request.version, place) or not self.owns(place):
            self.send(router, StaleConfig(request.number, self.version))
            return
        latest = self.sessions.get(request.session)
        if latest is None or request.number > latest.number:
            many = self.put_in_order(request.documents)
            latest = Session(request.number, place, many > 0, many)
            self.sessions[request.session] = latest
            self.save(("session", request.session), latest)
            self.written(place)
        if request.number == latest.number:
            self.send(router, Inserted(request.number, latest.many))

    def put_in_order(self, documents: tuple[tuple[str, str], ...]) -> int:
        """Put documents up to the first that cannot be put; returns how many were."""
        for many, (place, value) in enumerate(documents):
            if place in self.documents or not self.owns(place) or self.is_closed(place):
                return many
            self.keep(place, value)
            self.written(place)
        return len(documents)


class InsertingRouter(Router):
    """A router that sends rows of documents."""

    @on(InsertMany)
    def insert_many_asked(self, insert: InsertMany, call: CallId) -> None:
        """Send the row to the owner of the first place, in a session of its own."""
        if not insert.documents:
            self.finish(call, Ok(0))
        elif self.sessions_free:
            row = tuple((self.place(key), value) for key, value in insert.documents)
            session = self.sessions_free.pop()
            self.ask(InsertAll(self.new_number(), session, NONE, row), call)
        else:
            self.finish(call, Failed(f"not sent: {self.id} has {self.most_under_way} under way"))

    @on(Inserted)
    def inserted(self, inserted: Inserted, shard: NodeId) -> None:
        """So many are on disk."""
        self.end(inserted.number, Ok(inserted.many))

    def ended(self, asked: Asked, outcome: Outcome) -> None:
        """Free the session."""
        if isinstance(asked.request, InsertAll):
            self.sessions_free.append(asked.request.session)
        super().ended(asked, outcome)
