"""Clusters of the store in virtual time, their clients, and who may answer for which key."""

from binascii import crc_hqx
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from common.check.models import KEY_VALUE
from common.contract.events import Event, NodeId, Receive
from common.contract.observer import Observer
from common.course.suites import kit
from common.course.suites.kit import SOON, ask_ok, must_end, names, trouble
from common.sim.simulation import Simulation
from common.sim.workload import Choose, Workload
from common.values.faults import Fault, Schedule
from common.values.units import MS, SECOND, show_time
from stage3_partitioning.kv.checks import as_text
from tests.stage3_partitioning.kv.lab import KvLab

NODES = names(4)
FIRST = names(3)
"""Who holds the slots at first; n4 is there and holds nothing. n1 is the coordinator."""

CLIENTS = ("c1", "c2", "c3")
OPERATOR = "operator"
SLOTS = 16
KEYS = tuple(b"key-%d" % number for number in range(10))
MANY = tuple(b"%d" % number for number in range(60))

CALM = 2 * SECOND
"""When all faults of a sweep are over."""

LIMIT = CALM + 9 * SECOND
"""When everybody must have got through."""


class OneOwner(Observer):
    """Watches all messages: no node answers for a key that is not its own at that moment.

    A key is the source's until the source has sent the batch that covers it, and the target's from
    when that batch has arrived. In between it is nobody's.

    Args:
        key_slot: the slot of a key.
        owners: by slot, who holds it at first.

    Attributes:
        problem: the first time that was not so, in one sentence; "" if there was none.
        answers: how many answers were looked at.
        answered_last: who gave the latest.
        redirects: how many times a client was told Moved, Ask.
    """

    def __init__(self, key_slot: Callable[[bytes], int], owners: Sequence[NodeId]) -> None:
        self.problem = ""
        self.answers = 0
        self.answered_last: NodeId = ""
        self.redirects = {"Moved": 0, "Ask": 0, "TryAgain": 0}
        self._key_slot = key_slot
        self._owners = tuple(owners)
        self._moves: dict[int, Any] = {}
        self._given: dict[int, Any] = {}
        self._taken: dict[int, Any] = {}
        self._keys: dict[tuple[NodeId, int], tuple[int, bytes]] = {}

    def sent(self, at: int, node: NodeId, to: NodeId, message: Any, number: int) -> None:
        """Learn what was asked and given, and judge who answers."""
        kind = type(message).__name__
        if kind == "Request":
            key = message.command.key
            self._keys[node, message.number] = (self._key_slot(key), key)
        elif kind in ("Prepare", "Begin"):
            self._moves[message.move.number] = message.move
        elif kind == "Batch":
            given = self._given.get(message.number, message.until)
            self._given[message.number] = max(given, message.until)
        elif kind in self.redirects:
            self.redirects[kind] += 1
        elif kind == "Answer":
            self.answers, self.answered_last = self.answers + 1, node
            self._judge(at, node, self._keys[to, message.number])

    def stepped(
        self, at: int, node: NodeId, event: Event, number: int | None, status: Mapping[str, object]
    ) -> None:
        """Learn what has arrived."""
        if isinstance(event, Receive) and type(event.message).__name__ == "Batch":
            batch: Any = event.message
            taken = self._taken.get(batch.number, batch.until)
            self._taken[batch.number] = max(taken, batch.until)

    def _judge(self, at: int, node: NodeId, position: tuple[int, bytes]) -> None:
        slot, key = position
        owner, whole = self._owners[slot], True
        for number in sorted(self._given, reverse=True):
            move = self._moves[number]
            if move.first <= slot <= move.last and tuple(self._given[number]) > position:
                owner = move.target
                whole = number in self._taken and tuple(self._taken[number]) > position
                break
        if not self.problem and (node != owner or not whole):
            whose = f"it is {owner}'s" if whole else f"it is on its way to {owner}"
            self.problem = (
                f"{node} answers for key {key!r} of slot {slot} at {show_time(at)}, but {whose}"
            )

    @property
    def moves(self) -> int:
        """How many moves were made so far."""
        return len(self._moves)

    def slots_moving_to(self, node: NodeId) -> set[int]:
        """The slots of all moves of which this node was made the target so far."""
        moves = [move for move in self._moves.values() if move.target == node]
        return {slot for move in moves for slot in range(move.first, move.last + 1)}


