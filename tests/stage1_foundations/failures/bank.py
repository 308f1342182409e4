"""The bank that the suites of the lab ``failures`` share: one server, some clients, trouble."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from common.check.verdict import Answer
from common.contract.effects import Forget, Save
from common.contract.events import Event, NodeId, Receive
from common.sim.chaos import random_schedule
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Fault, Schedule
from common.values.history import Failed, History, Ok, Operation, Unknown
from common.values.units import MS, SECOND, show_time
from stage1_foundations.failures.checks import check_account, check_honesty

SERVER = "n1"
CLIENTS = ("c1", "c2", "c3")

PATIENCE = 20 * SECOND
"""Longer than any client tries; whoever says nothing for so long has forgotten its user."""

GIVEN_UP = 3 * SECOND
"""By then a client that hears nothing has said so: five attempts, 1.55 s and up to a quarter more,
on a clock that may be a tenth slow."""

THREE_MS = LinkModel(latency=(3 * MS, 3 * MS))
"""Links on which everything takes the same time, for scenarios that need an exact one."""

MAX_EVENTS = 100_000
"""Many times what the longest run of these suites takes: a storm of messages ends here."""

KINDS = ("partition", "block", "crash", "pause", "link", "clock", "disk")


class Wire:
    """Watches a simulation: what was sent by whom and when, and what each node was told.

    Attributes:
        sent_messages: (time, sender, target, message), in order.
        received: (time, node, message), in order.
        told: by node, all its events up to now, as text: its whole view of the world.
    """

    def __init__(self) -> None:
        self.sent_messages: list[tuple[int, NodeId, NodeId, Any]] = []
        self.received: list[tuple[int, NodeId, Any]] = []
        self.told: dict[NodeId, list[str]] = {}

    def stepped(
        self, at: int, node: NodeId, event: Event, number: int | None, status: Mapping[str, object]
    ) -> None:
        self.told.setdefault(node, []).append(repr(event))
        if isinstance(event, Receive):
            self.received.append((at, node, event.message))

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        self.sent_messages.append((at, node, to, message))

    def dropped(self, at: int, node: NodeId, to: NodeId, number: int, why: str) -> None: ...

    def saved(self, at: int, node: NodeId, changes: Sequence[Save | Forget]) -> None: ...

    def noted(self, at: int, node: NodeId, text: str, fields: Mapping[str, object]) -> None: ...

    def failed(self, at: int, fault: Fault) -> None: ...

    def called(self, at: int, node: NodeId, operation: Operation) -> None: ...

    def returned(self, at: int, node: NodeId, operation: Operation) -> None: ...

    def times_of(self, kind: type) -> list[int]:
        """When messages of a class were sent."""
        return [at for at, _, _, message in self.sent_messages if type(message) is kind]


def bank(
    lab: Any,
    seed: int | str,
    faults: Sequence[Fault] = (),
    *,
    clients: Sequence[NodeId] = CLIENTS,
    client: Callable[..., Any] | None = None,
    **options: Any,
) -> Simulation:
    """A server and some clients."""
    options = {"schedule": Schedule(faults), "max_events": MAX_EVENTS, **options}
    made: Simulation = lab.simulation(
        {SERVER: lab.AccountServer},
        dict.fromkeys(clients, client or lab.AccountClient),
        seed=seed,
        **options,
    )
    return made


def trouble(
    seed: int,
    *kinds: str,
    until: int = 2 * SECOND,
    troubles: int = 6,
    hit: Sequence[NodeId] = (SERVER,),
) -> list[Fault]:
    """Faults of these kinds, drawn from the seed, that are over at ``until``."""
    others = [node for node in (SERVER, *CLIENTS) if node not in hit]
    drawn = random_schedule(
        Random(f"{seed}/{kinds}"), hit, until, kinds=kinds, troubles=troubles, others=others
    )
    return list(drawn)


def work(
    lab: Any,
    simulation: Simulation,
    count: int = 20,
    kinds: Sequence[str] = ("Deposit", "Deposit", "Withdraw", "Statement"),
    **options: Any,
) -> Workload:
    """Let each client ask for operations of these kinds; no two commands have the same entry."""

    def choose(random: Random, client: NodeId, number: int) -> object:
        amount = 10 * number + int(client[1:])
        kind = getattr(lab, random.choice(kinds))
        return kind() if kind is lab.Statement else kind(amount)

    options.setdefault("think", (0, 60 * MS))
    options.setdefault("patience", PATIENCE)
    return Workload(simulation, choose, count=count, **options)


def ask(
    simulation: Simulation, client: NodeId, operation: object, within: int = PATIENCE
) -> Operation:
    """Let a client ask now, and go on until it is told how that ended."""
    asked = simulation.call(client, operation)
    limit = simulation.now + within
    ended = simulation.run_until(lambda: asked.returned_at is not None, limit)
    assert ended, f"{asked} had no end after {show_time(within)}: say Unknown, but say something"
    return asked


def ask_ok(simulation: Simulation, client: NodeId, operation: object) -> Any:
    """Ask for something that nothing stands in the way of; returns its result."""
    asked = ask(simulation, client, operation)
    assert isinstance(asked.outcome, Ok), f"nothing is in the way, but {asked}"
    return asked.outcome.value


def entries(lab: Any, simulation: Simulation, client: NodeId = "c1") -> tuple[int, ...]:
    """What has happened, read by a client; nothing may stand in the way."""
    return tuple(ask_ok(simulation, client, lab.Statement()))


def must_be_honest(lab: Any, simulation: Simulation) -> None:
    """Read the statement in the calm, and check all that clients were told against it."""
    entries(lab, simulation)
    verdict = check_honesty(simulation.history)
    assert verdict.answer is Answer.YES, verdict.sentence
    verdict = check_account(simulation.history)
    assert verdict.answer is Answer.YES, verdict.sentence


def ends(history: History) -> Counter[str]:
    """How many commands ended ok, failed and unknown, and how many have not ended."""
    names = {Ok: "ok", Failed: "failed", Unknown: "unknown"}
    return Counter(
        "open" if each.returned_at is None else names[type(each.outcome)]
        for each in history
        if each.function != "statement"
    )
