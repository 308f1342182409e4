"""A client of the sharded store: knows a table, follows redirects, repeats, tells the truth.

It keeps the newest table that it was told, so that most requests go to the right node at once. It
may be old, and that does no harm: a node answers for what it owns and for nothing else. *Moved*
teaches the client something; *Ask* is for one request only, since the rest of the slot has not
moved yet. A request that is not answered is sent again under the same number, wherever the key is
by then.

An operation ends with Ok; with Failed if it certainly had no effect; with Unknown after the last
attempt, if it may have had one or may still have.
"""

from collections.abc import Mapping
from typing import TypeAlias

from common.contract import CallId, Node, NodeId, TimerId, on, timer
from common.values.history import Failed, Ok, Outcome, Unknown
from common.values.units import MS
from stage3_partitioning.kv.commands import (
    MAX_KEY,
    MAX_VALUE,
    QUESTIONS,
    AddNode,
    Append,
    Command,
    CompareAndSet,
    Delete,
    Expire,
    Get,
    Increment,
    Problem,
    Put,
    PutIf,
    RemoveNode,
    TimeToLive,
)
from stage3_partitioning.kv.messages import (
    Answer,
    Ask,
    Changed,
    ChangeRequest,
    Moved,
    Refused,
    Request,
    Table,
    TableAsked,
    TableIs,
    TryAgain,
)
from stage3_partitioning.kv.slots import SLOTS, key_slot

NUMBERS_OF_A_LIFE = 2**32
"""How many requests a client may send between two crashes."""

MOST_REDIRECTS = 8
"""So many redirects are followed in one attempt: two nodes that each take the other for the owner
would keep the client running between them."""

Asked: TypeAlias = Command | AddNode | RemoveNode
PARTS = (Problem,)
"""What is in answers without a handler of its own."""


@timer
class AskAgain:
    """The request under way was not answered in time."""


