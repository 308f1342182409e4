"""A text that everybody edits: operation-based replication.

Shapiro et al. 2011, "Conflict-free replicated data types", section 2.4. Replicas tell each other
what was *done*: a character inserted here, one deleted there. That is small, however long the text
is. But now the network has to be better than it is. Operations that did not know of each other may
be done in any order. One that knew of another has to be done after it: a character comes after its
parent. And none may be done twice. This is **causal delivery, exactly once**, on links that lose,
double and reorder:

* Every edit carries a vector: how many edits of each replica its author had done, itself included.
  It is held back until :meth:`VectorClock.allows` it (Birman, Schiper and Stephenson 1991, section
  5.1; the lab ``clocks``). The same rule refuses what was done already: it is not the next one.
* Every replica keeps all edits, its own and those of others. Now and then it tells the others its
  vector, and the one that has more sends what is lacking. It does not matter who was down.

Yjs does the same: its *state vector* is this vector, its *update* the answer.
"""

from collections.abc import Mapping
from itertools import islice

from common.contract import CallId, Node, NodeId, message, on, operation, record, timer
from common.values.history import Failed, Ok
from common.values.units import MS
from stage2_communication.clocks.vector import Counts, VectorClock
from stage7_advanced.crdt.fugue import Delete, FugueText, Insert

MAX_TYPED = 1_000
"""Characters that one operation types or erases at most; a longer text is typed in pieces."""

MAX_ANSWER = 20
"""Edits in one message at most; who lacks more asks again."""

MAX_HELD = 1_000
"""Edits that lack a cause and are held at most."""

# What a person asks of a replica.


@operation
class Type:
    """Type ``text`` before the character at ``index``, or at the end if the text is shorter.

    Ends with Ok() as soon as it is shown here.
    """

    index: int
    text: str


@operation
class Erase:
    """Erase ``count`` characters from ``index`` on. Ends with Ok(text), what was erased here.

    That is less where the text ends before.
    """

    index: int
    count: int = 1


@operation
class Show:
    """What is the text? Ends with Ok(text)."""


# What replicas say to each other.


@record
class Edit:
    """What one operation of a person did, whole.

    Attributes:
        author: at whose replica.
        vector: how many edits of each replica were done there, this one included.
        changes: what was inserted and deleted, in order.
    """

    author: NodeId
    vector: Counts
    changes: tuple[Insert | Delete, ...]

    @property
    def number(self) -> int:
        """Which of its author's edits it is: 1 for the first one."""
        return VectorClock(self.vector)[self.author]


@message
class Edits:
    """Some edits, those first that others may need."""

    edits: tuple[Edit, ...]


@message
class Have:
    """These many edits of each replica are done here: send me those that I lack."""

    counts: Counts


@timer
class AskAgain:
    """It is time to tell the others what is here."""


