"""The coordinator: decides who holds which slot, and lets one move after the other happen.

One node of the cluster has this part, and there is only one of it. While it is down the table
cannot change, and no move begins or ends; everybody else goes on, for each shard knows from its own
disk what it owns. Later labs put such decisions on consensus.

A decision is a goal: who is to hold which slot. On the way there lie moves, each a run of
neighbouring slots from one source to one target. The target of a move hears of it first (Prepare),
then its source (Begin); when the source has nothing left (Done), the table of the next epoch is
saved and told to all. What is not answered is said again; a crash loses nothing but time.
"""

from typing import Unpack

from common.contract import NodeId, on, record, timer
from stage3_partitioning.kv.member import Config, Member
from stage3_partitioning.kv.messages import (
    Begin,
    Changed,
    ChangeRequest,
    Done,
    Move,
    Prepare,
    Prepared,
    Refused,
    Table,
    TableIs,
    TableTaken,
)
from stage3_partitioning.kv.slots import Run, runs_of


@timer
class Tick:
    """Time to say again what was not answered."""


@record
class Goal:
    """What was decided: which nodes are to hold slots, and which each of them."""

    nodes: tuple[NodeId, ...]
    runs: tuple[Run, ...]


class Coordinator(Member):
    """The part of a node that decides. The arguments are those of ``Config``."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Unpack[Config]) -> None:
        super().__init__(id, peers, **config)
        self.goal = Goal(tuple(self.first_nodes), self.table.runs)
        """What was decided last. Durable."""
        self.answered: dict[NodeId, Changed | Refused] = {}
        """By client, the answer to its latest request. Durable."""
        self.moving: Move | None = None
        """The move under way. It follows from the goal and the table, so it need not be saved."""
        self.prepared = False
        """Whether its target has said that it is ready. After a crash it is asked again."""
        self.informed: set[NodeId] = set()
        """Who has said that they saved the present table."""
        self.ticking = False

    def on_start(self) -> None:
        """Take up what was decided, and go on from there."""
        super().on_start()
        if self.id != self.coordinator:
            return
        goal = self.saved.get("goal")
        if isinstance(goal, Goal):
            self.goal = goal
        for key, answer in self.saved.items():
            match key, answer:
                case ("answered", str(client)), Changed() | Refused():
                    self.answered[client] = answer
        self._go_on()
        self._announce()

    # What an operator asks.

    @on(ChangeRequest)
    def change_requested(self, request: ChangeRequest, sender: NodeId) -> None:
        """Decide a request once; a repetition is given the answer that there was.

        The network may deliver a copy long after the answer, and other changes may have come
        between: what was refused must stay refused, and what was added and removed must not be
        added again. A client has one request under way, so its latest answer is all to remember.
        """
        if self.id != self.coordinator:
            reason = f"{self.coordinator} decides about nodes, not {self.id}"
            self.send(sender, Refused(request.number, reason))
            return
        answer, before = self.answered.get(sender), self.goal
        if answer is None or request.number > answer.number:
            answer = self.answered[sender] = self.decide(request)
            self.save(("answered", sender), answer)
        if request.number == answer.number:
            self.send(sender, answer)
        if self.goal is not before:
            self._go_on()

    def decide(self, request: ChangeRequest) -> Changed | Refused:
        """Set another goal, or refuse with the reason. If it is so already, the answer is Changed.

        The goal is saved under ``"goal"``.
        """
        nodes = self.goal.nodes
        if request.add == (request.node in nodes):
            return Changed(request.number, nodes)
        if reason := self._why_not(request):
            return Refused(request.number, reason)
        kept = tuple(node for node in nodes if node != request.node)
        nodes = (*nodes, request.node) if request.add else kept
        self.goal = Goal(nodes, runs_of(self.assigned(self.owners, nodes)))
        self.save("goal", self.goal)
        return Changed(request.number, nodes)

    def _why_not(self, request: ChangeRequest) -> str:
        """Why the nodes cannot be changed like this; "" if they can."""
        if request.node not in self.members:
            return f"{request.node} is no member of this cluster: {', '.join(self.members)} are"
        if self.moving is not None:
            move = self.moving
            return (
                f"slots {move.first} to {move.last} are on their way from {move.source} to "
                f"{move.target}: ask again when nothing moves"
            )
        if not request.add and len(self.goal.nodes) == 1:
            return f"{request.node} is the only owner: its keys would have nowhere to go"
        if len(self.goal.nodes) == self.slots and request.add:
            return f"there are only {self.slots} slots, and each has a node of its own"
        return ""

    # Moves.

    def _go_on(self) -> None:
        """Begin the next move on the way to the goal, or say again what the present one needs."""
        if self.moving is None:
            self.moving = self._next_move()
            self.prepared = False
            if self.moving is None:
                return
        if self.prepared:
            self.send(self.moving.source, Begin(self.moving, self.table))
        else:
            self.send(self.moving.target, Prepare(self.moving, self.table))
        self._keep_ticking()

    def _next_move(self) -> Move | None:
        """The first run of slots that are not where they are to be; None if all are."""
        for first, last, target in self.goal.runs:
            for slot in range(first, last + 1):
                source = self.owners[slot]
                if source == target:
                    continue
                end = slot
                limit = min(last, slot + self.config["run_slots"] - 1)
                while end < limit and self.owners[end + 1] == source:
                    end += 1
                return Move(self.table.epoch + 1, source, target, slot, end)
        return None

    @on(Prepared)
    def target_prepared(self, prepared: Prepared, sender: NodeId) -> None:
        """The target is ready: now, and not before, the source may begin."""
        if self.moving is not None and self.moving.number == prepared.number:
            self.prepared = True
            self._go_on()

    @on(Done)
    def move_done(self, done: Done, sender: NodeId) -> None:
        """The slots are with their target: save the next table, tell everybody, and go on."""
        move = self.moving
        if move is None or move.number != done.number:
            return
        owners = list(self.owners)
        owners[move.first : move.last + 1] = [move.target] * (move.last - move.first + 1)
        self.moving = None
        self.adopt(Table(move.number, runs_of(owners)))
        self.informed = set()
        self._announce()
        self._go_on()

    # Telling everybody.

    def _announce(self) -> None:
        """Tell the table to those who have not said that they saved it."""
        if self.table.epoch == 0:
            return  # all compute that one alike
        for peer in self.peers:
            if peer not in self.informed:
                self.send(peer, TableIs(self.table))
                self._keep_ticking()

    @on(TableIs)
    def table_told(self, told: TableIs, sender: NodeId) -> None:
        """The coordinator has decided: save that, and say so."""
        self.adopt(told.table)
        self.send(sender, TableTaken(told.table.epoch))

    @on(TableTaken)
    def table_taken(self, taken: TableTaken, sender: NodeId) -> None:
        """One less to tell."""
        if taken.epoch == self.table.epoch:
            self.informed.add(sender)

    def _keep_ticking(self) -> None:
        if not self.ticking:
            self.ticking = True
            self.set_timer(self.retry_after, Tick())

    @on(Tick)
    def tick(self, timer: Tick) -> None:
        """Say again what was not answered; fall silent once everything was."""
        self.ticking = False
        if self.moving is not None:
            self._go_on()
        self._announce()
