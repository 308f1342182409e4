"""A field of generals, loyal ones and traitors, for the suites of the lab's first part."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import product
from random import Random
from typing import Any

from common.check.stories import Stories
from common.contract.effects import Return
from common.contract.events import Fire, Invoke, NodeId, Receive, Start
from common.contract.lies import Behaviour, Liar
from common.contract.signing import IDEAL, Signed
from common.course.suites.kit import effects_of, names
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.values.faults import Corrupt, Schedule
from common.values.history import Ok
from common.values.units import MS
from tests.stage7_advanced.pbft.lab import PbftLab

ORDERS = ("attack", "retreat")
ROUND = 100 * MS
"""A message arrives before this time is over, and is handed on at once."""

STEADY = LinkModel(latency=(2 * MS, 2 * MS))


def field(
    lab: PbftLab,
    kind: Any,
    count: int,
    traitors: int,
    liars: Mapping[NodeId, Behaviour] | None = None,
    *,
    order: str = "attack",
    seed: int | str = 1,
    **options: Any,
) -> Simulation:
    """So many generals, n1 in command; the liars lie from the beginning.

    Args:
        lab: whose generals.
        kind: the class of the generals.
        count: how many there are.
        traitors: how many they bear.
        liars: the behaviours of those who are traitors.
        order: of the commander.
        seed, options: of the simulation.
    """
    lying = dict(liars or {})
    faults = [Corrupt(0, liar, liar) for liar in lying]
    options.setdefault("link", STEADY)
    made: Simulation = lab.simulation(
        dict.fromkeys(names(count), partial(kind, order=order, traitors=traitors)),
        seed=seed,
        schedule=Schedule(faults),
        behaviours=lying,
        **options,
    )
    return made


def decisions(lab: PbftLab, simulation: Simulation, rounds: int) -> dict[NodeId, Any]:
    """What each general says that he does once all rounds are over; None if he still waits."""
    asked = {general: simulation.call(general, lab.AskGeneral()) for general in simulation.members}
    simulation.run(rounds * ROUND + 10 * MS)
    return {
        general: each.outcome.value if isinstance(each.outcome, Ok) else None
        for general, each in asked.items()
    }


def must_be_consistent(
    lab: PbftLab,
    kind: Any,
    count: int,
    traitors: int,
    liars: Mapping[NodeId, Behaviour],
    *,
    order: str = "attack",
    seed: int | str = 1,
) -> dict[NodeId, Any]:
    """Check IC1 and IC2 of one battle; returns what the loyal generals do."""
    stories = Stories(liars)
    simulation = field(
        lab, kind, count, traitors, liars, order=order, seed=seed, observers=[stories]
    )
    told = decisions(lab, simulation, traitors + 1)
    loyal = {general: does for general, does in told.items() if general not in liars}
    waiting = [general for general, does in loyal.items() if does is None]
    assert not waiting, f"{waiting[0]} has not decided after {traitors + 1} rounds\n{stories}"
    assert len(set(loyal.values())) == 1, (
        f"IC1: all loyal generals obey the same order; they do {loyal}\n{stories}"
    )
    if "n1" in loyal:
        assert set(loyal.values()) == {order}, (
            f"IC2: n1 is loyal and orders {order}; the loyal generals do {loyal}\n{stories}"
        )
    return loyal


def every_lie(
    receivers: Iterable[NodeId], says: Callable[[Any, Any], Iterable[object]], *words: Any
) -> Iterable[Behaviour]:
    """Every way to tell each receiver one of the words, or nothing.

    Args:
        receivers: who hears one message of the liar each.
        says: makes what is sent of a word and the true message.
        words: what can be said; None for nothing.
    """
    heard = tuple(receivers)
    for chosen in product(words, repeat=len(heard)):
        story = dict(zip(heard, chosen, strict=True))

        def lies(
            liar: Liar, to: NodeId, true: Any, story: Mapping[NodeId, Any] = story
        ) -> Iterable[object]:
            return says(story[to], true)

        yield lies


def started(lab: PbftLab, kind: Any, count: int, traitors: int, id: NodeId = "n2") -> Any:
    """One general whose first round has begun; the test plays all others."""
    peers = tuple(name for name in names(count) if name != id)
    general = kind(id, peers, order="attack", traitors=traitors)
    general.seed("field")
    general.step(Start(0, {}))
    return general


def hears(general: Any, sender: NodeId, message: object, at: int = 1 * MS) -> list[Any]:
    """Let a general hear a message; returns what he asks for then."""
    effects: list[Any] = general.step(Receive(at, sender, message))
    return effects


def says_now(lab: PbftLab, general: Any, at: int = 2 * MS) -> Any:
    """What a general who has decided says that he does."""
    effects = general.step(Invoke(at, 1, lab.AskGeneral()))
    (returned,) = effects_of(Return, effects)
    return returned.outcome.value


def does_in_the_end(lab: PbftLab, general: Any, traitors: int) -> Any:
    """What a general says once all his rounds are over."""
    over = (traitors + 1) * ROUND
    general.step(Fire(over, 1, lab.Deadline()))
    return says_now(lab, general, over)


def signed_by(content: object, *signers: NodeId) -> Signed:
    """``content`` with the signatures of these generals, the first one innermost."""
    for signer in signers:
        content = Signed(signer, content, IDEAL)
    assert isinstance(content, Signed), "somebody signs"
    return content


def drawn(random: Random, count: int, traitors: int) -> list[NodeId]:
    """Some traitors."""
    return sorted(random.sample(names(count), traitors))
