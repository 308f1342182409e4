"""What the nodes of the sharded store say: to clients, to each other, and about the table of slots.

A *move* hands a run of slots from one node to another, key by key in the order of (slot, key). How
far it has got is one *position*, the *frontier*: everything below it is the target's, everything
from it on the source's. So at any time each key has one owner, which both sides can compute.
"""

from typing import Literal, TypeAlias

from common.contract import NodeId, message, operation, record
from stage3_partitioning.kv.commands import Command, Held
from stage3_partitioning.kv.front_commands import Fronted
from stage3_partitioning.kv.slots import Run

Kind: TypeAlias = Literal["any", "text", "list"]

Position: TypeAlias = tuple[int, bytes]
"""A place in the order of all keys: a slot and a key in it; ``(7, b"")`` is where slot 7 begins."""


@record
class Table:
    """Who holds which slot, as the coordinator decided last.

    Attributes:
        epoch: the number of the decision; the first table, which all compute alike, has 0.
        runs: the slots in order, in runs of one owner.
    """

    epoch: int
    runs: tuple[Run, ...]


@record
class Move:
    """The slots ``first`` to ``last`` go from ``source`` to ``target``.

    Attributes:
        number: the epoch of the table that will say so.
    """

    number: int
    source: NodeId
    target: NodeId
    first: int
    last: int

    def covers(self, slot: int) -> bool:
        """Whether the slot is one of those that move."""
        return self.first <= slot <= self.last

    @property
    def start(self) -> Position:
        """The frontier before anything was handed over."""
        return (self.first, b"")

    @property
    def end(self) -> Position:
        """The frontier when everything was."""
        return (self.last + 1, b"")


# From a client to a node, and back.


@message
class Request:
    """Carry out ``command``.

    Attributes:
        number: of the client's request; it only grows, and a repetition has the same.
        asking: whether an Ask sent the client here.
    """

    number: int
    command: Command
    asking: bool = False


@message
class Answer:
    """The command was carried out, once, and this is its result."""

    number: int
    value: object


@message
class Moved:
    """``slot`` belongs to ``node``: ask there from now on. ``epoch`` is that of my table."""

    number: int
    slot: int
    node: NodeId
    epoch: int


@message
class Ask:
    """The slot is moving, and this key is at ``node`` already: ask there, this once."""

    number: int
    slot: int
    node: NodeId


@message
class TryAgain:
    """Some of the keys have moved and others have not, or too much waits. Nothing was done."""

    number: int


Reply: TypeAlias = Answer | Moved | Ask | TryAgain


@operation
class Serve:
    """Commands that a protocol's front (RESP) has for this very node, all about one slot.

    They are carried out together, or not at all. Ends with Ok(Answer), whose value is the tuple of
    their results, up to an Expect that fails; or with Ok of another Reply.

    Attributes:
        asking: whether an Ask sent the client here.
        only_look: carry nothing out: say only whether the keys are here (Answer, with no results).
    """

    commands: tuple[Fronted, ...]
    asking: bool = False
    only_look: bool = False


@operation
class Scan:
    """Which keys are here, from a slot on? Ends with Ok((next slot, or 0 at the end, keys)).

    Attributes:
        slot: where to begin.
        count: go on to the next slot until so many keys have been found.
        kind: of these, name only those that hold a text, or a list.
    """

    slot: int
    count: int
    kind: Kind = "any"


@operation
class SlotKeys:
    """Which keys of one slot are here? Ends with Ok(the first ``count`` of them, in order)."""

    slot: int
    count: int


@operation
class Overview:
    """Who holds which slot, as far as this node knows? Ends with Ok(Known)."""


@record
class Known:
    """What one node knows of the slots; of moves that it takes part in, more than its table says.

    Attributes:
        epoch: of its table.
        runs: the slots in order, in runs of one owner.
        leaving: the slot that is only partly here still, and the node that gets it; or None.
        coming: the slot that is only partly here so far, and the node that gives it; or None.
    """

    epoch: int
    runs: tuple[Run, ...]
    leaving: tuple[int, NodeId] | None
    coming: tuple[int, NodeId] | None


@operation
class Size:
    """How many keys are here? Ends with Ok(number)."""


@operation
class Flush:
    """Delete up to ``count`` of the keys that are here. Ends with Ok(how many are left)."""

    count: int


@message
class TableAsked:
    """Who holds which slot?"""


@message
class TableIs:
    """This is the newest table that I know."""

    table: Table


# From a client to the coordinator, and back.


@message
class ChangeRequest:
    """Add or remove ``node``."""

    number: int
    node: NodeId
    add: bool


@message
class Changed:
    """It is decided that these nodes hold the slots."""

    number: int
    nodes: tuple[NodeId, ...]


@message
class Refused:
    """It is not, for this reason, and nothing came of the request."""

    number: int
    reason: str


# From the coordinator to the others, and back.


@message
class Prepare:
    """Get ready to be the target of ``move``. ``table`` is the one that it starts from."""

    move: Move
    table: Table


@message
class Prepared:
    """I am ready, durably."""

    number: int


@message
class Begin:
    """Hand the slots of ``move`` over: its target is ready."""

    move: Move
    table: Table


@message
class Done:
    """All slots of move ``number`` are with its target."""

    number: int


@message
class TableTaken:
    """I have saved the table of this epoch."""

    epoch: int


# From the source of a move to its target, and back.


@record
class Handed:
    """A key that is handed over, its value, and how long it has to live (None forever)."""

    key: bytes
    value: Held
    life_us: int | None


@record
class Session:
    """What a client of this slot asked last, and what it was told.

    Attributes:
        slot: which slot.
        client: whose.
        number: of the request.
        result: the first and only one.
    """

    slot: int
    client: NodeId
    number: int
    result: object


@message
class Batch:
    """The keys from ``begin`` up to, without, ``until`` are yours: these, and no others.

    The sessions of their slots come along, or a client that repeats a request would have it
    carried out a second time.
    """

    number: int
    begin: Position
    until: Position
    items: tuple[Handed, ...]
    sessions: tuple[Session, ...]


@message
class Taken:
    """All up to ``until`` is mine, durably."""

    number: int
    until: Position
