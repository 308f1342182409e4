"""The bank that the suites of the lab ``failures`` share: one server, some clients, trouble."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import Any

from common.contract.events import Event, NodeId
from common.course.suites import kit
from common.course.suites.kit import ByHand, Wire, ask_ok, must_hold
from common.sim.host import Factory
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Fault, Schedule
from common.values.history import Failed, History, Ok, Unknown
from common.values.units import MS, SECOND
from stage1_foundations.failures.checks import check_account, check_honesty
from tests.stage1_foundations.failures.lab import FailuresLab

SERVER = "n1"
CLIENTS = ("c1", "c2", "c3")

PATIENCE = 20 * SECOND
"""Longer than any client tries; who says nothing for so long has forgotten its user."""

GIVEN_UP = 3 * SECOND
"""By then a client that hears nothing has said so: five attempts, 1.55 s and up to a quarter more,
on a clock that may be a tenth slow."""

THREE_MS = LinkModel(latency=(3 * MS, 3 * MS))
"""Links on which everything takes the same time, for scenarios that need an exact one."""

KINDS = ("partition", "block", "crash", "pause", "link", "clock", "disk")


class Told(Wire):
    """Remembers its messages, and what each node was told.

    Attributes:
        told: by node, all its events up to now, as text: its whole view of the world.
    """

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[NodeId, list[str]] = {}

    def stepped(
        self, at: int, node: NodeId, event: Event, number: int | None, status: Mapping[str, object]
    ) -> None:
        """Something happened to a node."""
        super().stepped(at, node, event, number, status)
        self.told.setdefault(node, []).append(repr(event))


def bank(
    lab: FailuresLab,
    seed: int | str,
    faults: Sequence[Fault] = (),
    *,
    clients: Sequence[NodeId] = CLIENTS,
    client: Factory | None = None,
    **options: Any,
) -> Simulation:
    """A server and some clients."""
    servers, asking = (
        {SERVER: lab.AccountServer},
        dict.fromkeys(clients, client or lab.AccountClient),
    )
    return lab.simulation(servers, asking, seed=seed, schedule=Schedule(faults), **options)


def trouble(
    seed: int,
    *kinds: str,
    until: int = 2 * SECOND,
    troubles: int = 6,
    hit: Sequence[NodeId] = (SERVER,),
) -> list[Fault]:
    """Faults of these kinds, drawn from the seed, that are over at ``until``."""
    others = (SERVER, *CLIENTS)
    return kit.trouble(seed, kinds, hit=hit, others=others, until=until, troubles=troubles)


def work(
    lab: FailuresLab,
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


def entries(lab: FailuresLab, simulation: Simulation, client: NodeId = "c1") -> tuple[int, ...]:
    """What has happened, read by a client; nothing may stand in the way."""
    return tuple(ask_ok(simulation, client, lab.Statement()))


def must_be_honest(lab: FailuresLab, simulation: Simulation) -> None:
    """Read the statement in the calm, and check all that clients were told against it."""
    entries(lab, simulation)
    must_hold(check_honesty(simulation.history))
    must_hold(check_account(simulation.history))


def ends(history: History) -> Counter[str]:
    """How many commands ended ok, failed and unknown, and how many have not ended."""
    names = {Ok: "ok", Failed: "failed", Unknown: "unknown"}
    return Counter(
        "open" if each.returned_at is None else names[type(each.outcome)]
        for each in history
        if each.function != "statement"
    )


def must_wait_by_chance_each_time(lab: FailuresLab) -> None:
    """Six attempts of eight clients that ask the second server: how long is each wait?"""
    by_chance: set[int] = set()
    for number in range(1, 9):
        node = lab.AccountClient(
            f"c{number}", ("n1", "n2"), server="n2", first_timeout=40 * MS, attempts=6
        )
        client = ByHand(node)
        first = sent = client.invoke(lab.Deposit(5))
        for attempt in range(6):
            assert [(each.to, each.message) for each in sent] == [("n2", first[0].message)]
            ((due, _),) = client.timers.values()
            longer = due - client.now - (40 * MS << attempt)
            assert 0 <= longer <= 10 * MS << attempt, (
                f"attempt {attempt + 1} waits {longer} µs more"
            )
            by_chance.add(longer)
            sent = client.wait(due - client.now)
        assert not sent, "six attempts were asked for"
        assert [type(each) for each in client.ended] == [Unknown]
    assert len(by_chance) > 36, "what is added is drawn anew for each wait"
    assert max(by_chance) > 40 * MS, "up to a quarter of the wait at hand, not of the first one"


def must_number_each_life_anew(lab: FailuresLab) -> None:
    """A life has numbers for 2**32 requests, and the next one begins above them all."""
    saved: dict[Any, Any] = {}
    begun: list[int] = []
    for _ in range(4):
        client = ByHand(lab.AccountClient("c1", ("n1",)), saved)
        (sent,) = client.invoke(lab.Statement())
        begun.append(sent.message.number)
        saved = client.disk
    apart = [later - earlier for earlier, later in pairwise(begun)]
    assert min(apart) >= 2**32, f"lives begin with the numbers {begun}"


def must_tell_what_the_server_says(lab: FailuresLab) -> None:
    """A balance of 0 is a balance, and no entries are a statement."""
    client = ByHand(lab.AccountClient("c1", ("n1",)))
    for result, outcome in (
        (lab.Done(0), Ok(0)),
        (lab.Done(7), Ok(7)),
        (lab.Entries(()), Ok(())),
        (lab.Refused("no"), Failed("no")),
    ):
        (sent,) = client.invoke(lab.Statement())
        client.receive("n1", lab.Reply(sent.message.number, result))
        assert client.ended[-1] == outcome, f"the server's answer was {result}"
