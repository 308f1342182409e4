"""Graded suite of the lab ``chat``, second part: one member alone, fed by hand."""

from typing import Any

from common.contract import CancelTimer, Event, Fire, Invoke, Receive, Save, Send, SetTimer, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, crash, effects_of, restart
from common.values.faults import Block, Heal
from common.values.units import MS, SECOND
from tests.stage2_communication.chat.group import THREE, room, texts
from tests.stage2_communication.chat.lab import ChatLab

LAB = "chat"


def new(lab: ChatLab, id: str) -> Any:
    """A member of a room of three; n1 opened it, and n4 is outside."""
    peers = tuple(name for name in (*THREE, "n4") if name != id)
    return lab.ArrivalMember(id, peers, founders=THREE)


def member(lab: ChatLab, id: str) -> Any:
    """A member that has begun."""
    made = new(lab, id)
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
    news, made = Receive(1, "n1", post(lab, "n1")), member(lab, "n2")
    for _ in range(3):
        assert sent(made, news) == [("n1", "Acknowledgement")], "the first word may be lost"


@graded(
    points=2, title="From outside", requirement="a node that has not joined hears the opener only"
)
def test_a_node_outside_takes_posts_from_the_opener_alone(lab: ChatLab) -> None:
    made = new(lab, "n4")
    assert not effects_of(Send, made.step(Start(0, {}))), "it has nobody to ask"
    assert not made.step(Receive(1, "n2", post(lab, "n2"))), "n2 does not decide who is in"
    taken = made.step(Receive(2, "n1", post(lab, "n1")))
    assert effects_of(Save, taken)
    assert not effects_of(Send, taken), "it has not asked to be let in"
    inside = member(lab, "n2")
    inside.step(Receive(1, "n1", post(lab, "n1")))
    for word in (post(lab, "n4"), lab.Ask(()), lab.Tell(()), lab.Acknowledgement(())):
        assert not inside.step(Receive(2, "n4", word)), "n4 has not joined"


class Watched:
    """A member, and the one timer that brings its next questions."""

    def __init__(self, made: Any) -> None:
        self.made = made
        self.timer: SetTimer | None = None

    def step(self, event: Event) -> list[str]:
        """To whom it sends something in this step."""
        effects = self.made.step(event)
        for each in effects:
            if isinstance(each, CancelTimer):
                self.timer = None
            elif isinstance(each, SetTimer):
                self.timer = each
        return [each.to for each in effects_of(Send, effects)]

    def fire(self) -> list[str]:
        """The time has come to ask; returns who is asked."""
        timer, self.timer = self.timer, None
        assert timer is not None, "it keeps watch"
        return self.step(Fire(timer.after, timer.id, timer.timer))

    @property
    def keeps_watch(self) -> bool:
        """Whether a timer is to bring questions."""
        return self.timer is not None

    @property
    def pause(self) -> int:
        """How long it waits before it asks."""
        assert self.timer is not None, "it keeps watch"
        return self.timer.after


def watched(lab: ChatLab) -> Watched:
    """The member n2, with a post of n1."""
    made = Watched(new(lab, "n2"))
    made.step(Start(0, {}))
    made.step(Receive(1, "n1", post(lab, "n1")))
    return made


@graded(points=2, title="No more than needed", requirement="ask those not known to hold the same")
def test_only_those_are_asked_who_may_hold_something_else(lab: ChatLab) -> None:
    holds = (("n1", 1),)
    for word in (lab.Ask(holds), lab.Tell(holds), lab.Acknowledgement(holds)):
        made = watched(lab)
        assert made.fire() == ["n3"], "n1 has said what it holds, n3 has not"
        made.step(Receive(2, "n3", word))
        assert made.timer is None or made.fire() == [], f"n3 has said it now: {word}"
    made = watched(lab)
    made.step(Receive(2, "n1", post(lab, "n1", 2)))
    for number in (2, 1, 0):
        made.step(Receive(3, "n3", lab.Acknowledgement((("n1", number),) if number else ())))
    assert made.timer is None or made.fire() == [], "an older word that comes late says nothing"


