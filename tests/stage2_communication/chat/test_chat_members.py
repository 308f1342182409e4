"""Graded suite of the lab ``chat``, fifth part: who comes, who leaves, who crashes for good."""

from itertools import product
from typing import Any

from common.check.broadcast import check_total_order
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask, ask_ok, crash, must_be_ok, must_hold, restart
from common.values.faults import Block, Crash, Fault, Heal, Link, Partition
from common.values.history import Failed
from common.values.units import MS, SECOND
from tests.stage2_communication.chat.group import (
    BAD,
    STEADY,
    THREE,
    lines,
    must_hear_the_last_who_came_before_it_closes,
    must_keep_every_ok,
    must_show_the_same,
    protocols,
    room,
    shown_by,
    talk,
    texts,
    trouble,
)
from tests.stage2_communication.chat.lab import ChatLab

LAB = "chat"


def is_join(line: Any, name: str) -> bool:
    """Whether a line says that somebody has joined; a removal would be another class."""
    return type(line.content).__name__ == "Joined" and line.content.name == name


@graded(points=3, title="A late joiner", requirement="a newcomer is shown all that was said before")
def test_who_joins_late_is_shown_the_whole_history_and_takes_part(
    lab: ChatLab, sweep: Sweep
) -> None:
    for seed in sweep(3):
        for member in protocols(lab):
            simulation = room(lab, member, seed, outside=("n4",), link=BAD)
            talk(lab, simulation, THREE, count=10, think=(0, 20 * MS))
            simulation.run(200 * MS)
            ask_ok(simulation, "n4", lab.Join(), within=5 * SECOND)
            ask_ok(simulation, "n4", lab.Say("hello"), within=5 * SECOND)
            simulation.run(8 * SECOND)
            shown = shown_by(lab, simulation, (*THREE, "n4"))
            for person in THREE:
                assert sorted(shown[person]) == sorted(shown["n4"]), f"n4 and {person} differ"
            shown_joins = [line for line in lines(lab, simulation, "n1") if is_join(line, "n4")]
            assert len(shown_joins) == 1, f"n4 has joined {len(shown_joins)} times"
            must_keep_every_ok(simulation.history, texts(lab, simulation, "n4"))


@graded(points=2, title="From there on all four", requirement="a newcomer's word counts as others'")
def test_once_it_has_joined_the_newcomer_is_waited_for_like_all_others(
    lab: ChatLab, sweep: Sweep
) -> None:
    for seed in sweep(3):
        simulation = room(lab, lab.TotalOrderMember, seed, outside=("n4",))
        ask_ok(simulation, "n1", lab.Say("three"), within=50 * MS)
        ask_ok(simulation, "n4", lab.Join())
        simulation.run(simulation.now + 200 * MS)
        crash(simulation, "n4")
        waits = simulation.call("n2", lab.Say("four"))
        simulation.run(simulation.now + 1 * SECOND)
        for person in THREE:
            assert texts(lab, simulation, person) == ["three"], "n4 has not acknowledged the other"
        restart(simulation, "n4")
        simulation.run(simulation.now + 2 * SECOND)
        must_be_ok(waits, within=4 * SECOND)
        must_show_the_same(lab, simulation, (*THREE, "n4"))


@graded(points=3, title="Leaving", requirement="a member that left is not waited for")
def test_who_leaves_holds_up_nobody_and_its_last_words_are_shown(
    lab: ChatLab, sweep: Sweep
) -> None:
    """On bad links; and where the last words reach the opener later than the farewell."""
    slow: list[Fault] = [
        Block(50 * MS, "n3", "n2"),
        Link(50 * MS, "n3", "n1", latency=(80 * MS, 80 * MS)),
        Link(52 * MS, "n3", "n1", latency=(1 * MS, 1 * MS)),
    ]
    quiet: list[Fault] = []
    for seed in sweep(5):
        for member, faults in product(protocols(lab), (quiet, slow)):
            simulation = room(lab, member, seed, faults, link=STEADY if faults else BAD)
            simulation.run(50 * MS)
            last = simulation.call("n3", lab.Say("goodbye"))
            simulation.run(54 * MS)
            leaves = ask(simulation, "n3", lab.Leave(), within=10 * SECOND)
            must_be_ok(leaves, within=10 * SECOND)
            crash(simulation, "n3")
            went_on = [simulation.call(person, lab.Say(person)) for person in ("n1", "n2")]
            simulation.run(simulation.now + 4 * SECOND)
            must_be_ok(*went_on, within=4 * SECOND)
            assert not isinstance(last.outcome, Failed), f"{last}, but it was posted"
            for person in ("n1", "n2"):
                assert sorted(texts(lab, simulation, person)) == ["goodbye", "n1", "n2"]


