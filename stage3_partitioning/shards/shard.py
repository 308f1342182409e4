"""A shard: it answers for what it owns, to routers that know what it owns.

A router says with each request which version it believes the shard to have. If the major numbers
are the same, both know the same owner of every key of this shard: a split does not matter. If they
differ, one of them is behind. The shard refuses (StaleConfig) and nothing has happened; the one who
is behind asks the config server.

A write is on disk before it is answered, with the session that asked for it. A request that comes
again is answered as before. MongoDB calls this a retryable write, and it moves with the chunk, for
the second copy of a request may reach the next owner.
"""

from collections.abc import Mapping
from typing import Any

from common.contract import Node, NodeId, on
from common.values.sizes import bytes_of
from stage3_partitioning.shards.chunks import (
    Table,
    Version,
    chunk_of,
    first_table,
    owner,
    place_of,
    shard_version,
)
from stage3_partitioning.shards.documents import Documents
from stage3_partitioning.shards.messages import (
    Append,
    Change,
    CompareAndSet,
    Delete,
    Found,
    Get,
    Look,
    Put,
    Request,
    Seen,
    Session,
    StaleConfig,
    TableAsked,
    TableIs,
    Written,
)

MOST_BYTES = 2_000_000
"""Of the documents in one answer or batch that has more than one; a message has at most 4 MB."""

MOST_SHOWN = 500
"""Documents in one answer: all others wait while one is made, and it may have to be made again."""


