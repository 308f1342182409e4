"""Chats of four processes on a calm day, and what they show, for the suites of both orders."""

from collections.abc import Sequence
from random import Random
from typing import Any

from common.contract.events import Invoke, NodeId
from common.course.suites.kit import ask, names, value_of
from common.sim.host import Factory
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Fault, Schedule
from common.values.history import Operation
from common.values.units import MS
from tests.stage2_communication.clocks.lab import ClocksLab

FOUR = names(4)
UNEVEN = LinkModel(latency=(1 * MS, 60 * MS), reorder=0.2)
"""Nothing is lost, and everything overtakes."""

STEADY = LinkModel(latency=(5 * MS, 5 * MS))

Line = tuple[str, str]


def chat(
    lab: ClocksLab, process: Factory, seed: int | str, faults: Sequence[Fault] = (), **options: Any
) -> Simulation:
    """Four processes of a class."""
    options = {"link": UNEVEN, "schedule": Schedule(faults), **options}
    return lab.simulation(dict.fromkeys(FOUR, process), seed=seed, **options)


def talk(lab: ClocksLab, simulation: Simulation, count: int = 12) -> Workload:
    """Let everybody look and speak, by turns as they come: no text is said twice."""

    def choose(random: Random, person: NodeId, number: int) -> object:
        return lab.Read() if random.random() < 0.5 else lab.Say(f"{person}.{number}")

    return Workload(simulation, choose, clients=FOUR, count=count, think=(0, 60 * MS))


def lines(lab: ClocksLab, simulation: Simulation, person: NodeId) -> list[Line]:
    """The lines that a process shows now."""
    return list(_value(ask(simulation, person, lab.Read())))


def all_lines(lab: ClocksLab, simulation: Simulation) -> dict[str, list[Line]]:
    """What each process shows now."""
    return {person: lines(lab, simulation, person) for person in FOUR}


def shown_by(lab: ClocksLab, node: Any) -> tuple[Line, ...]:
    """The lines that a single process shows, asked by hand."""
    value: tuple[Line, ...] = node.step(Invoke(9, 9, lab.Read()))[-1].outcome.value
    return value


def must_show_all_that_was_said(shown: dict[str, list[Line]], simulation: Simulation) -> None:
    """Check that everybody shows each post once, under its author's name, and nothing else."""
    said = sorted(
        (asked.process, str(asked.argument))
        for asked in simulation.history
        if asked.function == "say"
    )
    assert said, "nobody said anything: the test shows nothing"
    for person, found in shown.items():
        assert sorted(found) == said, f"{person} shows {sorted(found)}; said was {said}"


def causes(simulation: Simulation) -> dict[object, list[Line]]:
    """By post all that its author had been shown, or had said, before it said this.

    Nobody does two things at once. But two may have one time: what comes first in the history was
    first.
    """
    known: dict[object, list[Line]] = {}
    history = list(simulation.history)
    for place, say in enumerate(history):
        if say.function != "say":
            continue
        earlier: list[Line] = []
        for other in history[:place]:
            if other.process == say.process and (other.returned_at or 0) <= say.invoked_at:
                if other.function == "say":
                    earlier.append((other.process, str(other.argument)))
                else:
                    earlier += _value(other)
        known[say.process, str(say.argument)] = earlier
    assert any(known.values()), "nobody had read anything before saying something"
    return known


def _value(asked: Operation) -> tuple[Line, ...]:
    value = value_of(asked)
    assert isinstance(value, tuple), f"{asked}: an answer to Read is a tuple of lines"
    return tuple((str(author), str(text)) for author, text in value)
