"""Graded suite of the lab ``chat``, second part: one member alone, fed by hand."""

from typing import Any

from common.contract import Event, Invoke, Receive, Save, Send, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, crash, effects_of, restart
from common.values.faults import Block, Heal
from common.values.units import MS, SECOND
from tests.stage2_communication.chat.group import THREE, room, texts
from tests.stage2_communication.chat.lab import ChatLab

LAB = "chat"


def member(lab: ChatLab, id: str, kind: str = "ArrivalMember") -> Any:
    """A member that has begun, of a room of three; n1 opened it, and n4 is outside."""
    peers = tuple(name for name in (*THREE, "n4") if name != id)
    made = getattr(lab, kind)(id, peers, founders=THREE)
    made.step(Start(0, {}))
    return made


def post(lab: ChatLab, author: str, number: int = 1, stamp: int = 1) -> Any:
    """A post of somebody, in the message that brings it."""
    said = lab.Post(author, number, stamp, lab.Said(f"{author}.{number}"))
    return lab.Posts((said,), ((author, number),))


def sent(made: Any, event: Event) -> list[tuple[str, str]]:
    """To whom a member sends something in this step, and what."""
    return [(each.to, type(each.message).__name__) for each in effects_of(Send, made.step(event))]


@graded(
    points=2, title="Said to have", requirement="what is new is acknowledged, and each copy too"
)
def test_a_copy_is_acknowledged_again_and_to_its_sender_alone(lab: ChatLab) -> None:
    news = Receive(1, "n1", post(lab, "n1"))
    for kind, told in {"ArrivalMember": ["n1"], "TotalOrderMember": ["n1", "n3"]}.items():
        made = member(lab, "n2", kind)
        assert sent(made, news) == [(to, "Acknowledgement") for to in told]
        for _ in range(2):
            assert sent(made, news) == [("n1", "Acknowledgement")], "the first word may be lost"


@graded(
    points=2, title="From outside", requirement="a node that has not joined hears the opener only"
)
def test_a_node_outside_takes_posts_from_the_opener_alone(lab: ChatLab) -> None:
    made = member(lab, "n4")
    assert not made.step(Receive(1, "n2", post(lab, "n2"))), "n2 does not decide who is in"
    assert effects_of(Save, made.step(Receive(2, "n1", post(lab, "n1"))))
    inside = member(lab, "n2")
    assert not inside.step(Receive(1, "n4", post(lab, "n4"))), "n4 has not joined"


@graded(
    points=1, title="Knock, knock", requirement="a newcomer asks for the next posts when some came"
)
def test_a_newcomer_knocks_again_for_posts_that_are_new_and_not_for_copies(lab: ChatLab) -> None:
    made = member(lab, "n4")
    assert sent(made, Invoke(1, 1, lab.Join())) == [("n1", "Knock")]
    news = Receive(2, "n1", post(lab, "n1"))
    assert sent(made, news) == [("n1", "Knock")], "there may be more"
    assert sent(made, news) == [], "copies of an answer must not make more questions"


@graded(
    points=2, title="Back again", requirement="docstring of on_start: ask the others what they hold"
)
def test_one_that_comes_back_asks_at_once_and_again_until_it_is_heard(
    lab: ChatLab, sweep: Sweep
) -> None:
    """What n3 said before the crash nobody else has heard, and nobody else says anything."""
    for seed in sweep(2):
        for deaf, within in ((False, 20 * MS), (True, 1 * SECOND)):
            mute = [Block(0, "n3", "n1"), Block(0, "n3", "n2")]
            simulation = room(lab, lab.ArrivalMember, seed, mute)
            ask_ok(simulation, "n3", lab.Say("unheard"))
            crash(simulation, "n3")
            if not deaf:
                simulation.inject(Heal(simulation.now))
            restart(simulation, "n3")
            simulation.run(simulation.now + 20 * MS)
            simulation.inject(Heal(simulation.now))
            simulation.run(simulation.now + within)
            for person in ("n1", "n2"):
                assert texts(lab, simulation, person) == ["unheard"], f"{person} after {within} µs"
