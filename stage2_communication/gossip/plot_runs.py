"""Measures how news spread: residue, traffic and delay, beside the formulas of Demers and others.

A run begins with one site that knows a rumor, and ends when it is hot nowhere. Every site runs the
whole protocol in the simulator. All of it is a function of the seed.
"""

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import exp
from typing import Any

from common.contract import NodeId
from common.sim import LinkModel, Simulation
from common.values.units import MS
from stage2_communication.gossip.pull import News, Puller, PushPuller
from stage2_communication.gossip.rumors import Push, Spreader, Tell
from stage2_communication.gossip.sites import Everything, Put, Site

ROUND = 50 * MS
LINK = LinkModel(latency=(1 * MS, 2 * MS))
FOR_EVER = 1_000_000_000
"""A ``k`` with which nobody loses interest: then it is a simple epidemic, as anti-entropy is."""


class MeasuredPush(Spreader):
    """Counts the rumors that it sends, and remembers when it heard the first one."""

    sent_rumors = 0
    heard_at = -1

    def send(self, to: NodeId, message: object) -> None:
        """Count, and send."""
        if isinstance(message, (Push, News)):
            self.sent_rumors += len(message.texts)
        super().send(to, message)

    def learn(self, text: str) -> bool:
        """Learn, and remember when."""
        if self.heard_at < 0:
            self.heard_at = self.now
        return super().learn(text)


class MeasuredPull(MeasuredPush, Puller):
    """The same of a site that asks."""


class MeasuredBoth(MeasuredPush, PushPuller):
    """The same of a site that tells and asks."""


WAYS: dict[str, type[MeasuredPush]] = {
    "push": MeasuredPush,
    "pull": MeasuredPull,
    "push-pull": MeasuredBoth,
}


@dataclass(frozen=True, slots=True)
class Spread:
    """What became of one rumor; times are in rounds.

    Attributes:
        sites: how many there are.
        residue: the part of them that never heard it.
        traffic: how often it was sent, for each site.
        average: when a site heard it, on average over those that did.
        last: when the last one of them heard it.
    """

    sites: int
    residue: float
    traffic: float
    average: float
    last: float


def spread(
    way: str, sites: int, k: int, seed: int, *, feedback: bool = True, counter: bool = True
) -> Spread:
    """Let one site tell a rumor, and wait until it is hot nowhere, or known everywhere.

    Meanwhile Python looks for no garbage: none is made.
    """
    names = tuple(f"n{number}" for number in range(sites))
    node = partial(WAYS[way], k=k, feedback=feedback, counter=counter, round_every=ROUND)
    gc.disable()
    try:
        simulation = Simulation(
            dict.fromkeys(names, node),
            seed=f"gossip/{seed}",
            link=LINK,
            peers=names,
            max_events=50_000_000,
        )
        simulation.run(2 * ROUND)
        began = simulation.now
        simulation.call(names[0], Tell("news"))
        simulation.run(began + 1)
        found: list[Any] = list(simulation.nodes.values())
        while any(each.hot for each in found) and not (
            k == FOR_EVER and all(each.known for each in found)
        ):
            simulation.run(simulation.now + ROUND)
    finally:
        gc.enable()
    heard = [(each.heard_at - began) / ROUND for each in found if each.known]
    sent = sum(each.sent_rumors for each in found)
    return Spread(sites, 1 - len(heard) / sites, sent / sites, sum(heard) / len(heard), max(heard))


def mean_spread(
    way: str, sites: int, k: int, runs: int, *, feedback: bool = True, counter: bool = True
) -> Spread:
    """The mean of several runs. A blind coin may end a rumor where it began: such runs count."""
    made = [spread(way, sites, k, seed, feedback=feedback, counter=counter) for seed in range(runs)]

    def mean(values: Sequence[float]) -> float:
        return sum(values) / len(values)

    return Spread(
        sites,
        mean([each.residue for each in made]),
        mean([each.traffic for each in made]),
        mean([each.average for each in made]),
        mean([each.last for each in made]),
    )


def residue_formula(k: int) -> float:
    """The solution of s = exp(-(k + 1) (1 - s)) that is less than 1 (section 1.4)."""
    residue = 0.0
    for _ in range(200):
        residue = exp(-(k + 1) * (1 - residue))
    return residue


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing costs.

    Attributes:
        rounds: until all sites had all entries.
        offers: comparisons that were begun.
        whole: those that sent everything.
    """

    rounds: float
    offers: int
    whole: int


class MeasuredSite(Site):
    """Counts how often it sends its whole table, and how often it begins to compare."""

    offers = 0
    whole = 0

    def send(self, to: NodeId, message: object) -> None:
        """Count, and send."""
        self.whole += isinstance(message, Everything)
        self.offers += type(message).__name__ == "Offer"
        super().send(to, message)


def compared(sites: int, updates: int, recent: int, seed: int = 1) -> Compared:
    """One update in each round, at a site by chance; until all tables are the same."""
    names = tuple(f"n{number}" for number in range(sites))
    node = partial(MeasuredSite, round_every=ROUND, recent=recent)
    simulation = Simulation(
        dict.fromkeys(names, node), seed=f"compared/{seed}", link=LINK, max_events=10_000_000
    )
    random = simulation.random_for("updates")
    for number in range(updates):
        simulation.run(simulation.now + ROUND)
        simulation.call(random.choice(names), Put(f"k{number}", "value"))
    began = simulation.now
    found: list[Any] = list(simulation.nodes.values())

    def same() -> bool:
        return all(len(each.store.entries) == updates for each in found)

    while not same():
        simulation.run(simulation.now + ROUND)
    rounds = (simulation.now - began) / ROUND
    offers = sum(each.offers for each in found)
    return Compared(rounds, offers, sum(each.whole for each in found))