@graded(
    points=1, title="What you lack", requirement="a word on what is held brings what is missing"
)
def test_a_member_that_says_what_it_holds_is_sent_what_it_lacks(lab: ChatLab) -> None:
    made = member(lab, "n2")
    made.step(Receive(1, "n1", post(lab, "n1")))
    assert sent(made, Receive(2, "n3", lab.Tell(()))) == [("n3", "Posts")]
    assert sent(made, Receive(3, "n3", lab.Ask(()))) == [("n3", "Posts"), ("n3", "Tell")]
    assert sent(made, Receive(4, "n3", lab.Tell((("n1", 1),)))) == []


@graded(points=1, title="A new life", requirement="docstring of on_start: ask, and keep watch")
def test_a_member_that_begins_asks_all_others_and_keeps_watch(lab: ChatLab) -> None:
    for count in (0, 1, 120):
        kept: dict[Any, Any] = {
            ("post", "n2", number): post(lab, "n2", number).posts[0]
            for number in range(1, count + 1)
        }
        begun = new(lab, "n2").step(Start(0, kept))
        asked = [(each.to, each.message.holds) for each in effects_of(Send, begun)]
        holds = (("n2", count),) if count else ()
        assert asked == [("n1", holds), ("n3", holds)], "it holds all that earlier lives saved"
        assert effects_of(SetTimer, begun), "nobody may hear the question"


@graded(points=2, title="News makes haste", requirement="a long pause ends when there is news")
def test_a_pause_that_has_become_long_is_short_again_after_any_news(lab: ChatLab) -> None:
    for news in (
        Invoke(9, 1, lab.Say("an own post")),
        Receive(9, "n1", post(lab, "n1", 2)),
        Receive(9, "n1", lab.Acknowledgement((("n1", 2),))),
    ):
        made = watched(lab)
        first = made.pause
        for _ in range(3):
            made.fire()
        assert made.pause == 8 * first, "without news it asks less and less often"
        made.fire()
        assert made.pause == 8 * first, "but never less often than each 0.8 s"
        made.step(Receive(8, "n1", post(lab, "n1")))
        made.step(Receive(8, "n1", lab.Acknowledgement((("n1", 1),))))
        made.step(Receive(8, "n1", lab.Acknowledgement(())))
        assert made.pause == 8 * first, "what was known before is no news"
        made.step(news)
        assert made.pause == first, f"after {news}"


@graded(
    points=1, title="An end of the calm", requirement="keep watch as soon as somebody holds more"
)
def test_a_member_that_hears_of_posts_it_lacks_keeps_watch_again(lab: ChatLab) -> None:
    def copy(holds: Any) -> Any:
        return lab.Posts(post(lab, "n1").posts, holds)

    holds = (("n1", 1),)
    for word in (lab.Ask, lab.Tell, lab.Acknowledgement, copy):
        made = watched(lab)
        made.step(Receive(2, "n3", lab.Acknowledgement(holds)))
        assert made.fire() == [], "all hold the same"
        assert not made.keeps_watch, "so the room is calm"
        made.step(Receive(3, "n3", word((*holds, ("n3", 1)))))
        assert made.keeps_watch, f"n3 has a post that may be lost on its way: {word}"


@graded(
    points=1, title="Knock, knock", requirement="a newcomer asks for the next posts when some came"
)
def test_a_newcomer_knocks_again_for_posts_that_are_new_and_not_for_copies(lab: ChatLab) -> None:
    made = member(lab, "n4")
    assert sent(made, Invoke(1, 1, lab.Join())) == [("n1", "Knock")]
    news = Receive(2, "n1", post(lab, "n1"))
    assert sent(made, news) == [("n1", "Knock")], "there may be more"
    assert sent(made, news) == [], "copies of an answer must not make more questions"


@graded(points=2, title="Back again", requirement="docstring of on_start: ask what the others hold")
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