class Caching(Node):
    """Who has a copy of the table. Only the config server's is *the* table.

    Args:
        id, peers, options: as for what is beside this in a class.
        shards: who may own chunks; the first one is the config server too.
        hashed: whether chunks are ranges of hashes.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        shards: tuple[NodeId, ...] = (),
        hashed: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(id, peers, **options)
        self.shards = shards
        self.hashed = hashed
        self.table = first_table(shards, hashed)
        """The newest table that this node has seen. Durable."""

    @property
    def config_server(self) -> NodeId:
        """Who decides about the table."""
        return self.shards[0]

    def on_start(self) -> None:
        """Take up the table that an earlier life had."""
        super().on_start()
        table = self.saved.get("table")
        if isinstance(table, Table):
            self.table = table

    def place(self, key: str) -> str:
        """Where a key stands in the order of the table."""
        return place_of(key, self.hashed)

    def adopt(self, table: Table) -> None:
        """Take a table over if it is newer than the one here.

        It is saved under ``"table"``. Messages overtake each other, so an older one may come later.
        """
        if table.version > self.table.version:
            self.table = table
            self.save("table", table)

    def refresh(self) -> None:
        """Ask the config server for the table."""
        self.send(self.config_server, TableAsked())

    @on(TableAsked)
    def table_asked(self, asked: TableAsked, sender: NodeId) -> None:
        """Tell it. Only the config server is asked."""
        self.send(sender, TableIs(self.table))

    @on(TableIs)
    def table_received(self, told: TableIs, sender: NodeId) -> None:
        """What the config server has decided."""
        self.adopt(told.table)


class Shard(Caching):
    """The part of a server that holds documents. The arguments are those of Caching; all members
    are shards unless some are named."""

    carries = (Get, Put, Append, Delete, CompareAndSet)

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        shards: tuple[NodeId, ...] = (),
        **options: Any,
    ) -> None:
        super().__init__(id, peers, shards=shards or tuple(sorted((id, *peers))), **options)
        self.documents = Documents()
        """By place, what is on this disk; some of it may be another shard's by now."""
        self.sessions: dict[str, Session] = {}
        """By name, the latest change of each session. Durable."""
        self.closed = ("", "")
        """From the first place on and below the second one nothing is read or written."""

    def status(self) -> Mapping[str, object]:
        """Its version, and what it has."""
        chunks = self.table.chunks_of(self.id)
        owned = sum(self.documents.count(chunk.low, chunk.high) for chunk in chunks)
        return {
            **super().status(),
            "version": ".".join(map(str, self.version)),
            "chunks": len(chunks),
            "documents": owned,
            "orphans": len(self.documents) - owned,
        }

    def on_start(self) -> None:
        """Take up what earlier lives saved."""
        super().on_start()
        for entry in self.saved.items():
            match entry:
                case ("document", str(place)), str(value):
                    self.documents[place] = value
                case ("session", str(name)), Session() as session:
                    self.sessions[name] = session

    @property
    def version(self) -> Version:
        """This shard's version, as far as it knows."""
        return shard_version(self.table, self.id)

    def owns(self, place: str) -> bool:
        """Whether a place is this shard's, as far as it knows."""
        return owner(self.table, place) == self.id

    def is_closed(self, place: str) -> bool:
        """Whether nothing is read or written there just now."""
        return self.closed[0] <= place < self.closed[1]

    def refuses(self, version: Version, place: str) -> bool:
        """Whether a request is not to be carried out here.

        It is not if the router means another major version than this shard has, or if the place is
        closed. If it is this shard that is behind, it asks for the table.
        """
        if version[0] > self.version[0]:
            self.refresh()
        return version[0] != self.version[0] or self.is_closed(place)

    @on(Request)
    def request_received(self, request: Request, router: NodeId) -> None:
        """Carry it out, or StaleConfig. A change that was carried out is answered as it was then;
        one that its session has left behind is not answered at all: nobody waits for it."""
        place = self.place(request.command.key)
        if self.refuses(request.version, place):
            self.send(router, StaleConfig(request.number, self.version))
        elif isinstance(request.command, Get):
            self.send(router, Found(request.number, self.documents.get(place)))
        else:
            latest = self.sessions.get(request.session)
            if latest is None or request.number > latest.number:
                latest = self.change(request.session, request.number, place, request.command)
            if request.number == latest.number:
                self.send(router, Written(request.number, latest.done))

    def change(self, session: str, number: int, place: str, command: Change) -> Session:
        """Change a document, and note the session's latest change, together on disk.

        The session is saved under ``("session", session)``.
        """
        before = self.documents.get(place)
        after, done = changed(before, command)
        latest = self.sessions[session] = Session(number, place, done)
        self.save(("session", session), latest)
        if after != before:
            self.keep(place, after)
        self.written(place)
        return latest

    def keep(self, place: str, value: str | None) -> None:
        """Let this be the document there, on disk under ``("document", place)``; None for none."""
        if value is not None:
            self.documents[place] = value
            self.save(("document", place), value)
        elif self.documents.pop(place, None) is not None:
            self.forget(("document", place))

    def written(self, place: str) -> None:
        """A change has happened at a place. A migration wants to know (``migration.py``)."""

    @on(Look)
    def look_received(self, look: Look, router: NodeId) -> None:
        """All documents that are this shard's own, from ``low`` up to the end of its chunks there.

        A document that lies here and is another shard's is not shown. If there are more than
        ``limit``, or than MOST_SHOWN, the answer ends just before the first that is left out; if
        they do not fit one message, too (``fitting``). Or StaleConfig.
        """
        if self.refuses(look.version, look.low) or not self.owns(look.low):
            self.send(router, StaleConfig(look.number, self.version))
            return
        upto = self.open_end(look.low, look.high)
        most = min(look.limit or MOST_SHOWN, MOST_SHOWN)
        places = self.documents.between(look.low, upto, most + 1)
        if len(places) > most:
            upto = places[most]
            del places[most:]
        found = tuple((place, self.documents[place]) for place in places)
        self.send(router, fitting(Seen(look.number, found, upto)))

    def open_end(self, low: str, high: str) -> str:
        """How far from ``low`` on, and not behind ``high``, this shard owns all that there is and
        nothing is closed."""
        upto = low
        while upto < high and self.owns(upto) and not self.is_closed(upto):
            upto = chunk_of(self.table, upto).high
        return min(upto, high)


def fitting(seen: Seen) -> Seen:
    """As much of an answer as fits one message, and at least one document."""
    size = 0
    for many, (place, value) in enumerate(seen.documents):
        size += bytes_of(place, value)
        if many and size > MOST_BYTES:
            return Seen(seen.number, seen.documents[:many], place)
    return seen


def changed(before: str | None, command: Change) -> tuple[str | None, bool]:
    """What a document is after a change, and whether the change did what it was meant to do."""
    match command:
        case Put():
            return command.value, True
        case Append():
            return (before or "") + command.value, True
        case Delete():
            return None, before is not None
        case CompareAndSet():
            same = before == command.expected
            return (command.new if same else before), same
