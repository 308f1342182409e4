"""Graded suite of the lab ``chat``, fourth part: all members show all posts in the same order."""

from common.check.broadcast import check_total_order
from common.contract import Receive, Send, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, ask_ok, crash, effects_of, must_be_ok, must_hold, restart
from common.values.faults import Block, Fault, Heal, Link, Partition
from common.values.units import MS, SECOND
from tests.stage2_communication.chat.group import (
    BAD,
    STEADY,
    THREE,
    must_keep_every_ok,
    must_never_change,
    must_show_the_same,
    room,
    shown_by,
    talk,
    texts,
    trouble,
)
from tests.stage2_communication.chat.lab import ChatLab

LAB = "chat"


BOUND = 20 * MS
"""There and back in 5 ms each, a flush of half a millisecond on the way, and some slack."""


@graded(points=2, title="Everybody is shown it", requirement="Lamport 1978, page 561: rules 1 to 5")
def test_what_one_says_is_shown_by_all_after_two_one_way_trips(lab: ChatLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        simulation = room(lab, lab.TotalOrderMember, seed)
        for number, person in enumerate(THREE * 2):
            ask_ok(simulation, person, lab.Say(f"{number}"), within=BOUND)
        simulation.run(simulation.now + BOUND)
        for person in THREE:
            assert texts(lab, simulation, person) == [str(number) for number in range(6)]


@graded(points=3, title="One order", requirement="all processes act on requests in the same order")
def test_all_show_the_same_order_when_posts_are_lost_doubled_and_overtaken(
    lab: ChatLab, sweep: Sweep
) -> None:
    for seed in sweep(15):
        simulation = room(lab, lab.TotalOrderMember, seed, link=BAD)
        talk(lab, simulation, THREE, think=(0, 30 * MS))
        simulation.run(800 * MS)
        must_hold(check_total_order(shown_by(lab, simulation, THREE)))
        simulation.run(6 * SECOND)
        assert len(must_show_the_same(lab, simulation, THREE)) > 10, "hardly anything is shown"
        must_keep_every_ok(simulation.history, texts(lab, simulation, "n1"))


@graded(points=2, title="By time, then by name", requirement="Lamport 1978: the relation =>")
def test_posts_of_one_instant_are_shown_by_their_authors_names(lab: ChatLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        simulation = room(lab, lab.TotalOrderMember, seed, link=STEADY)
        for _ in range(3):
            asked = [simulation.call(person, lab.Say(person)) for person in ("n3", "n1", "n2")]
            simulation.run(simulation.now + 100 * MS)
            must_be_ok(*asked)
        assert texts(lab, simulation, "n2") == list(THREE) * 3


@graded(
    points=2, title="Times go on", requirement="Lamport 1978, IR1: a clock ticks, and never back"
)
def test_after_a_crash_the_times_of_a_members_posts_go_on_where_they_were(
    lab: ChatLab, sweep: Sweep
) -> None:
    for seed in sweep(3):
        wire = Wire()
        simulation = room(lab, lab.TotalOrderMember, seed, observers=[wire])
        for number in range(3):
            ask_ok(simulation, "n1", lab.Say(f"before {number}"))
        crash(simulation, "n1")
        restart(simulation, "n1")
        ask_ok(simulation, "n1", lab.Say("after"))
        posts = [post for each in wire.of(lab.Posts) for post in each.posts if post.author == "n1"]
        times = {post.number: post.stamp for post in posts}
        assert len(times) == 4
        in_order = [times[number] for number in sorted(times)]
        assert in_order == sorted(set(in_order)), f"the posts of n1 have the times {in_order}"


@graded(points=1, title="A word to all", requirement="a copy is acknowledged to its sender alone")
def test_news_is_acknowledged_to_all_and_a_copy_to_its_sender_alone(lab: ChatLab) -> None:
    made = lab.TotalOrderMember("n2", ("n1", "n3"), founders=THREE)
    made.step(Start(0, {}))
    news = Receive(1, "n1", lab.Posts((lab.Post("n1", 1, 1, lab.Said("hello")),), (("n1", 1),)))
    for told in (["n1", "n3"], ["n1"], ["n1"]):
        assert [each.to for each in effects_of(Send, made.step(news))] == told


@graded(points=2, title="Answers come after questions", requirement="=> contains -> (Lamport 1978)")
def test_an_answer_is_shown_after_its_question_however_little_its_author_has_said(
    lab: ChatLab, sweep: Sweep
) -> None:
    """n2 has said a lot and n3 nothing. n3 is shown the last question sooner than n1, and answers.

    n3's word on the question takes 100 ms to n1, and its answer takes 1 ms.
    """
    for seed in sweep(3):
        faults = [
            Link(50 * MS, "n3", "n1", latency=(100 * MS, 100 * MS)),
            Link(70 * MS, "n3", "n1", latency=(1 * MS, 1 * MS)),
        ]
        simulation = room(lab, lab.TotalOrderMember, seed, faults, link=STEADY)
        for number in range(3):
            ask_ok(simulation, "n2", lab.Say(f"question {number}"))
        simulation.run(50 * MS)
        simulation.call("n2", lab.Say("question 3"))
        simulation.run(70 * MS)
        assert texts(lab, simulation, "n3")[-1] == "question 3"
        ask_ok(simulation, "n3", lab.Say("answer"))
        simulation.run(1 * SECOND)
        expected = [f"question {number}" for number in range(4)]
        for person in THREE:
            assert texts(lab, simulation, person) == [*expected, "answer"]


@graded(points=3, title="Nobody is left behind", requirement="a post is shown once all hold it")
def test_nothing_is_shown_to_anybody_before_every_member_holds_it(
    lab: ChatLab, sweep: Sweep
) -> None:
    """n3 hears nobody for a while. Nobody may show what n3 cannot know, not even the author."""
    for seed in sweep(5):
        deaf: list[Fault] = [Block(0, "n1", "n3"), Block(0, "n2", "n3"), Heal(1 * SECOND)]
        simulation = room(lab, lab.TotalOrderMember, seed, deaf)
        said = [simulation.call(person, lab.Say(person)) for person in ("n1", "n2")]
        simulation.call("n3", lab.Say("n3"))
        simulation.run(900 * MS)
        shown = shown_by(lab, simulation, THREE)
        for person in ("n1", "n2"):
            others = [post for post in shown[person] if post[0] != "n3"]
            assert not others, f"{person} shows {others[0]}, which n3 cannot have"
        simulation.run(3 * SECOND)
        must_be_ok(*said, within=3 * SECOND)
        assert len(must_show_the_same(lab, simulation, THREE)) == 3


@graded(points=3, title="An acknowledgement may be overtaken", requirement="links keep no order")
def test_an_acknowledgement_that_overtakes_a_post_does_not_let_a_later_one_pass(
    lab: ChatLab, sweep: Sweep
) -> None:
    """n3's first post takes 100 ms to n1, and everything that n3 sends later takes 1 ms."""
    for seed in sweep(3):
        faults = [
            Link(50 * MS, "n3", "n1", latency=(100 * MS, 100 * MS)),
            Link(52 * MS, "n3", "n1", latency=(1 * MS, 1 * MS)),
        ]
        simulation = room(lab, lab.TotalOrderMember, seed, faults, link=STEADY)
        simulation.run(50 * MS)
        simulation.call("n3", lab.Say("first"))
        simulation.run(60 * MS)
        simulation.call("n2", lab.Say("second"))
        simulation.run(90 * MS)
        early = texts(lab, simulation, "n1")
        assert early in ([], ["first", "second"]), f"n1 shows {early}: first belongs before it"
        simulation.run(1 * SECOND)
        for person in THREE:
            assert texts(lab, simulation, person) == ["first", "second"]


@graded(points=2, title="A crash stops everybody", requirement="each must hear from every other")
def test_while_a_member_is_down_nothing_is_shown_and_with_its_return_everything(
    lab: ChatLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        simulation = room(lab, lab.TotalOrderMember, seed)
        ask_ok(simulation, "n3", lab.Say("before"))
        simulation.run(simulation.now + 100 * MS)
        crash(simulation, "n3")
        waiting = [simulation.call(person, lab.Say(f"{person} waits")) for person in ("n1", "n2")]
        simulation.run(simulation.now + 2 * SECOND)
        for person in ("n1", "n2"):
            assert texts(lab, simulation, person) == ["before"], "n3 may have said more by now"
        restart(simulation, "n3")
        simulation.run(simulation.now + 2 * SECOND)
        must_be_ok(*waiting, within=5 * SECOND)
        assert len(must_show_the_same(lab, simulation, THREE)) == 3


@graded(points=3, title="Everything at once", requirement="one order, and alive in the calm")
def test_there_is_one_order_under_all_faults_and_all_of_it_in_the_calm(
    lab: ChatLab, sweep: Sweep
) -> None:
    kinds = ("partition", "block", "crash", "pause", "link", "clock", "disk")
    for seed in sweep(15):
        founders = ("n1", "n2", "n3", "n4")
        faults = trouble(seed, *kinds, troubles=9, hit=founders)
        simulation = room(lab, lab.TotalOrderMember, seed, faults, founders=founders)
        talk(lab, simulation, founders, count=10)
        simulation.run(6 * SECOND)
        assert must_show_the_same(lab, simulation, founders), "nothing is shown"
        must_never_change(simulation.history)
        must_keep_every_ok(simulation.history, texts(lab, simulation, "n4"))
        ask_ok(simulation, "n1", lab.Say("and on"), within=200 * MS)


@graded(points=2, title="A cut", requirement="no side shows what the other cannot know")
def test_during_a_partition_both_sides_wait_and_afterwards_they_agree(
    lab: ChatLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        cut: list[Fault] = [Partition(100 * MS, (("n1",), ("n2", "n3"))), Heal(1 * SECOND)]
        simulation = room(lab, lab.TotalOrderMember, seed, cut)
        simulation.run(110 * MS)
        said = [simulation.call(person, lab.Say(f"apart {person}")) for person in THREE]
        simulation.run(900 * MS)
        assert shown_by(lab, simulation, THREE) == {person: [] for person in THREE}
        simulation.run(3 * SECOND)
        must_be_ok(*said, within=3 * SECOND)
        assert len(must_show_the_same(lab, simulation, THREE)) == 3


@graded(points=2, title="Cheap", requirement="n posts or words for each member but one: n(n - 1)")
def test_a_post_costs_n_times_n_minus_one_messages_and_then_there_is_silence(
    lab: ChatLab, sweep: Sweep
) -> None:
    for seed in sweep(2):
        for size in (2, 3, 5):
            founders = tuple(f"n{number}" for number in range(1, size + 1))
            wire = Wire()
            simulation = room(lab, lab.TotalOrderMember, seed, founders=founders, observers=[wire])
            simulation.run(1 * SECOND)
            before = len(wire.sent_messages)
            ask_ok(simulation, "n1", lab.Say("hello"))
            simulation.run(2 * SECOND)
            sent = len(wire.sent_messages) - before
            assert sent <= size * (size - 1), f"{sent} messages for one post among {size}"
            simulation.run(10 * SECOND)
            assert len(wire.sent_messages) - before == sent, "messages are sent though all is said"
            assert len(must_show_the_same(lab, simulation, founders)) == 1


@graded(points=3, title="Crashes", requirement="what was shown stays shown, and nothing is lost")
def test_transcripts_survive_crashes_at_any_moment_without_loss_or_change(
    lab: ChatLab, sweep: Sweep
) -> None:
    for seed in sweep(15):
        faults = trouble(seed, "crash", "crash", "disk", "link", troubles=10)
        simulation = room(lab, lab.TotalOrderMember, seed, faults)
        talk(lab, simulation, THREE)
        simulation.run(6 * SECOND)
        assert must_show_the_same(lab, simulation, THREE), "nothing is shown"
        must_never_change(simulation.history)
        must_keep_every_ok(simulation.history, texts(lab, simulation, "n1"))
