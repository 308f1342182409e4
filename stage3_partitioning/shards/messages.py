"""What routers, shards and the config server say to each other, and what people ask for."""

from typing import TypeAlias

from common.contract import NodeId, message, operation, record
from stage3_partitioning.shards.chunks import Table, Version

# What people ask a router.


@operation
class Get:
    """What is the document of ``key``? Ends with Ok(text), or Ok(None) if there is none."""

    key: str


@operation
class Put:
    """Let ``value`` be the document of ``key``. Ends with Ok(True)."""

    key: str
    value: str


@operation
class Append:
    """Add ``value`` at the end of the document of ``key``, or put it. Ends with Ok(True)."""

    key: str
    value: str


@operation
class Delete:
    """Let ``key`` have no document. Ends with Ok(True), or Ok(False) if there was none."""

    key: str


@operation
class CompareAndSet:
    """Let ``new`` be the document of ``key`` if it is ``expected``; None is no document.

    Ends with Ok(True) if it was, Ok(False) if not.
    """

    key: str
    expected: str | None
    new: str | None


@operation
class Scan:
    """All documents with a key from ``low`` on and below ``high``, in the order of the keys.

    Ends with Ok(pairs of key and document), at most ``limit`` of them; 0 is no limit.
    """

    low: str
    high: str
    limit: int = 0


@operation
class SplitAt:
    """Let a chunk begin at ``key``. Ends with Ok() when one does."""

    key: str


@operation
class MoveTo:
    """Let the chunk of ``key`` be at the shard ``to``. Ends with Ok() when it is."""

    key: str
    to: NodeId


@operation
class Chunks:
    """What is the table, as this router knows it? Ends with Ok(Table)."""


@operation
class InsertMany:
    """Put documents where there is none, in this order, up to the first that cannot be put.

    Ends with Ok(how many were put). It ends early where a key has a document, and where the shard
    of the first one does not own the place of the next one.

    Attributes:
        documents: pairs of key and document.
    """

    documents: tuple[tuple[str, str], ...]


Change: TypeAlias = Put | Append | Delete | CompareAndSet

# From a router to a shard, and back.


@message
class Request:
    """Carry ``command`` out.

    Attributes:
        number: of the request, among all of its router.
        session: names a row of requests of which one is under way at a time.
        version: the shard's version in the router's table.
    """

    number: int
    session: str
    version: Version
    command: Get | Change


@message
class Found:
    """The document that a Get asked for."""

    number: int
    value: str | None


@message
class Written:
    """It is on disk. ``done``: whether it changed what it was meant to change."""

    number: int
    done: bool


@message
class InsertAll:
    """Put these, as InsertMany says; ``documents`` are pairs of place and document. The other
    attributes are those of a Request."""

    number: int
    session: str
    version: Version
    documents: tuple[tuple[str, str], ...]


@message
class Inserted:
    """The first ``many`` of them are on disk, and no other one."""

    number: int
    many: int


@message
class Look:
    """What is there from the place ``low`` on, below ``high``? ``limit`` documents are enough, if
    it is not 0."""

    number: int
    version: Version
    low: str
    high: str
    limit: int


ForOwner = Request | InsertAll | Look
"""What goes to the owner of a place."""


@message
class Seen:
    """These documents, by their places in order, are all below the place ``upto``."""

    number: int
    documents: tuple[tuple[str, str], ...]
    upto: str


@message
class StaleConfig:
    """Nothing was done: your table and mine differ, or the keys are about to move.

    Attributes:
        version: of the shard, as it knows it.
    """

    number: int
    version: Version


# To the config server, and back.


@message
class TableAsked:
    """What is the table?"""


@message
class TableIs:
    """The table, as the config server had decided when it sent this."""

    table: Table


@message
class SplitAsked:
    """A person wants a chunk to begin at this place."""

    number: int
    place: str


@message
class MoveAsked:
    """A person wants the chunk of this place to be at ``to``."""

    number: int
    place: str
    to: NodeId


@message
class Changed:
    """It is as you wanted it."""

    number: int


@message
class Refused:
    """It will not be done."""

    number: int
    why: str


@message
class TooLarge:
    """A shard has a chunk with too many documents; this place is in the middle."""

    place: str


# A migration. Its name is the version of the table at which it began.


@record
class Session:
    """The latest change of a session.

    Attributes:
        number: of the request.
        place: of the document that it changed.
        done: what was answered.
        many: how many documents it has put, if it was an InsertAll.
    """

    number: int
    place: str
    done: bool
    many: int = 0


@record
class Item:
    """A document as it is now at the donor, with what sessions did to it last.

    Attributes:
        value: None if it was deleted.
    """

    place: str
    value: str | None
    sessions: tuple[tuple[str, Session], ...]


@message
class MoveChunk:
    """From the config server to the owner: give the chunk that begins at ``low`` to ``to``."""

    table: Table
    low: str
    to: NodeId


@message
class Receive:
    """From donor to recipient: the chunk that begins at ``low`` is about to come."""

    table: Table
    low: str


@message
class Batch:
    """From donor to recipient: some documents. Batch 1 follows Receive."""

    migration: Version
    number: int
    items: tuple[Item, ...]


@message
class Taken:
    """From recipient to donor: it is on disk, up to this batch; 0 for Receive."""

    migration: Version
    number: int


@message
class Commit:
    """From donor to config server: the recipient has everything, and nobody writes here."""

    migration: Version
    low: str
    to: NodeId


@message
class GiveUp:
    """From donor to config server: this migration must not be committed any more."""

    migration: Version
    low: str
