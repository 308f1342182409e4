"""Graded suite of the lab ``chat``, last part: the opener alone, fed by hand."""

from typing import Any

from common.contract import Event, Invoke, Receive, Send, Start
from common.course.suites.grading import graded
from common.course.suites.kit import effects_of
from tests.stage2_communication.chat.group import THREE
from tests.stage2_communication.chat.lab import ChatLab

LAB = "chat"


def opener(lab: ChatLab) -> Any:
    """n1, which has opened a room with n2 and n3, and holds a post of n3."""
    made = lab.ArrivalMember("n1", ("n2", "n3", "n4"), founders=THREE)
    made.step(Start(0, {}))
    said = lab.Post("n3", 1, 1, lab.Said("hello"))
    made.step(Receive(1, "n3", lab.Posts((said,), (("n3", 1),))))
    return made


def sent(made: Any, event: Event) -> list[tuple[str, Any]]:
    """To whom a member sends something in this step, and what."""
    return [(each.to, each.message) for each in effects_of(Send, made.step(event))]


@graded(points=2, title="Told that it is out", requirement="docstring of knocked: it is told so")
def test_one_that_was_removed_is_sent_the_posts_of_the_opener_alone(lab: ChatLab) -> None:
    made = opener(lab)
    made.step(Invoke(2, 1, lab.Remove("n2")))
    for word in (lab.Knock(()), lab.Goodbye(()), lab.Ask(())):
        ((to, told),) = sent(made, Receive(3, "n2", word))
        assert to == "n2"
        assert [post.author for post in told.posts] == ["n1"], f"after {word}"


@graded(points=1, title="Not the opener", requirement="docstring of knocked: as the opener")
def test_another_member_lets_nobody_in_and_nobody_out(lab: ChatLab) -> None:
    made = lab.ArrivalMember("n2", ("n1", "n3", "n4"), founders=THREE)
    made.step(Start(0, {}))
    for word in (lab.Knock(()), lab.Goodbye(())):
        assert not made.step(Receive(1, "n4", word)), f"{word} is for n1"
    assert not made.step(Receive(2, "n3", lab.Goodbye(()))), "a member leaves by n1 as well"
    assert opener(lab).step(Receive(2, "n4", lab.Knock(()))), "which lets people in"


@graded(points=1, title="Strangers", requirement="who has not joined cannot leave")
def test_a_stranger_that_says_goodbye_is_not_answered(lab: ChatLab) -> None:
    made = opener(lab)
    assert sent(made, Receive(2, "n4", lab.Goodbye(()))) == []
    made.step(Receive(3, "n3", lab.Acknowledgement((("n3", 2),))))  # so says n3, and it is lost
    ((to, asked),) = sent(made, Receive(3, "n3", lab.Goodbye((("n3", 2),))))
    assert (to, type(asked).__name__) == ("n3", "Ask"), "its last post is not here yet"


@graded(points=1, title="Full", requirement="MAX_MEMBERS: one more is refused")
def test_a_room_that_is_full_refuses_the_next_one(lab: ChatLab) -> None:
    for one_has_left in (False, True):
        made = opener(lab)
        for number in range(4, 33):
            told = dict(sent(made, Receive(2, f"n{number}", lab.Knock(()))))
            assert type(told[f"n{number}"]).__name__ == "Posts", "it is let in"
        if one_has_left:
            made.step(Invoke(2, 1, lab.Remove("n2")))
        ((to, told_so),) = sent(made, Receive(3, "n33", lab.Knock(())))
        assert (to, type(told_so).__name__) == ("n33", "Refusal"), "who left is counted, too"
