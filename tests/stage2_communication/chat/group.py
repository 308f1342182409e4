"""Rooms, people, and questions to both, for the suites of the lab ``chat``.

Nothing here looks into a member: what it shows is what it answers to ``Read``, and what it sends is
what the network sees.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from common.check.broadcast import check_causal_order, check_total_order
from common.contract import Invoke, Receive, Return, Start
from common.contract.events import NodeId
from common.contract.node import Node
from common.course.suites import kit
from common.course.suites.kit import ask_ok, effects_of, must_hold, value_of
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Fault, Schedule
from common.values.history import History, Ok, Operation
from common.values.units import MS, SECOND
from tests.stage2_communication.chat.lab import ChatLab

THREE = ("n1", "n2", "n3")
STEADY = LinkModel(latency=(3 * MS, 3 * MS))
BAD = LinkModel(latency=(1 * MS, 20 * MS), loss=0.15, duplicate=0.2, reorder=0.3)

Message = tuple[str, int]
"""A post that was shown: its author, and its number among the author's posts."""


def protocols(lab: ChatLab) -> list[Callable[..., Node]]:
    """Both protocols."""
    return [lab.TotalOrderMember, lab.CausalMember]


def room(
    lab: ChatLab,
    member: Callable[..., Node],
    seed: int | str,
    faults: Sequence[Fault] = (),
    *,
    founders: tuple[NodeId, ...] = THREE,
    outside: tuple[NodeId, ...] = (),
    **options: Any,
) -> Simulation:
    """A room of these founders, the first of whom opened it; ``outside`` may join."""

    def made(id: NodeId, peers: tuple[NodeId, ...]) -> Node:
        return member(id, peers, founders=founders)

    nodes = dict.fromkeys((*founders, *outside), made)
    return lab.simulation(nodes, seed=seed, schedule=Schedule(faults), **options)


def trouble(
    seed: int | str,
    *kinds: str,
    until: int = 2 * SECOND,
    troubles: int = 6,
    hit: Sequence[NodeId] = THREE,
) -> list[Fault]:
    """Faults of these kinds, drawn from the seed, that are over at ``until``."""
    return kit.trouble(seed, kinds, hit=hit, until=until, troubles=troubles)


def talk(
    lab: ChatLab, simulation: Simulation, people: Sequence[NodeId], count: int = 15, **options: Any
) -> Workload:
    """Let people say something, or look first what there is: no text is said twice."""

    def choose(random: Random, person: NodeId, number: int) -> object:
        return lab.Read(0) if random.random() < 0.4 else lab.Say(f"{person}.{number}")

    options.setdefault("think", (0, 80 * MS))
    options.setdefault("patience", 500 * MS)
    return Workload(simulation, choose, clients=people, count=count, **options)


def lines(lab: ChatLab, simulation: Simulation, person: NodeId) -> list[Any]:
    """All lines that a member shows now, from the first one on."""
    shown: list[Any] = []
    while True:
        more = ask_ok(simulation, person, lab.Read(len(shown)))
        assert isinstance(more, tuple), f"{person} answers Read({len(shown)}) with {more!r}"
        if not more:
            return shown
        shown += more


def posts(shown: Sequence[Any]) -> list[Message]:
    """The lines of a transcript by author and number."""
    return [(line.author, line.number) for line in shown]


def texts(lab: ChatLab, simulation: Simulation, person: NodeId) -> list[str]:
    """What was said, in the order in which a member shows it."""
    return [
        line.content.text
        for line in lines(lab, simulation, person)
        if hasattr(line.content, "text")
    ]


def must_hear_the_last_who_came_before_it_closes(lab: ChatLab) -> None:
    """n1 shows nothing behind a removal before one who joined late has said that it fences."""
    made = lab.TotalOrderMember("n1", ("n2", "n3", "n4"), founders=THREE)
    made.step(Start(0, {}))
    made.step(Receive(1, "n4", lab.Knock(())))
    made.step(Invoke(2, 1, lab.Remove("n3")))

    def shown() -> int:
        """How many lines n1 shows."""
        (answer,) = effects_of(Return, made.step(Invoke(3, 2, lab.Read(0))))
        return len(answer.outcome.value)

    both = (("n1", 2),)
    made.step(Receive(3, "n2", lab.Acknowledgement(both)))
    assert shown() == 0, "n4 may take something from n3, or have it, as long as it says nothing"
    made.step(Receive(4, "n4", lab.Acknowledgement((("n1", 1),))))
    assert shown() == 0, "n4 has not heard of the removal"
    made.step(Receive(5, "n4", lab.Acknowledgement(both)))
    assert shown() == 2, "all who are in the room have"


