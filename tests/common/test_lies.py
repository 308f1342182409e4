"""Plans of lies as data, who was told what, and liars that are drawn."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from common.check.stories import Stories
from common.check.verdict import Answer, Verdict
from common.contract import Inner, NodeId, message, record
from common.contract.lies import (
    REPLAYS,
    SILENT,
    Behaviour,
    Later,
    Liar,
    Lie,
    Plan,
    corrupted,
    nothing,
    signed_anew,
    the_same,
)
from common.contract.signing import IDEAL, Signed
from common.course.kit.search import run_one, shrunk
from common.sim.chaos import random_liars
from common.values.errors import BadInput
from common.values.faults import Corrupt, Crash, Fault, Restart, Schedule, Twin
from common.values.history import History, Ok
from common.values.report import Report, Table
from common.values.units import MS, SECOND
from common.worlds import Scene, Size, Variant, Worlds
from tests.common.test_twins import HALVES, MEMBERS, both_wish, choosers, chosen
from tests.common.twin_nodes import EQUIVOCATES, SAYS_BOTH, Ask, Chooser, Chosen, Wish, Wisher


@record
class Request:
    """What is ordered."""

    text: str
    digest: bytes


@message
class Order:
    """Put a request at a number."""

    number: int
    request: Request
    agreed: bool = True
    proofs: tuple[int, ...] = (1, 2)


ORDER = Order(3, Request("x", b"\x00\x01"))
LIAR = Liar("n1", Chooser("n1", ("n2",)), Random(1))


def told(plan: Behaviour, sent: object = ORDER) -> list[object]:
    """What n2 is told in place of a message."""
    return list(plan(LIAR, "n2", sent))


def another(liar: Liar, to: NodeId, order: Any) -> object:
    """Another number for each receiver."""
    return replace(order, number=int(to[1:]))


def test_a_rule_says_something_else_or_nothing_or_both_or_later() -> None:
    other = replace(ORDER, number=2)
    assert told(Plan(Lie(says=another))) == [other]
    assert told(Plan(Lie(says=another, truth=True))) == [ORDER, other]
    assert told(Plan(Lie(says=nothing))) == []
    assert told(Plan(Lie(says=the_same, truth=True, after=5))) == [ORDER, Later(5, ORDER)]
    assert told(SILENT) == []
    assert told(REPLAYS)[0] == ORDER


def test_the_first_rule_that_fits_decides_and_what_no_rule_is_about_stays_true() -> None:
    plan = Plan(Lie(of=(Ask,)), Lie(of=(Order,), says=another), Lie(of=(Order,)))
    assert told(plan) == [replace(ORDER, number=2)]
    assert told(plan, Ask("a")) == []
    assert told(plan, Chosen("a")) == [Chosen("a")]


def test_rules_are_about_messages_of_subnodes_too() -> None:
    plan = Plan(Lie(of=(Order,), says=another))
    within = Inner("shard-7", Inner("log", ORDER))
    assert told(plan, within) == [Inner("shard-7", Inner("log", replace(ORDER, number=2)))]


def test_rules_are_about_what_is_signed_and_a_lie_is_signed_by_the_liar_or_by_nobody() -> None:
    plan = Plan(Lie(of=(Order,), says=signed_anew(another)))
    true = Signed("n1", ORDER, IDEAL)
    lie = Signed("n1", replace(ORDER, number=2), IDEAL)
    assert told(plan, true) == [lie]
    assert told(Plan(Lie(of=(Order,), says=signed_anew(nothing))), true) == []
    broken = Plan(Lie(of=(Order,), says=corrupted("signature")))
    (said,) = told(broken, true)
    assert isinstance(said, Signed)
    assert said.content == ORDER
    assert said.signature != IDEAL
    relayed = Signed("n3", ORDER, IDEAL)
    assert told(plan, relayed) == [lie], "it signs under its own name alone"


def test_a_field_is_corrupted_however_deep_it_is_and_of_whatever_kind() -> None:
    def with_lie(*path: str) -> Any:
        (said,) = told(Plan(Lie(says=corrupted(*path))))
        return said

    assert with_lie("number").number == 4
    assert with_lie("agreed").agreed is False
    assert with_lie("proofs").proofs == (2,)
    assert with_lie("request", "text").request == Request("not x", b"\x00\x01")
    assert with_lie("request", "digest").request == Request("x", b"\x01\x01")
    with pytest.raises(BadInput, match="a lie cannot corrupt"):
        with_lie("request")


# In the simulator.


PLANS: dict[str, Behaviour] = {
    "equivocates": EQUIVOCATES,
    "both": SAYS_BOTH,
    "silent": SILENT,
    "replays": REPLAYS,
}


def test_only_those_are_lied_to_whom_the_fault_names() -> None:
    simulation = choosers(Corrupt(0, "n1", "equivocates", ("n3", "n4")), behaviours=PLANS)
    assert both_wish(simulation) == [Ok("a"), Ok("a")]
    assert chosen(simulation) == {"n1": "a", "n2": "a", "n3": "not a", "n4": "not a"}
    assert "n1" not in simulation.honest


def test_a_replay_comes_later_and_a_silent_node_says_nothing() -> None:
    simulation = choosers(Corrupt(0, "n1", "silent", ("n2", "n3", "n4")), behaviours=PLANS)
    both_wish(simulation)
    assert chosen(simulation) == {"n1": "a", "n2": "", "n3": "", "n4": ""}
    stories = Stories()
    simulation = choosers(Corrupt(0, "n1", "replays"), behaviours=PLANS, observers=[stories])
    both_wish(simulation)
    simulation.run(2 * SECOND)
    assert "told one story" in str(stories)
    assert chosen(simulation) == dict.fromkeys(MEMBERS, "a")


def test_who_is_honest_again_was_a_liar_all_the_same() -> None:
    simulation = choosers(
        Corrupt(0, "n1", "equivocates"), Corrupt(500 * MS, "n1", "honest"), behaviours=PLANS
    )
    simulation.run(SECOND)
    asked = simulation.call("c1", Wish("a"))
    simulation.run(2 * SECOND)
    assert asked.outcome == Ok("a")
    assert "n1" not in simulation.honest


# Who told whom what.


def test_the_two_stories_of_a_liar_stand_side_by_side() -> None:
    stories = Stories()
    simulation = choosers(
        Corrupt(0, "n1", "equivocates", ("n3", "n4")), behaviours=PLANS, observers=[stories]
    )
    both_wish(simulation)
    title, columns, row = str(stories).splitlines()[:3]
    assert title.startswith("n1 told two stories")
    assert columns.split() == ["n1", "to", "n2,", "c1,", "c2", "n1", "to", "n3,", "n4"]
    left, _, right = row.partition("|")
    assert "Chosen(value='a')" in left
    assert right.strip() == "Chosen(value='not a')"


def test_the_stories_of_two_halves_are_those_of_each() -> None:
    stories = Stories()
    both_wish(choosers(Twin(0, "n1", HALVES), observers=[stories]))
    (table,) = stories.tables()
    assert table.headers == ("time", "n1 to n2, c1", "n1' to n3, n4, c2")
    assert any("'a'" in one and "'b'" in other for _, one, other in table.rows)


def test_nothing_is_told_of_honest_nodes() -> None:
    stories = Stories()
    both_wish(choosers(observers=[stories]))
    assert str(stories) == ""


def test_long_stories_are_cut_to_the_last_rows() -> None:
    stories = Stories()
    stories.failed(0, Corrupt(0, "n1", "x"))
    for number in range(50):
        stories.sent(number, "n1", "n2", Chosen(f"a{number}"), number)
        stories.sent(number, "n1", "n3", Chosen(f"b{number}" + "x" * 80), number)
    (table,) = stories.tables()
    assert len(table.rows) == 14
    assert "36 rows before these" in table.title
    assert all(len(line) < 100 for line in str(stories).splitlines())


def one_answer(history: History) -> Verdict:
    """All were told the same."""
    values = {each.outcome.value for each in history if isinstance(each.outcome, Ok)}
    said = f"clients were told {len(values)} things"
    return Verdict(Answer.YES if len(values) < 2 else Answer.NO, said)


def test_a_scene_shows_the_stories_where_a_check_says_no() -> None:
    for faults, shown in (((), 0), ((Twin(0, "n1", HALVES),), 1)):
        scene = Scene(
            "twins",
            dict.fromkeys(MEMBERS, Chooser),
            {"c1": Wisher, "c2": Wisher},
            checks={"one answer": one_answer},
            schedule=Schedule(faults),
        )
        both_wish(scene)
        report = Report("twins")
        scene.check(report, "one answer")
        assert sum(isinstance(part, Table) for part in report.parts) == shown


def wish(random: Random, client: NodeId, number: int) -> Wish:
    """For a value of its own."""
    return Wish(f"{client}-{number}")


CHOOSER = Variant("c", node=Chooser, client=Wisher, choose=wish, checks={"one answer": one_answer})


def test_a_search_tells_the_stories_of_a_failure_and_shrinks_its_schedule_to_the_liar() -> None:
    lab = Worlds("stage0_tests.chooser", variants={"one": CHOOSER}, live=Size(members=4, clients=2))
    needless: list[Fault] = [Crash(10 * MS, "n4"), Restart(SECOND, "n4")]
    schedule = Schedule([Twin(0, "n1", HALVES), *needless])
    found = run_one(lab, CHOOSER, 1, schedule)
    assert found.failure.startswith("not one answer: clients were told 2 things")
    assert "n1 told two stories" in found.failure
    small = shrunk(lab, CHOOSER, replace(found, schedule=schedule))
    assert small.schedule == Schedule([Twin(0, "n1", HALVES)])
    assert not run_one(lab, CHOOSER, 1, Schedule(needless)).failure


# Liars that are drawn.


def test_so_many_liars_are_drawn_and_all_ways_of_lying_occur() -> None:
    ways = set()
    for seed in range(40):
        faults = random_liars(
            Random(seed), MEMBERS, SECOND, liars=2, behaviours=["both", "silent"], others=["c1"]
        )
        schedule = Schedule(faults)
        assert len(schedule.byzantine) == 2
        schedule.check_nodes((*MEMBERS, "c1"))
        ways |= {f.behaviour if isinstance(f, Corrupt) else "twice" for f in schedule}
    assert ways == {"both", "silent", "twice"}
    only = Schedule(random_liars(Random(1), MEMBERS, SECOND, liars=1))
    assert all(isinstance(fault, Twin) for fault in only)


def test_a_lab_that_bears_liars_is_rehearsed_with_them_and_otherwise_as_before() -> None:
    plain = Worlds("stage0_tests.chooser", variants={"one": CHOOSER}, live=Size(members=4))
    lying = replace(plain, liars=1, behaviours=PLANS)
    told = ""
    for seed in range(5):
        before = plain.chaos(CHOOSER, seed)
        with_liars = lying.chaos(CHOOSER, seed)
        assert [f for f in with_liars if not isinstance(f, Corrupt | Twin)] == list(before)
        assert len(with_liars.byzantine) == 1
        scene = lying.rehearsal(seed=seed, recorded=False)
        scene.run(3 * SECOND)
        told += str(scene.stories)
    assert "Chosen(" in told