class StoreClient(Node):
    """A client of the sharded store.

    Args:
        id: the name of this node; the shards know the client's sessions by it.
        peers: the nodes of the store.
        slots: how many slots there are.
        coordinator: who decides about nodes; "" for the node whose name comes first.
        ask_again_after: how long to wait for an answer before asking again, in microseconds.
        attempts: how often a request is put, redirects not counted.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        slots: int = SLOTS,
        coordinator: NodeId = "",
        ask_again_after: int = 100 * MS,
        attempts: int = 40,
    ) -> None:
        super().__init__(id, peers)
        self.slots = slots
        self.coordinator = coordinator or min(self.peers)
        self.ask_again_after, self.attempts = ask_again_after, attempts
        self.epoch = -1
        """The epoch of the table that ``owners`` comes from; -1 for none."""
        self.owners = [self.peers[0]] * slots
        """By slot, whom to ask."""
        self.last_number = 0
        """The number of the latest request. It only grows, over crashes too."""
        self.asked: Asked | None = None
        """What is under way, or None. There is never more than one."""
        self.call: CallId = 0
        self.tries = 0
        self.redirects = 0
        self.retry_timer: TimerId = 0

    def status(self) -> Mapping[str, object]:
        """How old its table is, and for what it waits."""
        under_way = "" if self.asked is None else type(self.asked).__name__
        return {"epoch": self.epoch, "waiting": under_way}

    def on_start(self) -> None:
        """Begin with numbers that no earlier life has used, and ask for the table."""
        life = self.saved.get("life", 0)
        assert isinstance(life, int), "this node saved something else than a number as its life"
        self.save("life", life + 1)
        self.last_number = life * NUMBERS_OF_A_LIFE
        self.send(self.peers[0], TableAsked())

    # What a user asks.

    @on(Get, Put, PutIf, Append, Increment, Delete, CompareAndSet, Expire, TimeToLive)
    def command_asked(self, operation: Command, call: CallId) -> None:
        """Have it carried out, once; what is too long for a message is not even sent."""
        if too_long(operation):
            self.finish(call, Failed(f"a key has at most {MAX_KEY} bytes, a value {MAX_VALUE}"))
        else:
            self._begin(operation, call)

    @on(AddNode, RemoveNode)
    def change_asked(self, operation: AddNode | RemoveNode, call: CallId) -> None:
        """Ask the coordinator to decide."""
        self._begin(operation, call)

    def _begin(self, asked: Asked, call: CallId) -> None:
        if self.asked is not None:
            self.finish(call, Failed("this client has an operation under way"))
            return
        self.last_number += 1
        self.asked, self.call, self.tries = asked, call, 0
        self._try()

    # The request under way.

    def _try(self) -> None:
        """Put the request where it belongs, as far as this client knows."""
        self.tries += 1
        self.redirects = 0
        self.retry_timer = self.set_timer(self.ask_again_after, AskAgain())
        match self.asked:
            case AddNode(node) | RemoveNode(node):
                add = isinstance(self.asked, AddNode)
                self.send(self.coordinator, ChangeRequest(self.last_number, node, add))
            case None:
                raise AssertionError("there is something to ask")
            case command:
                self._put(command, self.owners[key_slot(command.key, self.slots)], False)

    def _put(self, command: Command, node: NodeId, asking: bool) -> None:
        self.send(node, Request(self.last_number, command, asking))

    @on(Answer)
    def answered(self, answer: Answer, sender: NodeId) -> None:
        """It was carried out."""
        if self._is_about(answer.number):
            self._end(Ok(answer.value))

    @on(Moved)
    def moved(self, moved: Moved, sender: NodeId) -> None:
        """Ask there, and remember it; if the table of the sender is newer, ask for all of it."""
        if moved.epoch >= self.epoch:
            self.owners[moved.slot] = moved.node
        if moved.epoch > self.epoch:
            self.send(sender, TableAsked())
        self._follow(moved.number, moved.node, asking=False)

    @on(Ask)
    def ask_there(self, ask: Ask, sender: NodeId) -> None:
        """Ask there, this once, and remember nothing."""
        self._follow(ask.number, ask.node, asking=True)

    def _follow(self, number: int, node: NodeId, asking: bool) -> None:
        if self._is_about(number) and self.redirects < MOST_REDIRECTS:
            assert not isinstance(self.asked, AddNode | RemoveNode | None), "it has a key"
            self.redirects += 1
            self._put(self.asked, node, asking)

    @on(TryAgain)
    def try_again(self, reply: TryAgain, sender: NodeId) -> None:
        """Nothing was done. The timer that runs brings the next attempt."""

    @on(Changed)
    def changed(self, changed: Changed, sender: NodeId) -> None:
        """It is decided, and the keys will move."""
        if self._is_about(changed.number):
            self._end(Ok(changed.nodes))

    @on(Refused)
    def refused(self, refused: Refused, sender: NodeId) -> None:
        """It is not, and will not be."""
        if self._is_about(refused.number):
            self._end(Failed(refused.reason))

    @on(TableIs)
    def table_told(self, told: TableIs, sender: NodeId) -> None:
        """Go by this table, if it is newer."""
        table: Table = told.table
        if table.epoch > self.epoch:
            self.epoch = table.epoch
            for first, last, node in table.runs:
                self.owners[first : last + 1] = [node] * (last - first + 1)

    @on(AskAgain)
    def ask_again(self, timer: AskAgain) -> None:
        """Put it once more, and ask the next node for its table: this one's may be the trouble."""
        if self.tries < self.attempts:
            self.send(self.peers[self.tries % len(self.peers)], TableAsked())
            self._try()
        elif isinstance(self.asked, QUESTIONS):
            self._end(Failed("no node answered"))
        else:
            self._end(Unknown("no node answered"))

    def _is_about(self, number: int) -> bool:
        return self.asked is not None and self.last_number == number

    def _end(self, outcome: Outcome) -> None:
        self.asked = None
        self.cancel_timer(self.retry_timer)
        self.finish(self.call, outcome)


def too_long(command: Command) -> bool:
    """Whether a message should not carry this."""
    values = (getattr(command, name, None) for name in ("value", "new", "expected"))
    return len(command.key) > MAX_KEY or any(value and len(value) > MAX_VALUE for value in values)