def shown_by(
    lab: ChatLab, simulation: Simulation, people: Sequence[NodeId]
) -> dict[NodeId, list[Message]]:
    """What each of these shows now."""
    return {person: posts(lines(lab, simulation, person)) for person in people}


def must_show_the_same(
    lab: ChatLab, simulation: Simulation, people: Sequence[NodeId]
) -> list[Message]:
    """Check that all show the same in the same order, and all of it; returns it."""
    shown = shown_by(lab, simulation, people)
    must_hold(check_total_order(shown))
    counts = {person: len(messages) for person, messages in shown.items()}
    assert len(set(counts.values())) == 1, f"some show more than others: {counts}"
    return shown[people[0]]


def must_hold_the_same(lab: ChatLab, simulation: Simulation, people: Sequence[NodeId]) -> None:
    """Check that all show the same posts, in whatever order."""
    shown = {person: sorted(found) for person, found in shown_by(lab, simulation, people).items()}
    first = shown[people[0]]
    for person, found in shown.items():
        assert found == first, f"{people[0]} shows {first}, and {person} shows {found}"
        assert len(set(found)) == len(found), f"{person} shows something twice: {found}"


def must_keep_every_ok(history: History, said: Sequence[str]) -> None:
    """Check that what ended ok is there once, what failed is not there, and nothing is invented."""
    asked = {str(one.argument): one for one in history if one.function == "say"}
    assert len(set(said)) == len(said), (
        f"shown twice: {next(t for t in said if said.count(t) > 1)!r}"
    )
    for text in said:
        assert text in asked, f"nobody said {text!r}"
    for text, one in asked.items():
        ended = type(one.outcome).__name__
        assert ended != "Ok" or text in said, f"{one}, and in the end it is not shown"
        assert ended != "Failed" or text not in said, f"{one}, and it is shown"


def must_never_change(history: History) -> None:
    """Check that every ``Read(0)`` of a person shows what the one before showed, or more."""
    before: dict[str, list[Message]] = {}
    for one in history:
        if one.function == "read" and one.argument == 0 and isinstance(one.outcome, Ok):
            assert isinstance(one.outcome.value, tuple), f"{one}"
            person = one.process.partition("/")[0]
            now = posts(one.outcome.value)
            old = before.get(person, [])
            assert now[: len(old)] == old, f"{person} was shown {old}, and later {now}"
            before[person] = now


def read_before(history: History) -> dict[object, list[Message]]:
    """By post all that its author had read, at the same member, before saying it.

    Two operations may have one time: what comes first in the history was first.
    """
    ended = [
        (place, one)
        for place, one in enumerate(history)
        if one.function == "read" and one.returned_at is not None and isinstance(one.outcome, Ok)
    ]
    names = {
        line.content.text: (line.author, line.number)
        for _, one in ended
        for line in _value(one)
        if hasattr(line.content, "text")
    }
    found: dict[object, list[Message]] = {}
    for at, say in enumerate(history):
        if say.function != "say" or str(say.argument) not in names:
            continue
        person = say.process.partition("/")[0]
        earlier = [
            posts(_value(one))
            for place, one in ended
            if one.process.partition("/")[0] == person
            and place < at
            and (one.returned_at or 0) <= say.invoked_at
        ]
        found[names[str(say.argument)]] = max(earlier, key=len, default=[])
    return found


def must_be_causal(lab: ChatLab, simulation: Simulation, people: Sequence[NodeId]) -> None:
    """Check that nobody shows a post before what its author had read, and that authors had."""
    shown = shown_by(lab, simulation, people)
    causes = read_before(simulation.history)
    assert any(causes.values()), "nobody had read anything before saying something"
    must_hold(check_causal_order(shown, causes))


def _value(one: Operation) -> Sequence[Any]:
    value = value_of(one)
    assert isinstance(value, tuple), f"{one}"
    return value
