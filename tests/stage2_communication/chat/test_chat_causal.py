"""Graded suite of the lab ``chat``, third part: no member shows an answer before its question."""

from common.check.broadcast import check_total_order
from common.check.verdict import Answer
from common.contract import Invoke, Receive, Send, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, ask_ok, crash, effects_of
from common.values.faults import Link
from common.values.units import MS, SECOND
from tests.stage2_communication.chat.group import (
    BAD,
    STEADY,
    THREE,
    must_be_causal,
    must_hold_the_same,
    must_keep_every_ok,
    must_never_change,
    room,
    shown_by,
    talk,
    texts,
    trouble,
)
from tests.stage2_communication.chat.lab import ChatLab

LAB = "chat"


AT_ONCE = 1 * MS
"""One flush, and no network."""


@graded(points=3, title="Question and answer", requirement="BSS 1991, 5.1: held for its causes")
def test_an_answer_that_overtakes_its_question_is_held_back(lab: ChatLab, sweep: Sweep) -> None:
    """n1 asks. n2 hears it and answers. To n3 the question takes 200 ms, and the answer 3."""
    for seed in sweep(3):
        slow = [Link(0, "n1", "n3", latency=(200 * MS, 200 * MS))]
        simulation = room(lab, lab.CausalMember, seed, slow, link=STEADY)
        simulation.run(50 * MS)
        ask_ok(simulation, "n1", lab.Say("where is the bug?"))
        simulation.run(60 * MS)
        assert texts(lab, simulation, "n2") == ["where is the bug?"]
        ask_ok(simulation, "n2", lab.Say("in your code"))
        simulation.run(90 * MS)
        assert texts(lab, simulation, "n3") == [], "an answer without its question"
        ask_ok(simulation, "n3", lab.Say("hm"), within=AT_ONCE)
        simulation.run(1 * SECOND)
        for person in ("n1", "n2"):
            assert texts(lab, simulation, person) == ["where is the bug?", "in your code", "hm"]
        assert texts(lab, simulation, "n3") == ["hm", "where is the bug?", "in your code"]


@graded(points=2, title="Causes of causes", requirement="the vector has an entry for every member")
def test_a_chain_of_answers_is_shown_link_by_link(lab: ChatLab, sweep: Sweep) -> None:
    """n1 asks n2, n2 tells n3, n3 tells n4: and only n4 has heard nothing of n1 and n2 so far."""
    founders = ("n1", "n2", "n3", "n4")
    for seed in sweep(3):
        late = [Link(0, "n1", "n4", latency=(90 * MS, 90 * MS))]
        late += [Link(0, "n2", "n4", latency=(60 * MS, 60 * MS))]
        simulation = room(lab, lab.CausalMember, seed, late, founders=founders, link=STEADY)
        simulation.run(30 * MS)
        for number, person in enumerate(("n1", "n2", "n3")):
            ask_ok(simulation, person, lab.Say(str(number)))
            simulation.run(simulation.now + 10 * MS)
        for _ in range(12):
            shown = texts(lab, simulation, "n4")
            assert shown == ["0", "1", "2"][: len(shown)], f"n4 shows {shown}"
            simulation.run(simulation.now + 15 * MS)
        assert texts(lab, simulation, "n4") == ["0", "1", "2"]
    made = lab.CausalMember("n1", ("n2", "n3"), founders=THREE)
    made.step(Start(0, {}))
    asked = lab.Post("n3", 1, (("n3", 1),), lab.Said("who is there?"))
    made.step(Receive(1, "n3", lab.Posts((asked,), (("n3", 1),))))
    made.step(Invoke(2, 1, lab.Remove("n3")))
    (send,) = effects_of(Send, made.step(Invoke(3, 2, lab.Say("me"))))
    (answer,) = send.message.posts
    assert answer.stamp == (("n1", 2), ("n3", 1)), "what a removed member said is a cause as well"


