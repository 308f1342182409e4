"""Graded suite of the lab ``echo``, last part: the same echo as a node, and its client."""

from functools import partial
from typing import Any

from common.contract import CancelTimer, Fire, Invoke, Receive, Return, Save, Send, SetTimer, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import effects_of
from common.sim.workload import Workload
from common.values.faults import Crash, Heal, Link, Partition, Restart, Schedule
from common.values.history import History, Ok, Unknown
from common.values.units import MS, SECOND
from tests.stage1_foundations.echo.lab import EchoLab

LAB = "echo"


def started_caller(lab: EchoLab, **options: Any) -> Any:
    caller = lab.Caller("c1", ("n1", "n2"), **options)
    caller.step(Start(0, {}))
    return caller


@graded(points=2, title="Echo as a node", requirement="a Ping is answered by its Pong")
def test_a_ping_is_answered_by_a_pong_with_its_number_and_text(lab: EchoLab) -> None:
    echo = lab.Echo("n1", ("c1", "c2"))
    for sender, number, text in [("c1", 1, "hello"), ("c2", 1, ""), ("c1", 1, "hello")]:
        effects = echo.step(Receive(0, sender, lab.Ping(number, text)))
        assert effects == [Send(sender, lab.Pong(number, text))]


@graded(points=2, title="Ask", requirement="an operation ends with the answer to its question")
def test_an_operation_ends_ok_with_the_text_of_its_pong_once(lab: EchoLab) -> None:
    caller = started_caller(lab)
    (first,) = effects_of(Send, caller.step(Invoke(0, 7, lab.Say("one"))))
    (second,) = effects_of(Send, caller.step(Invoke(0, 8, lab.Say("two"))))
    assert first.message.number != second.message.number
    late = caller.step(Receive(1, "n1", lab.Pong(second.message.number, "two")))
    assert effects_of(Return, late) == [Return(8, Ok("two"))]
    assert effects_of(CancelTimer, late), "its timer would ask again for nothing"
    early = caller.step(Receive(2, "n1", lab.Pong(first.message.number, "one")))
    assert effects_of(Return, early) == [Return(7, Ok("one"))]
    again = caller.step(Receive(3, "n1", lab.Pong(first.message.number, "one")))
    assert effects_of(Return, again) == [], "an operation ends once"


@graded(points=2, title="Ask again", requirement="a lost message is made good by a timer")
def test_a_question_without_an_answer_is_asked_again_with_the_same_number(lab: EchoLab) -> None:
    caller = started_caller(lab, ask_again_after=20 * MS)
    effects = caller.step(Invoke(0, 1, lab.Say("hello")))
    (asked,), (timer,) = effects_of(Send, effects), effects_of(SetTimer, effects)
    assert timer.after == 20 * MS
    (again,) = effects_of(Send, caller.step(Fire(20 * MS, timer.id, timer.timer)))
    assert again.message == asked.message, "the same question, so that either answer will do"
    assert again.to != asked.to, "another server's turn"
    late = caller.step(Receive(21 * MS, asked.to, lab.Pong(asked.message.number, "hello")))
    assert effects_of(Return, late) == [Return(1, Ok("hello"))], "late, but an answer to it"
    for call in (2, 3):
        (sent,) = effects_of(Send, caller.step(Invoke(0, call, lab.Say("more"))))
        assert sent.message.number != asked.message.number, "a copy of that answer may come yet"
        caller.step(Receive(22 * MS, "n1", lab.Pong(sent.message.number, "more")))


