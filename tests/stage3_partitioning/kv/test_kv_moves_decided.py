"""Graded suite of the lab ``kv``: what the coordinator decides once, and tells to all."""

from typing import Any

from common.contract import Fire, Receive, Save, Send, SetTimer, Start
from common.course.suites.grading import graded
from common.course.suites.kit import effects_of
from tests.stage3_partitioning.kv.cluster import SLOTS
from tests.stage3_partitioning.kv.lab import KvLab
from tests.stage3_partitioning.kv.one_node import node, told

LAB = "kv"


def moved(lab: KvLab, made: Any, number: int) -> dict[str, Any]:
    """Let the move of this number take its course; returns who is told the table then."""
    told(made, lab.Prepared(number), "n3")
    said = told(made, lab.Done(number), "n1")
    return {to: each.table for to, each in said if isinstance(each, lab.TableIs)}


@graded(
    points=2,
    title="Decided once, told until it is heard",
    requirement="the docstrings of the coordinator: a repetition gets the answer that there was; "
    "each new table is told to all until each has said that it saved just that one",
)
def test_a_decision_is_made_once_and_each_table_is_told_until_it_is_taken(lab: KvLab) -> None:
    first: Any = node(lab, "n3", run_slots=2)
    saved: dict[Any, Any] = {}

    def asks(made: Any, number: int, name: str, add: bool) -> list[Any]:
        effects = made.step(Receive(1, "op", lab.ChangeRequest(number, name, add)))
        saved.update({each.key: each.value for each in effects_of(Save, effects)})
        return [each.message for each in effects if getattr(each, "to", "") == "op"]

    (no,) = asks(first, 4, "n9", True)
    assert isinstance(no, lab.Refused)
    (yes,) = asks(first, 5, "n3", True)
    assert yes == lab.Changed(5, ("n1", "n2", "n3"))
    made = node(lab, "n3", saved, run_slots=2)
    for each in (first, made):
        assert asks(each, 4, "n9", True) == [], "a copy that came late: its client has gone on"
        assert asks(each, 3, "n2", False) == [], "so has this one, and nothing is decided by it"
        assert asks(each, 5, "n3", True) == [yes], "the answer was lost: once more"
    assert set(moved(lab, made, 1)) == {"n1", "n2"}
    for name in ("n1", "n2"):
        told(made, lab.TableTaken(1), name)
    assert set(moved(lab, made, 2)) == {"n1", "n2"}, "the second table nobody has heard of"
    told(made, lab.TableTaken(2), "n1")
    told(made, lab.TableTaken(1), "n2")
    sends = effects_of(Send, made.step(Fire(100_000, 1, lab.Tick())))
    tables = [(each.to, each.message.table.epoch) for each in sends if told_table(lab, each)]
    assert tables == [("n2", 2)], "n2 has said that it has the table before"
    assert told(made, lab.Done(1), "n1") == [], "a copy of the word about a move that is over"
    ((_, now),) = told(made, lab.TableAsked())
    assert sum(last - first + 1 for first, last, name in now.table.runs if name == "n3") == 4


@graded(
    points=1,
    title="So already",
    requirement="the docstring of decide: what is decided is so, though its slots still move",
)
def test_what_is_decided_already_is_answered_with_yes_while_slots_move(lab: KvLab) -> None:
    for name, add, nodes in (("n3", True, ("n1", "n2", "n3")), ("n1", False, ("n2",))):
        made = node(lab, "n3")
        for client in ("op", "another"):
            answers = told(made, lab.ChangeRequest(1, name, add), client)
            assert (client, lab.Changed(1, nodes)) in answers, "it is decided, and under way"


@graded(
    points=1,
    title="Told again after a crash",
    requirement="the docstring of the coordinator: what is not answered is said again",
)
def test_a_coordinator_that_comes_back_tells_its_table_though_nothing_is_to_move(
    lab: KvLab,
) -> None:
    first = node(lab, "n3")
    saved: dict[Any, Any] = {}
    words = (
        ("op", lab.ChangeRequest(1, "n1", False)),
        ("n2", lab.Prepared(1)),
        ("n1", lab.Done(1)),
    )
    for sender, word in words:
        effects = first.step(Receive(1, sender, word))
        saved.update({each.key: each.value for each in effects_of(Save, effects)})
    assert saved["table"].runs == ((0, SLOTS - 1, "n2"),), "all is where it is to be"
    settings: dict[str, Any] = {"slots": SLOTS, "shards": ("n1", "n2"), "coordinator": "n3"}
    again = lab.StoreNode("n3", ("n1", "n2"), **settings)
    begun = again.step(Start(1, saved))
    told_to = [each.to for each in effects_of(Send, begun) if told_table(lab, each)]
    assert told_to == ["n1", "n2"], "it has forgotten who has the table"
    assert [type(each.timer) for each in effects_of(SetTimer, begun)] == [lab.Tick]
    told(again, lab.TableTaken(1), "n1")
    sends = effects_of(Send, again.step(Fire(100_000, 1, lab.Tick())))
    assert [each.to for each in sends if told_table(lab, each)] == ["n2"]


def told_table(lab: KvLab, send: Any) -> bool:
    """Whether a table is told."""
    return isinstance(send.message, lab.TableIs)
