"""A router: it sends each request to the shard that owns the key, by a table that may be old.

MongoDB's ``mongos``. A router decides nothing and keeps nothing that would be missed. Its table is
a guess that costs a detour when it is wrong: the shard refuses, the router asks the config server
and sends the request on.

A scan goes through the table place by place. Each piece is read from the shard that owns it at that
moment, the next one begins where it ended. So each key is looked for once, at its owner, though
chunks move meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from common.contract import Asker, CallId, NodeId, on
from common.contract.asking import Asked
from common.values.history import Failed, Ok, Outcome
from stage3_partitioning.shards.chunks import (
    GREATEST,
    LEAST,
    NONE,
    Table,
    key_of,
    owner,
    shard_version,
)
from stage3_partitioning.shards.messages import (
    Append,
    Change,
    Changed,
    Chunks,
    CompareAndSet,
    Delete,
    ForOwner,
    Found,
    Get,
    InsertAll,
    Look,
    MoveAsked,
    MoveTo,
    Put,
    Refused,
    Request,
    Scan,
    Seen,
    SplitAsked,
    SplitAt,
    StaleConfig,
    Written,
)
from stage3_partitioning.shards.shard import Caching


@dataclass(slots=True)
class Scanning:
    """A scan under way, and the documents that it has found so far, by place in order."""

    scan: Scan
    found: list[tuple[str, str]] = field(default_factory=list)


class Router(Caching, Asker):
    """A router.

    Args:
        id, peers, options: as for Caching and Asker.
        shards: who may own chunks; all peers unless named.
    """

    most_under_way: ClassVar[int] = 64
    most_redirects: ClassVar[int] = 3

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        shards: tuple[NodeId, ...] = (),
        **options: Any,
    ) -> None:
        shards = shards or tuple(sorted(peers))
        super().__init__(id, peers, shards=shards, servers=shards, **options)
        self.sessions_free = [f"{id}/{number}" for number in reversed(range(self.most_under_way))]
        """Names of sessions of which no request is under way."""
        self.scans: dict[CallId, Scanning] = {}
        """The scans under way."""

    # What people ask.

    @on(Get)
    def get(self, get: Get, call: CallId) -> None:
        """Look at a document."""
        self.ask(Request(self.new_number(), "", NONE, get), call, question=True)

    @on(Put, Append, Delete, CompareAndSet)
    def change_asked(self, change: Change, call: CallId) -> None:
        """Change a document, in a session of which nothing else is under way."""
        if self.sessions_free:
            session = self.sessions_free.pop()
            self.ask(Request(self.new_number(), session, NONE, change), call)
        else:
            self.finish(call, Failed(f"not sent: {self.id} has {self.most_under_way} under way"))

    @on(Scan)
    def scan_asked(self, scan: Scan, call: CallId) -> None:
        """Look at the first piece: by range it begins at ``low``, by hash at the first hash."""
        self.scans[call] = Scanning(scan)
        self.look(LEAST if self.hashed else scan.low, call)

    @on(SplitAt)
    def split_asked(self, split: SplitAt, call: CallId) -> None:
        """The config server decides."""
        self.ask(SplitAsked(self.new_number(), self.place(split.key)), call)

    @on(MoveTo)
    def move_asked(self, move: MoveTo, call: CallId) -> None:
        """The config server decides."""
        self.ask(MoveAsked(self.new_number(), self.place(move.key), move.to), call)

    @on(Chunks)
    def chunks_asked(self, chunks: Chunks, call: CallId) -> None:
        """The table that is here."""
        self.finish(call, Ok(self.table))

    # Whom to ask.

    def server_for(self, asked: Asked) -> NodeId:
        """The owner, as far as this router knows; what is about chunks goes to the config server.

        An attempt that is not the first one follows silence, or a refusal: the table may be old.
        """
        if asked.attempts:
            self.refresh()
        request = asked.request
        if isinstance(request, ForOwner):
            shard, asked.request = self.addressed(request)
            return shard
        return self.config_server

    def addressed(self, request: ForOwner) -> tuple[NodeId, ForOwner]:
        """Who owns what the request is about, and the request with that shard's version in it."""
        shard = owner(self.table, self.place_of(request))
        return shard, replace(request, version=shard_version(self.table, shard))

    def place_of(self, request: ForOwner) -> str:
        """The place that a request is about, the first one if it is about several."""
        match request:
            case Look():
                return request.low
            case InsertAll():
                return request.documents[0][0]
            case Request():
                return self.place(request.command.key)

    @on(StaleConfig)
    def stale(self, stale: StaleConfig, shard: NodeId) -> None:
        """Refused. If it is this router that is behind, ask for the table; if not, the next attempt
        will do: the shard is asking, or the keys are about to move."""
        self.not_now(stale.number, f"{shard} refused, at version {stale.version}")
        if stale.number in self.under_way:
            self.refresh()

    def adopt(self, table: Table) -> None:
        """By a newer table, send on what goes to a shard with another major version now.

        A move gives the new owner of a key a later version than any shard had before. So a request
        that goes to another shard has another version, too.
        """
        super().adopt(table)
        for number, asked in self.under_way.items():
            request = asked.request
            if isinstance(request, ForOwner):
                shard, readdressed = self.addressed(request)
                if readdressed.version[0] != request.version[0]:
                    asked.request = readdressed
                    self.redirect(number, shard, readdressed)

    # How it ends.

    @on(Found)
    def found(self, found: Found, shard: NodeId) -> None:
        """The document."""
        self.end(found.number, Ok(found.value))

    @on(Written)
    def written_there(self, written: Written, shard: NodeId) -> None:
        """The change is on disk."""
        self.end(written.number, Ok(written.done))

    @on(Changed)
    def changed(self, changed: Changed, sender: NodeId) -> None:
        """The table is as somebody wanted it."""
        self.end(changed.number, Ok())

    @on(Refused)
    def refused(self, refused: Refused, sender: NodeId) -> None:
        """It will not be."""
        self.end(refused.number, Failed(refused.why))

    @on(Seen)
    def seen(self, seen: Seen, shard: NodeId) -> None:
        """A piece of a scan. Keep what was asked for, and go on behind it, if there is more to
        see and not enough was found; else the scan ends, in the order of the keys."""
        asked = self.under_way.get(seen.number)
        if asked is None or not isinstance(asked.request, Look):
            return
        call, high = asked.call, asked.request.high
        scanning = self.scans[call]
        scan = scanning.scan
        wanted = ((key_of(place, self.hashed), value) for place, value in seen.documents)
        scanning.found += [each for each in wanted if scan.low <= each[0] < scan.high]
        enough = bool(scan.limit) and len(scanning.found) >= scan.limit and not self.hashed
        if seen.upto < high and not enough:
            self.cancel_timer(self.under_way.pop(seen.number).timer)
            self.look(seen.upto, call)
        else:
            found = sorted(scanning.found)
            self.end(seen.number, Ok(tuple(found[: scan.limit] if scan.limit else found)))

    def look(self, low: str, call: CallId) -> None:
        """Look at the next piece of a scan. By hash the limit says nothing about a piece: which
        documents are the first ones is known when all are there."""
        scanning = self.scans[call]
        scan = scanning.scan
        high = GREATEST if self.hashed else scan.high
        limit = scan.limit - len(scanning.found) if scan.limit and not self.hashed else 0
        self.ask(Look(self.new_number(), NONE, low, high, limit), call, question=True)

    def ended(self, asked: Asked, outcome: Outcome) -> None:
        """Free the session; forget the scan."""
        if isinstance(asked.request, Request) and asked.request.session:
            self.sessions_free.append(asked.request.session)
        self.scans.pop(asked.call, None)
        super().ended(asked, outcome)

    def status(self) -> Mapping[str, object]:
        """How old its table is, and for what it waits."""
        return {
            **super().status(),
            "table": ".".join(map(str, self.table.version)),
            "waiting": len(self.under_way),
        }