@graded(points=3, title="Unknown", requirement="no answer is not a failure")
def test_a_question_that_nobody_answers_ends_unknown_after_the_last_attempt(lab: EchoLab) -> None:
    caller = started_caller(lab, attempts=3)
    effects = caller.step(Invoke(0, 1, lab.Say("hello")))
    for _ in range(2):
        assert effects_of(Send, effects)
        assert not effects_of(Return, effects)
        (timer,) = effects_of(SetTimer, effects)
        effects = caller.step(Fire(0, timer.id, timer.timer))
    (timer,) = effects_of(SetTimer, effects)
    effects = caller.step(Fire(0, timer.id, timer.timer))
    (ended,) = effects_of(Return, effects)
    assert isinstance(ended.outcome, Unknown), "the question may have been heard"
    assert not effects_of(Send, effects)
    assert caller.step(Receive(1, "n1", lab.Pong(1, "hello"))) == [], "its call has ended"
    assert caller.status().get("waiting", 0) == 0, "what has ended is not waited for"
    several = started_caller(lab, attempts=1)
    for text in ("one", "two", ""):
        (sent,) = effects_of(Send, several.step(Invoke(0, 1, lab.Say(text))))
        assert sent.message.text == text, "each question is asked, whatever else is under way"
        assert sent.to == "n1", "and each of the first server first"


@graded(points=2, title="After a crash", requirement="numbers of earlier lives are not used again")
def test_an_answer_to_an_earlier_life_does_not_end_an_operation_of_this_one(lab: EchoLab) -> None:
    first_life = lab.Caller("c1", ("n1",))
    saved = {save.key: save.value for save in effects_of(Save, first_life.step(Start(0, {})))}
    (asked,) = effects_of(Send, first_life.step(Invoke(0, 1, lab.Say("before"))))
    earlier = [asked.message.number]
    for _ in range(2):
        next_life = lab.Caller("c1", ("n1",))
        saved |= {
            save.key: save.value for save in effects_of(Save, next_life.step(Start(9, saved)))
        }
        (asked,) = effects_of(Send, next_life.step(Invoke(9, 1, lab.Say("after"))))
        for number in earlier:
            late = next_life.step(Receive(9, "n1", lab.Pong(number, "before")))
            assert effects_of(Return, late) == []
        assert asked.message.number >= earlier[-1] + 2**32, "a life has so many numbers"
        earlier.append(asked.message.number)


ROUGH = Schedule(
    [
        Link(at=0, latency=(1 * MS, 30 * MS), loss=0.3, duplicate=0.2, reorder=0.2),
        Partition(at=400 * MS, groups=(("n1", "c1"), ("n2",))),
        Crash(at=600 * MS, node="c1"),
        Restart(at=650 * MS, node="c1"),
        Heal(at=900 * MS),
        Crash(at=1 * SECOND, node="n1"),
        Restart(at=1200 * MS, node="n1"),
    ]
)


@graded(points=2, title="On a good network", requirement="every question is answered")
def test_every_operation_ends_ok_with_its_own_text_when_nothing_is_lost(
    lab: EchoLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        for operation in conversation(lab, seed, Schedule()):
            assert operation.outcome == Ok(operation.argument)


@graded(points=3, title="On a bad network", requirement="an answer is right, or there is none")
def test_every_operation_ends_ok_with_its_own_text_or_unknown_whatever_is_lost(
    lab: EchoLab, sweep: Sweep
) -> None:
    for seed in sweep(20):
        operations = conversation(lab, seed, ROUGH)
        answered = [each for each in operations if isinstance(each.outcome, Ok)]
        for operation in answered:
            assert operation.outcome == Ok(operation.argument)
        others = [each for each in operations if each not in answered]
        assert all(isinstance(operation.outcome, Unknown) for operation in others)
        assert len(answered) >= 20, f"only {len(answered)} of 40 were answered, at a loss of 0.3"


def conversation(lab: EchoLab, seed: int, schedule: Schedule) -> History:
    """Two clients ask for 20 echoes each, of two servers."""
    servers = dict.fromkeys(("n1", "n2"), lab.Echo)
    callers = {name: partial(lab.Caller, servers=("n1", "n2")) for name in ("c1", "c2")}
    simulation = lab.simulation(servers, callers, seed=seed, schedule=schedule)
    workload = Workload(
        simulation,
        lambda _, client, number: lab.Say(f"{client} says {number}"),
        patience=2 * SECOND,
    )
    assert simulation.run_until(lambda: workload.done, limit=60 * SECOND), "an operation never ends"
    history: History = simulation.history
    return history
