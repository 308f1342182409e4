"""The controller: Raft, replicating what is decided, within every broker.

Each broker holds a server of the Raft; the one that leads is the *active controller*. Brokers tell
it that they are alive, and ask it for decisions. It decides nothing by itself, but puts a command
into the log, and everybody learns the decision by applying it (KIP-500, KIP-631).

A broker is done with what it has asked for when it has applied that itself. Then it knows more than
the answer: it knows the state in which it was decided.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

from common.contract import Application, NodeId, Numbered, TimerId, delivery, message, on, timer
from common.contract.asking import NUMBERS_OF_A_LIFE
from common.values.units import MS
from stage4_consensus.raft.messages import Role, Snapshot
from stage4_consensus.raft.server import Raft
from stage8_real_systems.log.messages import PartitionState
from stage8_real_systems.log.metadata import (
    AlterIsr,
    Fence,
    Metadata,
    NewProducer,
    Register,
    Topic,
)
from stage8_real_systems.log.requests import (
    CreateTopic,
    DeleteTopic,
    Done,
    ProducerId,
    Refused,
)

CONTROLLER = "controller"
"""The name under which the active controller's own commands are numbered."""


@message
class Beat:
    """A broker is alive, in its life of this number."""

    life: int


@message
class Propose:
    """A broker wants a command carried out; it says so again until it has applied it."""

    number: int
    command: object


@timer
class BeatDue:
    """It is time to say that one is alive, and to repeat what is not decided."""


@delivery
class MetadataChanged:
    """More is decided, and it is in ``metadata`` now."""


@delivery
class Decided:
    """What the broker has asked for is applied here; ``token`` is what it called it."""

    token: int
    result: object


@dataclass(slots=True)
class Wish:
    """What this broker wants decided."""

    token: int
    command: object


class Quorum(Raft):
    """The Raft within a broker.

    Args:
        id, peers, config: as of a Raft server.
        replication, partitions: of a topic for which nobody says it.
        beat_every: how often a broker says that it is alive, in microseconds.
        fence_after: for how long the active controller does without hearing of one.
    """

    carries = (
        *(Register, Fence, AlterIsr, NewProducer, CreateTopic, DeleteTopic),
        *(Topic, PartitionState, ProducerId, Done, Refused),
    )

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        replication: int = 3,
        partitions: int = 1,
        beat_every: int = 50 * MS,
        fence_after: int = 300 * MS,
        **config: Any,
    ) -> None:
        self.replication, self.partitions = replication, partitions
        super().__init__(id, peers, **config)
        self.beat_every = beat_every
        self.fence_after = fence_after
        self.life = 0
        """Of the broker; 0 until it has begun."""
        self.number = 0
        """Of the latest wish that was sent; it only grows, over crashes too."""
        self.wishes: deque[Wish] = deque()
        """What this broker wants decided, in order; the first one is under way."""
        self.beat_timer: TimerId = 0

        # On the active controller.
        self.heard: dict[NodeId, int] = {}
        """When it last heard of each broker, in this term."""
        self.own_commands = 0
        """How many commands it has numbered in this term."""
        self.proposed: dict[NodeId, int] = {}
        """By broker, the number of its latest wish that it has put into the log, in this term."""

    def new_application(self) -> Application:
        """Nothing is decided yet."""
        self.metadata = Metadata(self.replication, self.partitions)
        return self.metadata

    # What the broker around it asks for.

    def begin(self, first_number: int) -> None:
        """The broker begins a life, in which its wishes have numbers above this one."""
        self.number = first_number
        self.life = first_number // NUMBERS_OF_A_LIFE + 1
        self.beat()

    def wish(self, token: int, command: object) -> None:
        """Have a command carried out; ``Decided`` tells the result."""
        self.wishes.append(Wish(token, command))
        if len(self.wishes) == 1:
            self.number += 1
            self.send_wish()

    def send_wish(self) -> None:
        """Send the first wish to the server that leads, as far as this server knows."""
        if self.wishes and self.leader is not None:
            self.send(self.leader, Propose(self.number, self.wishes[0].command))

    def beat(self) -> None:
        """Say that this broker is alive, and repeat what may be lost."""
        if self.leader is not None:
            self.send(self.leader, Beat(self.life))
        self.send_wish()
        self.beat_timer = self.set_timer(self.beat_every, BeatDue())

    @on(BeatDue)
    def beat_due(self, timer: BeatDue) -> None:
        """Say it again; the active controller looks who does not any more."""
        self.beat()
        self.fence_the_silent()

    # The active controller.

    def begin_replication(self) -> None:
        """A new controller gives everybody time to be heard."""
        self.heard = dict.fromkeys(self.metadata.alive, self.now)
        self.own_commands = 0
        self.proposed = {}
        super().begin_replication()
        self.send_wish()

    @on(Propose)
    def proposal_received(self, proposal: Propose, sender: NodeId) -> None:
        """Put it into the log, once in a term: brokers repeat it until they have applied it. It may
        be there from an earlier term; it is carried out once."""
        if self.role is Role.LEADER and proposal.number > self.proposed.get(sender, 0):
            self.proposed[sender] = proposal.number
            self.propose(Numbered(sender, proposal.number, proposal.command))

    @on(Beat)
    def beat_received(self, beat: Beat, sender: NodeId) -> None:
        """A broker is alive. One that is not known in this life, or is fenced, is registered.

        A beat of an earlier life than the one that is registered was long under way. It says
        nothing, not even that the broker is alive (STALE_BROKER_EPOCH in KIP-631).
        """
        known = self.metadata.lives.get(sender, 0)
        if self.role is not Role.LEADER or beat.life < known:
            return
        self.heard[sender] = self.now
        if beat.life > known or sender not in self.metadata.alive:
            self.decide(Register(sender, beat.life))

    def fence_the_silent(self) -> None:
        """Fence the brokers that were not heard for too long.

        An earlier controller may have registered a broker that this one has not heard yet. Such a
        broker has its whole time from now on.
        """
        if self.role is not Role.LEADER:
            return
        for broker in sorted(self.metadata.alive):
            if self.now - self.heard.setdefault(broker, self.now) > self.fence_after:
                self.decide(Fence(broker, self.metadata.lives[broker]))

    def decide(self, command: object) -> None:
        """Put a command of the controller's own into the log; twice does no harm."""
        self.own_commands += 1
        number = self.current_term * NUMBERS_OF_A_LIFE + self.own_commands
        self.propose(Numbered(CONTROLLER, number, command))

    # What is decided.

    def apply_committed(self) -> None:
        """Apply, and tell the broker, if there is anything new."""
        before = self.last_applied
        super().apply_committed()
        if self.last_applied > before:
            self.tell()

    def keep_snapshot(self, snapshot: Snapshot, keep_rest: bool) -> None:
        """A snapshot that comes from the leader decides many things at once."""
        super().keep_snapshot(snapshot, keep_rest)
        self.tell()

    def tell(self) -> None:
        """Tell the broker what is new, and whether its wish is among that."""
        self.deliver(MetadataChanged())
        number, result = self.machine.last(self.id)
        if self.wishes and number == self.number:
            self.deliver(Decided(self.wishes.popleft().token, result))
            self.number += 1
            self.send_wish()
