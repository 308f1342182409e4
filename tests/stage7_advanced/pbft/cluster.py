"""Four replicas of the store, clients at work, liars among the replicas, what honest ones say."""

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from common.check.models import KEY_VALUE
from common.contract import Signed
from common.contract.events import NodeId
from common.contract.observer import Observer
from common.course.suites.kit import ask_ok, must_be_linearizable, must_end, names, trouble
from common.sim.chaos import random_liars
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import TWIN_MARK, Corrupt, Fault, Schedule, Twin
from common.values.units import MS, SECOND
from stage7_advanced.pbft.broken import BEHAVIOURS
from tests.stage7_advanced.pbft.lab import PbftLab

FOUR = names(4)
CLIENTS = ("c1", "c2")
UNEVEN = LinkModel(latency=(1 * MS, 20 * MS), reorder=0.1)
"""Nothing is lost, and everything overtakes."""

CALM = 2 * SECOND
LIMIT = 25 * SECOND


class Words(Observer):
    """Remembers what replicas that do not lie have signed and sent."""

    def __init__(self, liars: Iterable[NodeId] = ()) -> None:
        self.liars = set(liars)
        self.said: list[tuple[NodeId, NodeId, Any]] = []

    def failed(self, at: int, fault: Fault) -> None:
        """A replica may begin to lie."""
        if isinstance(fault, Corrupt | Twin):
            self.liars.add(fault.node)

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """A message leaves."""
        if isinstance(message, Signed):
            self.said.append((node.removesuffix(TWIN_MARK), to, message))

    def of(self, kind: type) -> list[tuple[NodeId, Any]]:
        """What honest nodes themselves have said of one class, and who did."""
        return [
            (signed.signer, signed.content)
            for sender, _, signed in self.said
            if sender == signed.signer
            and sender not in self.liars
            and isinstance(signed.content, kind)
        ]

    def count(self, kind: type) -> int:
        """How many messages of a class were sent."""
        return sum(isinstance(signed.content, kind) for _, _, signed in self.said)


def cluster(
    lab: PbftLab,
    kind: str,
    seed: int | str,
    faults: Sequence[Fault] = (),
    config: Mapping[str, Any] | None = None,
    **options: Any,
) -> tuple[Simulation, Words]:
    """Four replicas and two clients."""
    made = getattr(lab, kind)
    words = Words(Schedule(faults).byzantine)
    options = {"link": UNEVEN, **options}
    simulation = lab.simulation(
        dict.fromkeys(FOUR, lambda id, peers: made(id, peers, **(config or {}))),
        dict.fromkeys(CLIENTS, lab.StoreClient),
        seed=seed,
        schedule=Schedule(faults),
        behaviours=BEHAVIOURS,
        observers=[words],
        **options,
    )
    return simulation, words


def work(lab: PbftLab, simulation: Simulation, count: int = 10, **options: Any) -> Workload:
    """Let each client append, then get, put and append; no text is written twice."""

    def choose(random: Random, client: NodeId, number: int) -> object:
        key, text = random.choice("xy"), f"{client}.{number};"
        if number == 0:
            return lab.Append("x", text)
        kinds = [lab.Get(key), lab.Append(key, text), lab.Append(key, text), lab.Put(key, text)]
        return random.choice(kinds)

    options = {"clients": CLIENTS, "think": (0, 100 * MS), "patience": 20 * SECOND, **options}
    return Workload(simulation, choose, count=count, **options)


def liars(seed: int, count: int = 1) -> list[Fault]:
    """Replicas that lie in ways drawn from the seed, or run twice."""
    drawn = random_liars(
        Random(f"{seed}/liars"), FOUR, CALM, liars=count, behaviours=tuple(BEHAVIOURS),
        others=CLIENTS,
    )  # fmt: skip
    return list(drawn)


def must_agree(lab: PbftLab, words: Words) -> None:
    """Check that honest replicas were prepared for one request only in a view and number.

    And that their states at a checkpoint were the same.
    """
    prepared: dict[tuple[int, int], tuple[str, str]] = {}
    for who, said in words.of(lab.Commit):
        other, digest = prepared.setdefault((said.view, said.number), (who, said.digest))
        assert digest == said.digest, (
            f"{who} and {other} are prepared for different requests with number {said.number} in "
            f"view {said.view}"
        )
    states: dict[int, tuple[str, str]] = {}
    for who, said in words.of(lab.Checkpoint):
        other, digest = states.setdefault(said.number, (who, said.digest))
        assert digest == said.digest, f"{who} and {other} differ after request {said.number}"


def sweep_once(
    lab: PbftLab,
    kind: str,
    seed: int,
    faults: Sequence[Fault],
    config: Mapping[str, Any] | None = None,
    count: int = 8,
) -> tuple[Simulation, Words]:
    """Clients work while replicas lie and things fail; all must end, and nothing contradict."""
    simulation, words = cluster(lab, kind, seed, faults, config)
    must_end(simulation, work(lab, simulation, count), limit=LIMIT)
    assert ask_ok(simulation, "c1", lab.Get("x"), within=8 * SECOND), "something was appended"
    must_be_linearizable(simulation.history, KEY_VALUE)
    must_agree(lab, words)
    return simulation, words


def failures(seed: int, *kinds: str) -> list[Fault]:
    """Faults of these kinds, drawn from the seed, that are over at ``CALM``."""
    return trouble(seed, kinds, hit=FOUR, others=CLIENTS, until=CALM)
