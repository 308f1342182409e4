"""Graded suite of the lab ``chat``, second part: each post reaches all, over crashes too."""

from typing import Any

from common.contract.effects import Return
from common.contract.events import Invoke, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, ask_ok, crash, effects_of, restart
from common.sim.network import LinkModel
from common.values.faults import Block, Fault, Heal, Link
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage2_communication.chat.group import (
    STEADY,
    THREE,
    lines,
    must_hold_the_same,
    must_keep_every_ok,
    must_never_change,
    posts,
    room,
    talk,
    texts,
    trouble,
)
from tests.stage2_communication.chat.lab import ChatLab

LAB = "chat"


@graded(points=3, title="Nothing is lost", requirement="what one member holds all hold in the end")
def test_all_show_all_that_was_said_once_the_trouble_is_over(lab: ChatLab, sweep: Sweep) -> None:
    """In any order: it is the member of arrival.py that shows the posts here."""
    kinds = ("partition", "block", "crash", "pause", "link", "disk")
    for seed in sweep(10):
        simulation = room(lab, lab.ArrivalMember, seed, trouble(seed, *kinds, troubles=9))
        talk(lab, simulation, THREE)
        simulation.run(6 * SECOND)
        must_hold_the_same(lab, simulation, THREE)
        must_never_change(simulation.history)
        said = texts(lab, simulation, "n1")
        assert said, "nothing is shown"
        must_keep_every_ok(simulation.history, said)


@graded(points=3, title="The author is gone", requirement="who holds a post makes it reach all")
def test_a_post_that_reached_one_member_reaches_all_though_its_author_has_crashed(
    lab: ChatLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        cut: list[Fault] = [Block(0, "n1", "n3"), Heal(1 * SECOND)]
        simulation = room(lab, lab.ArrivalMember, seed, cut)
        ask_ok(simulation, "n1", lab.Say("last words"))
        simulation.run(40 * MS)
        crash(simulation, "n1")
        assert texts(lab, simulation, "n2") == ["last words"]
        simulation.run(2 * SECOND)
        assert texts(lab, simulation, "n3") == ["last words"], "n2 has them, n3 has not"
        restart(simulation, "n1")
        ask_ok(simulation, "n1", lab.Say("back again"))
        simulation.run(4 * SECOND)
        for person in THREE:
            assert texts(lab, simulation, person) == ["last words", "back again"]


@graded(points=2, title="Bad days", requirement="asking again must not become a storm")
def test_repair_is_bounded_while_a_member_is_away_and_links_are_bad(
    lab: ChatLab, sweep: Sweep
) -> None:
    for seed in sweep(2):
        wire = Wire()
        bad = LinkModel(latency=(1 * MS, 10 * MS), loss=0.2, duplicate=0.5)
        simulation = room(lab, lab.ArrivalMember, seed, link=bad, observers=[wire])
        simulation.run(1 * SECOND)
        crash(simulation, "n3")
        asked = [simulation.call("n1", lab.Say(str(number))) for number in range(20)]
        simulation.run(3 * SECOND)
        before = len(wire.sent_messages)
        simulation.run(13 * SECOND)
        rate = (len(wire.sent_messages) - before) / 10
        assert rate <= 10, f"{rate:.0f} messages a second while there is nothing to tell"
        restart(simulation, "n3")
        simulation.run(18 * SECOND)
        assert all(isinstance(one.outcome, Ok) for one in asked), "20 posts, and 5 s for them"
        assert len(posts(lines(lab, simulation, "n3"))) == 20


@graded(points=3, title="Saved before said", requirement="an acknowledgement is a promise")
def test_what_was_acknowledged_is_held_after_a_crash_of_everybody(lab: ChatLab) -> None:
    """All crash at the same instant, tried at every half millisecond of a post's way."""
    slow_words = [Link(0, "n2", "n1", latency=(1 * MS, 1 * MS))]
    kept = 0
    for start in range(16):
        simulation = room(lab, lab.ArrivalMember, 1, slow_words, link=STEADY)
        simulation.run(20 * MS)
        said = simulation.call("n1", lab.Say("kept"))
        simulation.run(20 * MS + start * 500)
        for crashed in THREE:
            crash(simulation, crashed)
        simulation.run(simulation.now + 50 * MS)
        for crashed in THREE:
            restart(simulation, crashed)
        simulation.run(2 * SECOND)
        shown = [texts(lab, simulation, person) for person in THREE]
        assert shown[0] == shown[1] == shown[2], f"after a crash: {shown}"
        assert not isinstance(said.outcome, Ok) or shown[0] == ["kept"], f"{said}: {shown}"
        assert len(posts(lines(lab, simulation, "n1"))) <= 1
        kept += len(shown[0])
    assert kept, "no post has come through at all"


@graded(points=1, title="Said once", requirement="a request that comes again says nothing again")
def test_an_old_request_that_comes_once_more_is_not_posted_again(lab: ChatLab) -> None:
    alone = lab.ArrivalMember("n1", (), founders=("n1",))
    alone.step(Start(0, {}))
    for number, text in ((1, "one"), (2, "two"), (1, "one"), (2, "two")):
        alone.step(Receive(number, "c1", lab.Request(number, lab.Say(text))))
    (told,) = effects_of(Return, alone.step(Invoke(5, 1, lab.Read(0))))
    value: Any = told.outcome.value if isinstance(told.outcome, Ok) else ()
    shown = [line.content.text for line in value if isinstance(line.content, lab.Said)]
    assert shown == ["one", "two"]
