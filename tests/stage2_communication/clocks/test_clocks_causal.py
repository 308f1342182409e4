"""Graded suite of the lab ``clocks``, fourth part: no answer is shown before its question."""

from common.check.broadcast import check_causal_order
from common.check.verdict import Answer
from common.contract.events import Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok
from common.values.faults import Pause
from common.values.units import MS, SECOND
from tests.stage2_communication.clocks.lab import ClocksLab
from tests.stage2_communication.clocks.room import (
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


@graded(points=3, title="Causal order", requirement="BSS 1991, 5.1: held back for its causes")
def test_nobody_shows_a_post_before_what_its_author_had_been_shown(
    lab: ClocksLab, sweep: Sweep
) -> None:
    for seed in sweep(20):
        simulation = chat(lab, lab.CausalChat, seed)
        talk(lab, simulation)
        simulation.run(5 * SECOND)
        verdict = check_causal_order(all_lines(lab, simulation), causes(simulation))
        assert verdict.answer is Answer.YES, verdict.sentence


@graded(points=2, title="Everything is shown", requirement="BSS 1991, 5.1: liveness")
def test_every_post_is_shown_by_everybody_in_the_end_and_once(lab: ClocksLab, sweep: Sweep) -> None:
    for seed in sweep(20):
        simulation = chat(lab, lab.CausalChat, seed)
        talk(lab, simulation)
        simulation.run(5 * SECOND)
        must_show_all_that_was_said(all_lines(lab, simulation), simulation)


@graded(points=2, title="Nobody waits", requirement="an own post is shown at once")
def test_a_paused_process_holds_up_nobody_else(lab: ClocksLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        simulation = chat(lab, lab.CausalChat, seed, [Pause(0, "n4")], link=STEADY)
        simulation.run(10 * MS)
        ask_ok(simulation, "n1", lab.Say("who is there?"))
        assert lines(lab, simulation, "n1") == [("n1", "who is there?")], "at once"
        simulation.run(simulation.now + 6 * MS)
        assert lines(lab, simulation, "n2") == [("n1", "who is there?")]
        ask_ok(simulation, "n2", lab.Say("me"))
        simulation.run(simulation.now + 6 * MS)
        for person in ("n1", "n3"):
            assert lines(lab, simulation, person) == [("n1", "who is there?"), ("n2", "me")]


@graded(points=2, title="Causes of causes", requirement="the vector has an entry for everybody")
def test_one_post_that_is_shown_lets_all_that_wait_for_it_follow(lab: ClocksLab) -> None:
    vectors = {
        "n1": (("n1", 1),),
        "n2": (("n1", 1), ("n2", 1)),
        "n3": (("n1", 1), ("n2", 1), ("n3", 1)),
    }
    for first, second in (("n3", "n2"), ("n2", "n3")):
        node = lab.CausalChat("n4", ("n1", "n2", "n3"))
        node.step(Start(0, {}))
        for author in (first, second):
            node.step(Receive(1, author, lab.VectorPost(vectors[author], "of " + author)))
        assert shown_by(lab, node) == (), "both lack the question"
        node.step(Receive(3, "n1", lab.VectorPost(vectors["n1"], "of n1")))
        assert shown_by(lab, node) == tuple((author, "of " + author) for author in vectors)
    for order in (("n2", "n3"), ("n3", "n2")):
        node = lab.CausalChat("n4", ("n1", "n2", "n3"))
        node.step(Start(0, {}))
        for author in (*order, "n1"):
            causes = {"n1": 1, author: 1}
            post = lab.VectorPost(tuple(sorted(causes.items())), "of " + author)
            node.step(Receive(1, author, post))
        found = tuple(author for author, _ in shown_by(lab, node))
        assert found == ("n1", *order), "of two that may be shown that which came first is first"


@graded(points=1, title="No longer than that", requirement="concurrent posts wait for nothing")
def test_posts_that_did_not_know_of_each_other_are_shown_as_they_come(lab: ClocksLab) -> None:
    for order in (("n1", "n2"), ("n2", "n1")):
        node = lab.CausalChat("n3", ("n1", "n2"))
        node.step(Start(0, {}))
        for author in order:
            node.step(Receive(1, author, lab.VectorPost(((author, 1),), f"of {author}")))
        assert shown_by(lab, node) == tuple((author, f"of {author}") for author in order)
