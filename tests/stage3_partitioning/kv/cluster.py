"""Clusters of the store in virtual time, their clients, and who may answer for which key."""

from binascii import crc_hqx
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from common.check.linearizability import check_linearizability
from common.check.models import KEY_VALUE
from common.check.verdict import Answer
from common.contract.effects import Forget, Save
from common.contract.events import Event, NodeId, Receive
from common.sim.chaos import random_schedule
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Fault, Schedule
from common.values.history import History, Ok, Operation
from common.values.units import MS, SECOND, show_time

NODES = ("n1", "n2", "n3", "n4")
FIRST = ("n1", "n2", "n3")
"""Who holds the slots at first; n4 is there and holds nothing. n1 is the coordinator."""

CLIENTS = ("c1", "c2", "c3")
OPERATOR = "operator"
SLOTS = 16
KEYS = tuple(b"key-%d" % number for number in range(10))

CALM = 2 * SECOND
"""When all faults of a sweep are over."""

SOON = 3 * SECOND
"""Several attempts of a client, and all moves of a change, fit into this time."""

STEADY = LinkModel(latency=(2 * MS, 2 * MS))
"""A network in which nothing overtakes anything."""

Choose = Callable[[Random, NodeId, int], object]


class OneOwner:
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

    def slots_moving_to(self, node: NodeId) -> set[int]:
        """The slots of all moves of which this node was made the target so far."""
        moves = [move for move in self._moves.values() if move.target == node]
        return {slot for move in moves for slot in range(move.first, move.last + 1)}

    # What else a world tells.

    def dropped(self, at: int, node: NodeId, to: NodeId, number: int, why: str) -> None:
        """Nothing."""

    def saved(self, at: int, node: NodeId, changes: Sequence[Save | Forget]) -> None:
        """Nothing."""

    def noted(self, at: int, node: NodeId, text: str, fields: Mapping[str, object]) -> None:
        """Nothing."""

    def failed(self, at: int, fault: Fault) -> None:
        """Nothing."""

    def called(self, at: int, node: NodeId, operation: Operation) -> None:
        """Nothing."""

    def returned(self, at: int, node: NodeId, operation: Operation) -> None:
        """Nothing."""


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
    lab: Any,
    seed: int | str,
    faults: Sequence[Fault] = (),
    config: dict[str, Any] | None = None,
    **options: Any,
) -> Simulation:
    """Four nodes of which three hold slots, three clients, and an operator. Batches are small."""
    settings = {"slots": SLOTS, "shards": FIRST, "batch_keys": 2, "run_slots": 4, **(config or {})}
    client = {"slots": settings["slots"], **options.pop("client", {})}
    options = {"max_events": 300_000, **options}
    made: Simulation = lab.simulation(
        dict.fromkeys(NODES, lambda id, peers: lab.StoreNode(id, peers, **settings)),
        dict.fromkeys((*CLIENTS, OPERATOR), lambda id, peers: lab.StoreClient(id, peers, **client)),
        seed=seed,
        schedule=Schedule(faults),
        **options,
    )
    return made


def trouble(seed: int, kinds: Sequence[str]) -> list[Fault]:
    """Faults of these kinds, drawn from the seed, that are over at ``CALM``."""
    random = Random(f"{seed}/{kinds}")
    others = (*CLIENTS, OPERATOR)
    return list(random_schedule(random, NODES, CALM, kinds=kinds, troubles=7, others=others))


def some_commands(lab: Any) -> Choose:
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


def coming_and_going(lab: Any) -> Choose:
    """What the operator wants, one after the other: everybody leaves and comes back, but n3."""
    changes = [("AddNode", "n4"), ("RemoveNode", "n1"), ("RemoveNode", "n2"), ("AddNode", "n1")]

    def choose(random: Random, client: NodeId, number: int) -> object:
        name, node = changes[number % len(changes)]
        return getattr(lab, name)(node)

    return choose


