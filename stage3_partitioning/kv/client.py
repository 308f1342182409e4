"""A client of the sharded store: knows a table, follows redirects, repeats, tells the truth.

It keeps the newest table that it was told, so that most requests go to the right node at once. It
may be old, and that does no harm: a node answers for what it owns and for nothing else. *Moved*
teaches the client something; *Ask* is for one request only, since the rest of the slot has not
moved yet. A request that is not answered is sent again under the same number; its key may have
moved meanwhile. Numbers, attempts and waiting are those of every client
(:class:`~common.contract.Asker`).

An operation ends with Ok; with Failed if it certainly had no effect; with Unknown after the last
attempt, if it may have had one or may still have.
"""

from collections.abc import Mapping
from dataclasses import replace

from common.contract import Asker, CallId, NodeId, on
from common.contract.asking import Asked
from common.values.history import Failed, Ok
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
    Look,
    Problem,
    Push,
    Put,
    PutIf,
    RemoveNode,
    TimeToLive,
    size_of,
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


class StoreClient(Asker):
    """A client of the sharded store.

    Args:
        id: the name of this node; the shards know the client's sessions by it.
        peers: the nodes of the store.
        slots: how many slots there are.
        coordinator: who decides about nodes; "" for the node whose name comes first.
        ask_again_after: how long to wait for an answer before asking again, in microseconds.
        attempts: how often a request is put, redirects not counted.
    """

    carries = (Problem,)

    most_redirects = 8
    """Several in one attempt: the client's table may be old, and the key on its way."""

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
        super().__init__(id, peers, ask_again_after=ask_again_after, attempts=attempts)
        self.slots = slots
        self.coordinator = coordinator or min(self.peers)
        self.epoch = -1
        """The epoch of the table that ``owners`` comes from; -1 for none."""
        self.owners = [self.peers[0]] * slots
        """By slot, the node to ask."""

    def status(self) -> Mapping[str, object]:
        """How old its table is, and for what it waits."""
        requests = [asked.request for asked in self.under_way.values()]
        asked = [each.command if isinstance(each, Request) else each for each in requests]
        return {"epoch": self.epoch, "waiting": ", ".join(type(each).__name__ for each in asked)}

    def on_start(self) -> None:
        """Begin with numbers that no earlier life has used, and ask for the table."""
        super().on_start()
        self.send(self.peers[0], TableAsked())

    # What a user asks.

    @on(Get, Put, PutIf, Append, Increment, Delete, CompareAndSet, Expire, TimeToLive, Look, Push)
    def command_asked(self, operation: Command, call: CallId) -> None:
        """Have it carried out, once; what is too long for a message is not even sent.

        What only looks (``QUESTIONS``) is a question: without an answer it has certainly failed. If
        a change has no answer, nobody knows.
        """
        if too_long(operation):
            self.finish(call, Failed(f"a key has at most {MAX_KEY} bytes, a value {MAX_VALUE}"))
        else:
            request = Request(self.new_number(), operation)
            self.ask(request, call, question=isinstance(operation, QUESTIONS))

    @on(AddNode, RemoveNode)
    def change_asked(self, operation: AddNode | RemoveNode, call: CallId) -> None:
        """Ask the coordinator to decide."""
        add = isinstance(operation, AddNode)
        self.ask(ChangeRequest(self.new_number(), operation.node, add), call)

    # Where a request belongs.

    def server_for(self, asked: Asked) -> NodeId:
        """The node to ask: the owner of the key's slot, as far as this client knows. A change of
        the nodes goes to the coordinator.

        Before each attempt but the first, ask a node for its table too, because this client's own
        may be old. It is another node each time, by ``asked.attempts``, which counts those so far.
        """
        if asked.attempts > 0:
            self.send(self.peers[asked.attempts % len(self.peers)], TableAsked())
        if isinstance(asked.request, Request):
            return self.owners[key_slot(asked.request.command.key, self.slots)]
        return self.coordinator

    @on(Moved)
    def moved(self, moved: Moved, sender: NodeId) -> None:
        """Ask there, and remember it; if the table of the sender is newer, ask for all of it."""
        if moved.epoch >= self.epoch:
            self.owners[moved.slot] = moved.node
        if moved.epoch > self.epoch:
            self.send(sender, TableAsked())
        self.redirect(moved.number, moved.node)

    @on(Ask)
    def ask_there(self, ask: Ask, sender: NodeId) -> None:
        """Ask there, this once, and remember nothing.

        The same request under the same number, but with ``asking`` set.
        """
        asked = self.under_way.get(ask.number)
        if asked is not None and isinstance(asked.request, Request):
            self.redirect(ask.number, ask.node, replace(asked.request, asking=True))

    @on(TableIs)
    def table_told(self, told: TableIs, sender: NodeId) -> None:
        """Go by this table, if it is newer."""
        table: Table = told.table
        if table.epoch > self.epoch:
            self.epoch = table.epoch
            for first, last, node in table.runs:
                self.owners[first : last + 1] = [node] * (last - first + 1)

    # How it ends.

    @on(Answer)
    def answered(self, answer: Answer, sender: NodeId) -> None:
        """It was carried out."""
        self.end(answer.number, Ok(answer.value))

    @on(TryAgain)
    def try_again(self, reply: TryAgain, sender: NodeId) -> None:
        """Nothing was done. The timer that runs brings the next attempt."""

    @on(Changed)
    def changed(self, changed: Changed, sender: NodeId) -> None:
        """It is decided, and the keys will move."""
        self.end(changed.number, Ok(changed.nodes))

    @on(Refused)
    def refused(self, refused: Refused, sender: NodeId) -> None:
        """It is not, and will not be."""
        self.end(refused.number, Failed(refused.reason))


def too_long(command: Command) -> bool:
    """Whether a message should not carry this."""
    values = (getattr(command, name, None) for name in ("value", "values", "new", "expected"))
    return len(command.key) > MAX_KEY or any(
        value and size_of(value) > MAX_VALUE for value in values
    )