@graded(points=3, title="No wait", requirement="an own post is delivered at once (BSS 1991, 5.1)")
def test_an_own_post_is_shown_at_once_even_by_the_last_one_standing(
    lab: ChatLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        simulation = room(lab, lab.CausalMember, seed)
        ask_ok(simulation, "n1", lab.Say("all here"), within=AT_ONCE)
        simulation.run(100 * MS)
        for down in ("n1", "n3"):
            crash(simulation, down)
        ask_ok(simulation, "n2", lab.Say("alone"), within=AT_ONCE)
        assert texts(lab, simulation, "n2") == ["all here", "alone"]


@graded(points=3, title="Causal order", requirement="m -> m' implies that m is delivered first")
def test_nobody_shows_a_post_before_what_its_author_had_read(lab: ChatLab, sweep: Sweep) -> None:
    for seed in sweep(15):
        simulation = room(lab, lab.CausalMember, seed, link=BAD)
        talk(lab, simulation, THREE, think=(0, 30 * MS))
        simulation.run(500 * MS)
        must_be_causal(lab, simulation, THREE)
        simulation.run(6 * SECOND)
        must_be_causal(lab, simulation, THREE)
        must_hold_the_same(lab, simulation, THREE)
        must_keep_every_ok(simulation.history, texts(lab, simulation, "n1"))


@graded(points=3, title="Everything at once", requirement="causal, and complete in the calm")
def test_it_is_causal_under_all_faults_and_complete_in_the_calm(lab: ChatLab, sweep: Sweep) -> None:
    kinds = ("partition", "block", "crash", "pause", "link", "clock", "disk")
    for seed in sweep(15):
        faults = trouble(seed, *kinds, troubles=9)
        simulation = room(lab, lab.CausalMember, seed, faults)
        talk(lab, simulation, THREE)
        simulation.run(6 * SECOND)
        must_be_causal(lab, simulation, THREE)
        must_hold_the_same(lab, simulation, THREE)
        must_never_change(simulation.history)
        must_keep_every_ok(simulation.history, texts(lab, simulation, "n2"))


@graded(points=2, title="Not more than causal", requirement="concurrent posts need no order")
def test_posts_that_did_not_know_of_each_other_are_shown_as_they_come(
    lab: ChatLab, sweep: Sweep
) -> None:
    """Two orders at two members: nobody waits to find out which of two came first."""
    for seed in sweep(2):
        simulation = room(lab, lab.CausalMember, seed, link=STEADY)
        simulation.run(1 * MS)
        for person in ("n1", "n2"):
            simulation.call(person, lab.Say(person))
        simulation.run(100 * MS)
        assert texts(lab, simulation, "n1") == ["n1", "n2"]
        assert texts(lab, simulation, "n2") == ["n2", "n1"]
        shown = shown_by(lab, simulation, THREE)
        assert check_total_order(shown).answer is Answer.NO, "that is a total order"


@graded(points=2, title="Cheaper", requirement="a post and a word for each other member: 2(n - 1)")
def test_a_post_costs_twice_n_minus_one_messages_until_all_hold_it(
    lab: ChatLab, sweep: Sweep
) -> None:
    for seed in sweep(2):
        for size in (2, 3, 5):
            founders = tuple(f"n{number}" for number in range(1, size + 1))
            wire = Wire()
            simulation = room(lab, lab.CausalMember, seed, founders=founders, observers=[wire])
            simulation.run(1 * SECOND)
            before = len(wire.sent_messages)
            ask_ok(simulation, "n1", lab.Say("hello"), within=AT_ONCE)
            simulation.run(simulation.now + 50 * MS)
            sent = len(wire.sent_messages) - before
            assert sent <= 2 * (size - 1), f"{sent} messages for one post among {size}"
            for person in founders:
                assert texts(lab, simulation, person) == ["hello"]
            simulation.run(5 * SECOND)
            settled = len(wire.sent_messages)
            simulation.run(15 * SECOND)
            assert len(wire.sent_messages) == settled, "messages are sent though all is said"
