"""Graded suite of the lab ``clocks``, third part: all processes show the same order."""

from common.check.broadcast import check_causal_order, check_total_order
from common.contract.effects import Broadcast
from common.contract.events import Invoke, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, must_hold
from common.values.faults import Fault, Pause, Resume
from common.values.units import MS, SECOND
from tests.stage2_communication.clocks.lab import ClocksLab
from tests.stage2_communication.clocks.room import (
    FOUR,
    STEADY,
    all_lines,
    causes,
    chat,
    lines,
    must_show_all_that_was_said,
    shown_by,
    talk,
)

LAB = "clocks"


@graded(points=3, title="One order", requirement="Lamport 1978: all grant in the same order")
def test_all_show_the_same_posts_in_the_same_order_at_every_moment(
    lab: ClocksLab, sweep: Sweep
) -> None:
    for seed in sweep(20):
        simulation = chat(lab, lab.OrderedChat, seed)
        talk(lab, simulation)
        for _ in range(8):
            simulation.run(simulation.now + 100 * MS)
            must_hold(check_total_order(all_lines(lab, simulation)))
        simulation.run(5 * SECOND)
        assert all(all_lines(lab, simulation).values()), "somebody shows nothing at all"


@graded(points=2, title="Everything is shown", requirement="condition III: all are granted")
def test_every_post_is_shown_by_everybody_in_the_end_and_once(lab: ClocksLab, sweep: Sweep) -> None:
    for seed in sweep(20):
        simulation = chat(lab, lab.OrderedChat, seed)
        talk(lab, simulation)
        simulation.run(5 * SECOND)
        must_show_all_that_was_said(all_lines(lab, simulation), simulation)


@graded(points=2, title="No effect before its cause", requirement="the order extends ->")
def test_an_answer_is_never_shown_before_what_it_answers(lab: ClocksLab, sweep: Sweep) -> None:
    for seed in sweep(10):
        simulation = chat(lab, lab.OrderedChat, seed)
        talk(lab, simulation)
        simulation.run(5 * SECOND)
        must_hold(check_causal_order(all_lines(lab, simulation), causes(simulation)))


@graded(points=2, title="Everybody's word", requirement="rule 5: a later message from every other")
def test_nothing_is_shown_while_one_process_is_silent(lab: ClocksLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        faults: list[Fault] = [Pause(50 * MS, "n4"), Resume(900 * MS, "n4")]
        simulation = chat(lab, lab.OrderedChat, seed, faults, link=STEADY)
        simulation.run(100 * MS)
        ask_ok(simulation, "n1", lab.Say("is anybody silent?"))
        simulation.run(800 * MS)
        for person in ("n1", "n2", "n3"):
            found = lines(lab, simulation, person)
            assert found == [], f"{person} shows {found}, and n4 may still say something earlier"
        simulation.run(1 * SECOND)
        for person in FOUR:
            assert lines(lab, simulation, person) == [("n1", "is anybody silent?")]


@graded(points=2, title="No longer than that", requirement="rule 5: one round of words is enough")
def test_a_post_is_shown_after_one_round_of_words(lab: ClocksLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        simulation = chat(lab, lab.OrderedChat, seed, link=STEADY)
        ask_ok(simulation, "n2", lab.Say("hello"))
        simulation.run(simulation.now + 11 * MS)
        for person in FOUR:
            found = lines(lab, simulation, person)
            assert found == [("n2", "hello")], f"{person} shows {found} after two messages' time"
    alone = lab.OrderedChat("n1", ())
    alone.step(Start(0, {}))
    alone.step(Invoke(1, 1, lab.Say("nobody else")))
    assert shown_by(lab, alone) == (("n1", "nobody else"),), "there is nobody to wait for"


@graded(points=1, title="Equal times", requirement="Lamport 1978, page 561: a => b by processes")
def test_of_two_posts_with_equal_times_that_of_the_lesser_name_comes_first(lab: ClocksLab) -> None:
    simulation = chat(lab, lab.OrderedChat, 1, link=STEADY)
    for person in reversed(FOUR):
        simulation.call(person, lab.Say("first!"))
    simulation.run(1 * SECOND)
    for person in FOUR:
        assert lines(lab, simulation, person) == [(name, "first!") for name in FOUR]
    node = lab.OrderedChat("n1", ("n2", "n3"))
    node.step(Start(0, {}))
    for author in ("n3", "n2"):
        node.step(Receive(1, author, lab.TimedPost(1, 5, "of " + author)))
    found = shown_by(lab, node)
    assert found == (("n2", "of n2"),), "n3 says nothing any more that is before (5, n2)"


@graded(points=2, title="In the order said", requirement="messages of one process arrive in order")
def test_a_word_that_overtakes_an_earlier_one_of_its_sender_waits_for_it(lab: ClocksLab) -> None:
    """n2's post has time 1; its acknowledgement of n1's post, said later, is here before it."""
    node = lab.OrderedChat("n1", ("n2",))
    node.step(Start(0, {}))
    node.step(Invoke(1, 1, lab.Say("from n1")))
    node.step(Receive(2, "n2", lab.Acknowledgement(2, 3)))
    assert shown_by(lab, node) == (), "n2 may have said something earlier"
    node.step(Receive(3, "n2", lab.TimedPost(1, 1, "from n2")))
    assert shown_by(lab, node) == (("n1", "from n1"), ("n2", "from n2"))


@graded(points=1, title="Times of words", requirement="IR1 and IR2")
def test_an_acknowledgement_is_later_than_the_post_and_than_all_before_it(lab: ClocksLab) -> None:
    node = lab.OrderedChat("n1", ("n2", "n3"))
    node.step(Start(0, {}))
    said = node.step(Receive(1, "n2", lab.TimedPost(1, 7, "seven")))
    assert [effect for effect in said if isinstance(effect, Broadcast)] == [
        Broadcast(("n2", "n3"), lab.Acknowledgement(1, 9))
    ], "the arrival has time 8, and the acknowledgement, the next event, time 9"
    again = node.step(Receive(2, "n3", lab.TimedPost(1, 2, "two")))
    assert Broadcast(("n2", "n3"), lab.Acknowledgement(2, 11)) in again
    posted = node.step(Invoke(3, 1, lab.Say("mine")))
    assert Broadcast(("n2", "n3"), lab.TimedPost(3, 12, "mine")) in posted
    node.step(Receive(4, "n3", lab.Acknowledgement(2, 20)))
    posted = node.step(Invoke(5, 2, lab.Say("later")))
    assert Broadcast(("n2", "n3"), lab.TimedPost(4, 22, "later")) in posted, "at 21 it has heard n3"