class TextReplica(Node):
    """A copy of the text.

    Args:
        id: the name of this node, which is also in the identities of its characters.
        peers: the other replicas.
        every: the time between two rounds of asking, in microseconds.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, every: int = 50 * MS) -> None:
        super().__init__(id, peers)
        self.every = every
        self.text = FugueText(id)
        self.done = VectorClock()
        """How many edits of each replica are done here."""
        self.edits: list[Edit] = []
        """Those edits in the order in which they were done here. Durable, each under its place."""
        self.held: dict[tuple[NodeId, int], Edit] = {}
        """Edits that lack a cause, by author and number. Lost in a crash: they come again."""

    def status(self) -> Mapping[str, object]:
        """How long the text is, how many gravestones are in it, and how many edits wait."""
        shown = len(self.text)
        gone = len(self.text.tree) - 1 - shown
        return {"shown": shown, "gravestones": gone, "waiting": len(self.held)}

    def on_start(self) -> None:
        """Do once more all edits that were saved, in the order in which they were done.

        They are saved under ("edit", place). What subclasses save is under texts.
        """
        for place in sorted(key for key in self.saved if isinstance(key, tuple)):
            edit = self.saved[place]
            self.edits.append(edit)
            self.do(edit)
        self.set_timer(self.every, AskAgain())

    # What a person asks.

    @on(Type)
    def type(self, type: Type, call: CallId) -> None:
        """Insert the characters here, one behind the other, and publish that as one edit."""
        if not 0 < len(type.text) <= MAX_TYPED or type.index < 0:
            length = len(type.text)
            self.finish(
                call,
                Failed(
                    f"a text of {length} characters at {type.index} cannot be typed: type 1 to "
                    f"{MAX_TYPED} at a time, at 0 or later"
                ),
            )
            return
        index = min(type.index, len(self.text))
        changes = [self.text.insert(index + at, sign) for at, sign in enumerate(type.text)]
        self.publish(tuple(changes))
        self.finish(call, Ok())

    @on(Erase)
    def erase(self, erase: Erase, call: CallId) -> None:
        """Delete the characters here, and publish that as one edit."""
        if erase.index < 0 or not 0 < erase.count <= MAX_TYPED:
            self.finish(
                call,
                Failed(
                    f"{erase.count} characters at {erase.index} cannot be erased: erase 1 to "
                    f"{MAX_TYPED} at a time, at 0 or later"
                ),
            )
            return
        erased = self.text.text()[erase.index : erase.index + erase.count]
        if erased:
            self.publish(tuple(self.text.delete(erase.index) for _ in erased))
        self.finish(call, Ok(erased))

    @on(Show)
    def show(self, show: Show, call: CallId) -> None:
        """Answer from this copy."""
        self.finish(call, Ok(self.text.text()))

    def publish(self, changes: tuple[Insert | Delete, ...]) -> None:
        """Number an edit that is done in the text here already, keep it, and tell everybody.

        It is the next edit of this replica, and its vector counts it.
        """
        self.done.tick(self.id)
        edit = Edit(self.id, self.done.counts(), changes)
        self.keep(edit)
        self.broadcast(Edits((edit,)))

    def keep(self, edit: Edit) -> None:
        """Make an edit durable under its place in the order in which edits were done here."""
        self.save(("edit", len(self.edits)), edit)
        self.edits.append(edit)

    # What others did.

    @on(Edits)
    def edits_received(self, message: Edits, sender: NodeId) -> None:
        """Hold the edits; then do what is allowed. One that is done may allow another."""
        for edit in message.edits:
            self.hold(edit)
        while (allowed := self.next_allowed()) is not None:
            del self.held[allowed.author, allowed.number]
            self.keep(allowed)
            self.do(allowed)

    def hold(self, edit: Edit) -> None:
        """Hold an edit that is not done here yet.

        If too many are held, all of them are let go first: those that are needed come again.
        """
        if edit.number > self.done[edit.author]:
            if len(self.held) >= MAX_HELD:
                self.held.clear()
            self.held[edit.author, edit.number] = edit

    def next_allowed(self) -> Edit | None:
        """The first edit that is held and lacks nothing; None where each lacks something.

        See :meth:`VectorClock.allows` of the lab ``clocks``.
        """
        allows = self.done.allows
        held = self.held.values()
        return next((edit for edit in held if allows(VectorClock(edit.vector), edit.author)), None)

    def do(self, edit: Edit) -> None:
        """Do an edit in the text, and count it."""
        for change in edit.changes:
            self.text.apply(change)
        self.done.tick(edit.author)

    # What was lost.

    @on(AskAgain)
    def ask_again(self, timer: AskAgain) -> None:
        """Tell all others what is done here, for as long as this life lasts."""
        self.broadcast(Have(self.done.counts()))
        self.set_timer(self.every, AskAgain())

    @on(Have)
    def have_received(self, have: Have, sender: NodeId) -> None:
        """Send what is done here and not there: the first ones, in the order of their doing.

        That order has causes first, so all of them can be done there as they come.
        """
        if lacking := self.lacking(VectorClock(have.counts)):
            self.send(sender, Edits(lacking))

    def lacking(self, there: VectorClock) -> tuple[Edit, ...]:
        """The first :data:`MAX_ANSWER` edits that are done here and not where ``there`` is done."""
        if there.covers(self.done):
            return ()
        lacking = (edit for edit in self.edits if edit.number > there[edit.author])
        return tuple(islice(lacking, MAX_ANSWER))
