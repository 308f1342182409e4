"""What shows the lab ``dynamo``: a ring that is changed by way of a client, and the last looks."""

from dataclasses import replace
from typing import Any

import pytest

from common.check.verdict import Answer
from common.contract.effects import Save, Send
from common.contract.events import Receive, Start
from common.course.suites.kit import effects_of
from common.sim import Simulation
from common.values.history import Failed, History, Ok, Outcome, Unknown
from common.values.units import MS, SECOND
from stage3_partitioning.dynamo.checks import SETTLED, nothing_is_gone
from stage3_partitioning.dynamo.client import Shopper
from stage3_partitioning.dynamo.members import Dynamo, Join, Leave, Member, Note, Noted
from stage3_partitioning.dynamo.worlds import CHANGES, WORLDS

FIVE = ("n1", "n2", "n3", "n4", "n5")
NOT_YET = SETTLED - 1
NOW: Outcome = Ok()


def cluster() -> Simulation:
    """Five nodes, and two operators."""
    return Simulation(dict.fromkeys(FIVE, Dynamo), dict.fromkeys(("c1", "c2"), Shopper), seed=1)


def asked(simulation: Simulation, client: str, operation: object) -> Any:
    """How an operation ends; then everybody hears of it."""
    call = simulation.call(client, operation)
    simulation.run(simulation.now + 4 * SECOND)
    return call.outcome


def notes(simulation: Simulation, node: str) -> set[Member]:
    """What the nodes know of a node."""
    known: list[Any] = [simulation.nodes[each] for each in FIVE]
    return {each.members[node] for each in known}


def test_clients_change_the_ring_one_after_the_other() -> None:
    simulation = cluster()
    for client, change, known in (
        ("c1", Leave, Member(1, False)),
        ("c2", Join, Member(1, True)),  # of equal numbers, inside holds
        ("c1", Leave, Member(2, False)),
        ("c1", Join, Member(3, True)),
        ("c2", Leave, Member(4, False)),  # it is told of the third one, and asks again
    ):
        assert asked(simulation, client, change("n5")) == Ok()
        assert notes(simulation, "n5") == {known}


def test_a_note_that_comes_late_or_twice_changes_nothing() -> None:
    node = Dynamo("n1", FIVE[1:])
    node.step(Start(0, {}))
    leave, join = Note(1, "n5", Member(1, False)), Note(2, "n5", Member(2, True))
    for note, known in ((leave, leave.member), (join, join.member), (leave, join.member)):
        for time in (1, 2):
            effects = node.step(Receive(0, "c1", note))
            assert node.members["n5"] == known
            [answer] = effects_of(Send, effects)
            assert answer.message == Noted(note.number, known)
            assert bool(effects_of(Save, effects)) is (time == 1 and known == note.member)


def test_what_cannot_be_is_refused_in_a_sentence() -> None:
    simulation = cluster()
    assert asked(simulation, "c1", Join("n9")) == Failed("there is no node n9 in this cluster")
    for node in ("n1", "n2"):
        assert asked(simulation, "c1", Leave(node)) == Ok()
    refused = asked(simulation, "c1", Leave("n3"))
    assert refused == Failed("3 nodes have to stay: there would be too few homes")
    assert notes(simulation, "n3") == {Member(0, True)}


def told(*looks: tuple[int, tuple[str, ...]], put: Outcome = NOW) -> History:
    """A write that ended at 0, and when somebody looked, and what was shown."""
    history = History()
    history.finish(history.invoke("c1", "put", "k", "v", 0), put, 0)
    for at, values in looks:
        history.finish(history.invoke("c2", "get", "k", None, at), Ok(values), at)
    return history


def test_only_the_last_look_in_a_calm_says_that_something_is_gone() -> None:
    assert nothing_is_gone(told((SETTLED, ("v",)))).answer is Answer.YES
    assert nothing_is_gone(told((SETTLED, ()))).answer is Answer.NO
    assert nothing_is_gone(told((SETTLED, ("w",)))).answer is Answer.NO
    assert nothing_is_gone(told((NOT_YET, ()))).answer is Answer.YES, "it is on its way"
    assert nothing_is_gone(told((SETTLED, ()), (SETTLED + 1, ("v",)))).answer is Answer.YES
    assert nothing_is_gone(told((SETTLED, ()), put=Unknown("silence"))).answer is Answer.YES
    replaced = told((1 * MS, ("v",)))
    replaced.finish(replaced.invoke("c2", "put", "k", "w", 2 * MS), Ok(), 3 * MS)
    replaced.finish(replaced.invoke("c3", "get", "k", None, SETTLED * 2), Ok(("w",)), SETTLED * 3)
    assert nothing_is_gone(replaced).answer is Answer.YES


class Careless(Dynamo):
    """Who is no home any more throws its copy away, and brings it to nobody."""

    def move(self, before: object) -> None:
        """Only drop."""
        for key in [each for each in self.held if self.id not in self.homes(each)]:
            del self.held[key]
            self.forget(("held", key))


@pytest.mark.parametrize(("node", "answer"), [(Dynamo, Answer.YES), (Careless, Answer.NO)])
def test_the_ring_changes_while_clients_write_and_what_goes_missing_is_found(
    node: type[Dynamo], answer: Answer
) -> None:
    variant = WORLDS.variant("members")
    found = set()
    for seed in range(6):
        scene = WORLDS.rehearsal(replace(variant, node=node), seed=seed, recorded=False)
        scene.run(8 * SECOND)
        changes = [each for each in scene.history if each.function in ("join", "leave")]
        assert len(changes) == len(CHANGES)
        assert sum(each.outcome == Ok() for each in changes) >= len(CHANGES) - 2, (
            "a node that has not heard of an earlier change may refuse one"
        )
        inside: list[Any] = [scene.nodes[each] for each in FIVE]
        assert len({each.ring.walk("k") for each in inside}) == 1
        found.add(scene.verdicts()["nothing is gone"].answer)
    assert (Answer.NO in found) is (answer is Answer.NO)