@graded(points=3, title="Removed", requirement="the order goes on without who is removed")
def test_after_a_removal_the_others_go_on_without_the_crashed_member(
    lab: ChatLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        simulation = room(lab, lab.TotalOrderMember, seed)
        ask_ok(simulation, "n3", lab.Say("before"))
        crash(simulation, "n3")
        waiting = simulation.call("n2", lab.Say("waits"))
        simulation.run(simulation.now + 1 * SECOND)
        assert waiting.returned_at is None, f"{waiting}, and n3 has not acknowledged it"
        ask_ok(simulation, "n1", lab.Remove("n3"), within=500 * MS)
        ask_ok(simulation, "n1", lab.Say("after"), within=100 * MS)
        simulation.run(simulation.now + 200 * MS)
        must_be_ok(waiting, within=3 * SECOND)
        must_show_the_same(lab, simulation, ("n1", "n2"))
        assert texts(lab, simulation, "n2") == ["before", "waits", "after"]


@graded(points=3, title="Its last words", requirement="all agree on what it had posted")
def test_the_posts_of_a_removed_member_that_anybody_holds_are_shown_to_all(
    lab: ChatLab, sweep: Sweep
) -> None:
    """n4's posts reach n3 alone before n4 dies, and then n3 hears nothing for a while."""
    founders = ("n1", "n2", "n3", "n4")
    for seed in sweep(5):
        for member in protocols(lab):
            faults: list[Fault] = [Block(0, "n4", "n1"), Block(0, "n4", "n2")]
            simulation = room(lab, member, seed, faults, founders=founders)
            for number in range(3):
                simulation.call("n4", lab.Say(f"last {number}"))
            simulation.run(8 * MS)
            crash(simulation, "n4")
            simulation.inject(Partition(simulation.now, (("n1", "n2"), ("n3",))))
            simulation.call("n2", lab.Say("who is there?"))
            removal = simulation.call("n1", lab.Remove("n4"))
            simulation.run(600 * MS)
            simulation.inject(Heal(simulation.now))
            simulation.run(3 * SECOND)
            must_be_ok(removal, within=3 * SECOND)
            shown = shown_by(lab, simulation, ("n1", "n2", "n3"))
            last = [[post for post in found if post[0] == "n4"] for found in shown.values()]
            assert last == [[("n4", 1), ("n4", 2), ("n4", 3)]] * 3, f"of n4 they show {last}"
            if member is lab.TotalOrderMember:
                must_hold(check_total_order(shown))


@graded(points=3, title="Fenced", requirement="nothing is taken from who is removed")
def test_one_that_was_removed_and_lives_on_changes_nothing_and_is_told(
    lab: ChatLab, sweep: Sweep
) -> None:
    """n3 is cut off, or what it sends takes half a second. It does not know, and goes on."""
    troubles: list[Fault] = [
        Partition(100 * MS, (("n1", "n2"), ("n3",))),
        Link(100 * MS, "n3", "*", latency=(500 * MS, 500 * MS)),
    ]
    for seed in sweep(5):
        for member, fault in product(protocols(lab), troubles):
            simulation = room(lab, member, seed, [fault, Heal(400 * MS)])
            ask_ok(simulation, "n3", lab.Say("hello"))
            simulation.run(110 * MS)
            late = simulation.call("n3", lab.Say("too late"))
            simulation.run(115 * MS)
            ask_ok(simulation, "n1", lab.Remove("n3"), within=200 * MS)
            simulation.run(3 * SECOND)
            for person in ("n1", "n2"):
                assert texts(lab, simulation, person) == ["hello"], "n3 had been removed before"
            refused = ask(simulation, "n3", lab.Say("am I still here?"))
            assert isinstance(refused.outcome, Failed), f"{refused}, and n3 is removed"
            assert late.returned_at is not None, "n3 waits for ever: nobody told it"
            ask_ok(simulation, "n2", lab.Say("on"), within=100 * MS)


@graded(points=3, title="Early and late", requirement="a gap must not be filled after the fence")
def test_what_came_too_early_from_a_removed_member_does_not_split_the_others(
    lab: ChatLab, sweep: Sweep
) -> None:
    """n1 has n3's first post, and n2 its second, which is beyond a gap there.

    Once n3 is removed n2 gets the first from n1. If it then took the second for held, n1 would have
    agreed to less.
    """
    for seed in sweep(5):
        faults: list[Fault] = [
            Block(50 * MS, "n3", "n2"),
            Heal(58 * MS),
            Block(58 * MS, "n3", "n1"),
        ]
        simulation = room(
            lab, lab.TotalOrderMember, seed, [*faults, Crash(66 * MS, "n3")], link=STEADY
        )
        simulation.run(50 * MS)
        simulation.call("n3", lab.Say("one"))
        simulation.run(60 * MS)
        simulation.call("n3", lab.Say("two"))
        simulation.run(68 * MS)
        simulation.call("n1", lab.Say("what now?"))
        removal = simulation.call("n1", lab.Remove("n3"))
        simulation.run(3 * SECOND)
        must_be_ok(removal, within=3 * SECOND)
        shown = must_show_the_same(lab, simulation, ("n1", "n2"))
        assert ("n3", 1) in shown, "n1 held it"
        assert ("n3", 2) not in shown, "nobody held it when n3 was removed"


@graded(points=3, title="Too early a word", requirement="a word before the removal does not close")
def test_a_removed_member_is_not_closed_by_what_others_said_before_they_fenced_it(
    lab: ChatLab, sweep: Sweep
) -> None:
    """n2's last post is on its way to n3 alone when n2 dies. n3 has just said that it lacks it."""
    founders = ("n1", "n2", "n3", "n4")
    for seed in sweep(3):
        faults: list[Fault] = [
            Block(50 * MS, "n2", "n1"),
            Block(50 * MS, "n2", "n4"),
            Link(50 * MS, "n2", "n3", latency=(40 * MS, 40 * MS)),
            Crash(52 * MS, "n2"),
            Block(64 * MS, "n1", "n3"),
            Block(64 * MS, "n4", "n3"),
            Heal(400 * MS),
        ]
        simulation = room(lab, lab.TotalOrderMember, seed, faults, founders=founders, link=STEADY)
        simulation.run(50 * MS)
        simulation.call("n2", lab.Say("last"))
        simulation.run(53 * MS)
        simulation.call("n4", lab.Say("n2?"))
        simulation.run(65 * MS)
        removal = simulation.call("n1", lab.Remove("n2"))
        simulation.run(3 * SECOND)
        must_be_ok(removal, within=3 * SECOND)
        shown = must_show_the_same(lab, simulation, ("n1", "n3", "n4"))
        assert shown[:2] == [("n2", 1), ("n4", 1)], f"n3 held n2's last post, and all show {shown}"
    must_hear_the_last_who_came_before_it_closes(lab)


@graded(points=3, title="The latest removal", requirement="what one that is removed too had heard")
def test_of_two_removed_one_after_the_other_the_second_had_heard_the_first(
    lab: ChatLab, sweep: Sweep
) -> None:
    """n2's last post reaches n5 alone, and n3 gets it from n5. Then n5 dies too.

    n1 hears neither of them: what n3 told it of n2 is from before. So that it must hear n3 again.
    """
    founders = ("n1", "n2", "n3", "n4", "n5")
    for seed in sweep(3):
        lonely = [Block(50 * MS, "n2", other) for other in ("n1", "n3", "n4")]
        faults: list[Fault] = [
            *lonely,
            Crash(56 * MS, "n2"),
            Block(66 * MS, "n5", "n1"),
            Block(66 * MS, "n5", "n4"),
            Block(90 * MS, "n3", "n1"),
            Block(90 * MS, "n3", "n4"),
            Crash(125 * MS, "n5"),
            Heal(400 * MS),
        ]
        simulation = room(lab, lab.TotalOrderMember, seed, faults, founders=founders, link=STEADY)
        simulation.run(50 * MS)
        simulation.call("n2", lab.Say("last"))
        simulation.run(56 * MS)
        simulation.call("n4", lab.Say("on"))
        simulation.run(66 * MS)
        removals = [simulation.call("n1", lab.Remove("n2"))]
        simulation.run(130 * MS)
        removals.append(simulation.call("n1", lab.Remove("n5")))
        simulation.run(3 * SECOND)
        must_be_ok(*removals, within=3 * SECOND)
        shown = must_show_the_same(lab, simulation, ("n1", "n3", "n4"))
        assert shown[:2] == [("n2", 1), ("n4", 1)], f"n3 held n2's last post, and all show {shown}"


@graded(points=3, title="Any moment", requirement="one order, also with the removed")
def test_members_agree_with_each_other_and_with_who_was_removed_at_any_moment(
    lab: ChatLab, sweep: Sweep
) -> None:
    founders, stay = ("n1", "n2", "n3", "n4", "n5"), ("n1", "n2", "n3")
    for seed in sweep(15):
        faults = trouble(seed, "block", "link", "pause", "partition", hit=founders, troubles=8)
        simulation = room(
            lab, lab.TotalOrderMember, seed, faults, founders=founders, outside=("n6",)
        )
        random = simulation.random_for("removals")
        talk(lab, simulation, founders, count=12)
        asked = []
        simulation.run(random.randrange(200 * MS))
        for gone in ("n4", "n5"):
            if random.random() < 0.5:
                crash(simulation, gone)
            simulation.run(simulation.now + random.randrange(300 * MS))
            asked.append(simulation.call("n1", lab.Remove(gone)))
            simulation.run(simulation.now + random.randrange(100 * MS))
            asked.append(simulation.call("n6", lab.Join()))
        simulation.run(8 * SECOND)
        must_be_ok(*asked, within=8 * SECOND)
        must_show_the_same(lab, simulation, (*stay, "n6"))
        must_hold(check_total_order(shown_by(lab, simulation, (*founders, "n6"))))
        ask_ok(simulation, "n6", lab.Say("and on"), within=200 * MS)


@graded(points=2, title="Restarts", requirement="who is removed is known after a crash too")
def test_after_a_crash_of_all_the_list_of_members_is_what_it_was(
    lab: ChatLab, sweep: Sweep
) -> None:
    for seed in sweep(3):
        for member in protocols(lab):
            simulation = room(lab, member, seed, outside=("n4",))
            ask_ok(simulation, "n4", lab.Join())
            crash(simulation, "n3")
            ask_ok(simulation, "n1", lab.Remove("n3"))
            simulation.run(simulation.now + 200 * MS)
            for crashed in ("n1", "n2", "n4"):
                crash(simulation, crashed)
                restart(simulation, crashed)
            ask_ok(simulation, "n2", lab.Say("still here"))
            restart(simulation, "n3")
            simulation.run(simulation.now + 2 * SECOND)
            refused = ask(simulation, "n3", lab.Say("and I?"))
            assert isinstance(refused.outcome, Failed), f"{refused}, and n3 is removed"
            assert texts(lab, simulation, "n4") == ["still here"]


@graded(points=2, title="Names", requirement="a name that left never comes back")
def test_a_name_is_used_once(lab: ChatLab, sweep: Sweep) -> None:
    """A second bearer of the name would number its posts from 1 again."""
    for seed in sweep(2):
        for member in protocols(lab):
            simulation = room(lab, member, seed)
            if seed % 2:
                ask_ok(simulation, "n2", lab.Say("mine"))
            ask_ok(simulation, "n2", lab.Leave())
            again = ask(simulation, "n2", lab.Join())
            assert isinstance(again.outcome, Failed), f"{again}, and n2 has left for good"
            ask_ok(simulation, "n2", lab.Leave())
            other = ask(simulation, "n3", lab.Remove("n2"))
            assert isinstance(other.outcome, Failed), f"{other}, and n1 opened the room"
            for nonsense in ("n1", "nobody"):
                asked = ask(simulation, "n1", lab.Remove(nonsense))
                assert isinstance(asked.outcome, Failed), f"{asked}"


@graded(points=2, title="Hundreds of lines", requirement="history comes in bounded pieces")
def test_a_long_history_reaches_the_newcomer_piece_by_piece(lab: ChatLab) -> None:
    for member in protocols(lab):
        simulation = room(lab, member, 1, outside=("n4",))
        for number in range(3):
            for line in range(80):
                simulation.call("n2", lab.Say(f"{number}.{line}"))
            simulation.run(simulation.now + 1 * SECOND)
        joined = ask(simulation, "n4", lab.Join(), within=3 * SECOND)
        must_be_ok(joined, within=100 * MS)
        simulation.run(simulation.now + 1 * SECOND)
        assert len(lines(lab, simulation, "n4")) == 241, "240 posts, and that n4 has joined"