def sweep_once(lab: Any, seed: int, kinds: Sequence[str], **options: Any) -> Simulation:
    """Clients work and nodes come and go while these kinds of trouble happen; all must end."""
    faults = trouble(seed, kinds) if kinds else []
    simulation = cluster(lab, seed, faults, **options)
    work = Workload(
        simulation, some_commands(lab), count=30, think=(0, 100 * MS), patience=20 * SECOND,
        clients=CLIENTS,
    )  # fmt: skip
    moves = Workload(
        simulation, coming_and_going(lab), count=4, think=(300 * MS, 500 * MS),
        patience=20 * SECOND, clients=(OPERATOR,),
    )  # fmt: skip
    limit = CALM + 3 * SOON
    ended = simulation.run_until(lambda: work.done and moves.done, limit)
    assert ended, f"at {show_time(limit)}, long after the last fault, somebody still waits"
    asked = [each for each in simulation.history if each.process.startswith("c")]
    fine = sum(isinstance(each.outcome, Ok) for each in asked)
    assert fine >= 0.9 * len(asked), f"of {len(asked)} operations only {fine} ended with ok"
    return simulation


def must_be_linearizable(simulation: Simulation) -> None:
    """Check each key: what clients were told is what one single copy would have said."""
    functions = KEY_VALUE.functions
    asked = [as_text(each) for each in simulation.history if each.function in functions]
    verdict = check_linearizability(History(asked), KEY_VALUE)
    assert verdict.answer is Answer.YES, verdict.sentence


def as_text(operation: Operation) -> Operation:
    """The operation with text for bytes, which is what the model of a store appends to."""
    outcome = operation.outcome
    if isinstance(outcome, Ok):
        outcome = Ok(_text(outcome.value))
    return Operation(
        operation.process, operation.function, _text(operation.key), _text(operation.argument),
        operation.invoked_at, operation.returned_at, outcome,
    )  # fmt: skip


def _text(value: object) -> object:
    if isinstance(value, tuple | list):
        return tuple(_text(part) for part in value)
    return value.decode("latin-1") if isinstance(value, bytes) else value


def ask(
    simulation: Simulation, operation: object, client: str = "c1", within: int = SOON
) -> Operation:
    """Let a client ask now, and go on until it ends."""
    asked = simulation.call(client, operation)
    wait_for(simulation, asked, within)
    return asked


def has_ended(simulation: Simulation, asked: Operation, within: int) -> bool:
    """Go on until the operation ends, for so long; says whether it did."""
    return simulation.run_until(lambda: asked.returned_at is not None, simulation.now + within)


def wait_for(simulation: Simulation, asked: Operation, within: int = SOON) -> None:
    """Go on until the operation has ended, which must be soon."""
    assert has_ended(simulation, asked, within), f"{asked} had no end after {show_time(within)}"


def must_be_ok(simulation: Simulation, operation: object, client: str = "c1") -> Any:
    """Let a client ask now, and check that the answer is Ok; returns its value."""
    asked = ask(simulation, operation, client)
    assert isinstance(asked.outcome, Ok), f"{asked}, though nothing stands in its way"
    return asked.outcome.value


def change(lab: Any, simulation: Simulation, operation: object) -> None:
    """Let the operator change the nodes, and go on until another change would be taken.

    ``AddNode`` of a node that is there, after all moves, is answered Ok; while slots move, a change
    is refused. So a change that is no change tells nothing, and one that would be is what we ask.
    """
    must_be_ok(simulation, operation, OPERATOR)
    settle(lab, simulation)


def settle(lab: Any, simulation: Simulation, within: int = SOON) -> None:
    """Go on until nothing moves: no message passes between the nodes for a while."""
    limit = simulation.now + within
    while simulation.now < limit:
        before = simulation.events
        simulation.run(simulation.now + 200 * MS)
        if simulation.events == before:
            return
    raise AssertionError(f"after {show_time(within)} the nodes still have something to say")


def held_by(lab: Any, simulation: Simulation, seen: OneOwner, client: str = "c2") -> list[NodeId]:
    """By slot, who holds it, as clients see it: who answers a question about a key of the slot."""
    holders = []
    for slot in range(SLOTS):
        must_be_ok(simulation, lab.Get(key_of(slot)), client)
        holders.append(seen.answered_last)
    return holders


def key_of(slot: int) -> bytes:
    """Some key of a slot."""
    return next(b"in %d" % n for n in range(10_000) if slot_of(b"in %d" % n) == slot)