def owners_at_first(slots: int = SLOTS, first: Sequence[NodeId] = FIRST) -> list[NodeId]:
    """By slot, who holds it before anything has moved."""
    return [first[slot * len(first) // slots] for slot in range(slots)]


def slot_of(key: bytes) -> int:
    """The slot of a key, by the judge's own reckoning."""
    start = key.find(b"{")
    end = key.find(b"}", start + 1)
    tag = key[start + 1 : end] if 0 <= start < end - 1 else key
    return crc_hqx(tag, 0) % SLOTS


def watch() -> OneOwner:
    """Watches for a second owner in a cluster as :func:`cluster` makes it."""
    return OneOwner(slot_of, owners_at_first())


def cluster(
    lab: KvLab,
    seed: int | str,
    faults: Sequence[Fault] = (),
    config: dict[str, Any] | None = None,
    **options: Any,
) -> Simulation:
    """Four nodes of which three hold slots, three clients, and an operator. Batches are small."""
    settings = {"slots": SLOTS, "shards": FIRST, "batch_keys": 2, "run_slots": 4, **(config or {})}
    client = {"slots": settings["slots"], **options.pop("client", {})}
    return lab.simulation(
        dict.fromkeys(NODES, lambda id, peers: lab.StoreNode(id, peers, **settings)),
        dict.fromkeys((*CLIENTS, OPERATOR), lambda id, peers: lab.StoreClient(id, peers, **client)),
        seed=seed,
        schedule=Schedule(faults),
        **options,
    )


def some_commands(lab: KvLab) -> Choose:
    """Questions and changes of few keys; no value is written twice."""

    def choose(random: Random, client: NodeId, number: int) -> object:
        key, text = random.choice(KEYS), f"{client}.{number};".encode()
        kinds = [
            lab.Get(key),
            lab.Get(key),
            lab.Append(key, text),
            lab.Append(key, text),
            lab.Put(key, text),
            lab.Delete(key),
            lab.CompareAndSet(key, None, text),
        ]
        return random.choice(kinds)

    return choose


def coming_and_going(lab: KvLab) -> Choose:
    """What the operator wants, one after the other: everybody leaves and comes back, but n3."""
    changes = [("AddNode", "n4"), ("RemoveNode", "n1"), ("RemoveNode", "n2"), ("AddNode", "n1")]

    def choose(random: Random, client: NodeId, number: int) -> object:
        name, node = changes[number % len(changes)]
        return getattr(lab, name)(node)

    return choose


def sweep_once(lab: KvLab, seed: int, kinds: Sequence[str], **options: Any) -> Simulation:
    """Clients work and nodes come and go while these kinds of trouble happen; all must end."""
    others = (*CLIENTS, OPERATOR)
    faults = trouble(seed, kinds, hit=NODES, others=others, until=CALM, troubles=7) if kinds else []
    simulation = cluster(lab, seed, faults, **options)
    work = Workload(
        simulation, some_commands(lab), count=30, think=(0, 100 * MS), patience=20 * SECOND,
        clients=CLIENTS,
    )  # fmt: skip
    moves = Workload(
        simulation, coming_and_going(lab), count=4, think=(300 * MS, 500 * MS),
        patience=20 * SECOND, clients=(OPERATOR,),
    )  # fmt: skip
    must_end(simulation, work, moves, limit=LIMIT, fine=0.85)
    return simulation


def must_be_linearizable(simulation: Simulation) -> None:
    """Check each key: what clients were told is what one single copy would have said."""
    kit.must_be_linearizable(map(as_text, simulation.history), KEY_VALUE)


def change(lab: KvLab, simulation: Simulation, operation: object) -> None:
    """Let the operator change the nodes, and go on until another change would be taken.

    ``AddNode`` of a node that is there, after all moves, is answered Ok; while slots move, a change
    is refused. So a change that is no change tells nothing, and one that would be is what we ask.
    """
    ask_ok(simulation, OPERATOR, operation)
    settle(lab, simulation)


def settle(lab: KvLab, simulation: Simulation, within: int = SOON) -> None:
    """Go on until nothing moves: no message passes between the nodes for a while."""
    limit = simulation.now + within
    while simulation.now < limit:
        before = simulation.events
        simulation.run(simulation.now + 200 * MS)
        if simulation.events == before:
            return
    raise AssertionError(f"after {show_time(within)} the nodes still have something to say")


def held_by(lab: KvLab, simulation: Simulation, seen: OneOwner, client: str = "c2") -> list[NodeId]:
    """By slot, who holds it, as clients see it: who answers a question about a key of the slot."""
    holders = []
    for slot in range(SLOTS):
        ask_ok(simulation, client, lab.Get(key_of(slot)))
        holders.append(seen.answered_last)
    return holders


def key_of(slot: int) -> bytes:
    """Some key of a slot."""
    return next(b"in %d" % n for n in range(10_000) if slot_of(b"in %d" % n) == slot)


def fill(lab: KvLab, simulation: Simulation) -> dict[bytes, bytes]:
    """Put many keys; returns what is held."""
    held = {key: b"value of " + key for key in MANY}
    for number, (key, value) in enumerate(held.items()):
        ask_ok(simulation, CLIENTS[number % 3], lab.Put(key, value))
    return held


def read(lab: KvLab, simulation: Simulation, client: str = "c1") -> dict[bytes, object]:
    """Read them all."""
    return {key: ask_ok(simulation, client, lab.Get(key)) for key in MANY}
