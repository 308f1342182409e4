"""Graded suite of the lab ``queue``, fifth part: dead letters."""

from functools import partial
from typing import Any

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import must_hold, trouble
from common.values.history import Ok
from common.values.units import MS, SECOND
from stage2_communication.queue.checks import (
    deliveries_differ,
    done_is_done,
    keys_are_in_order,
    post_take_finish,
)
from tests.stage2_communication.queue.lab import QueueLab
from tests.stage2_communication.queue.room import BROKER, CLIENTS, Desk, queue

LAB = "queue"

DEAD = "jobs.dead"


def dying(lab: QueueLab, most: int = 2, saved: Any = None) -> Desk:
    """A broker that gives up after so many deliveries."""
    node = lab.DeadLetterBroker("n1", (), visibility=100, most_deliveries=most)
    return Desk(lab, node, saved)


@graded(points=3, title="After n deliveries", requirement="SQS: maxReceiveCount")
def test_what_comes_back_after_the_last_attempt_is_a_dead_letter(lab: QueueLab) -> None:
    desk = dying(lab)
    desk.publish("poison", "fine", key="k")
    assert desk.fetch() == [(1, 1, "poison")]
    desk.wait(100)
    assert desk.fetch(topic=DEAD) == [], "one more attempt"
    assert desk.fetch() == [(1, 2, "poison")]
    assert desk.fetch(topic=DEAD) == [], "the last attempt is under way"
    desk.wait(99)
    assert desk.fetch("c2") == []
    desk.wait(1)
    assert desk.fetch("c2") == [(2, 1, "fine")], "the key goes on without it"
    [batch] = desk.get(lab.Fetch(900, DEAD, 1), "person")
    assert batch.deliveries == (lab.Delivery(3, 1, "k", "poison"),), "a new message, the same text"


@graded(points=2, title="Not before", requirement="the last attempt may succeed")
def test_what_is_acknowledged_in_its_last_attempt_is_no_dead_letter(lab: QueueLab) -> None:
    desk = dying(lab)
    desk.publish("hard")
    desk.fetch()
    desk.nack(1)
    desk.fetch()
    assert desk.ack(1, 2)
    desk.wait(500)
    assert desk.node.status() == {"waiting": 0, "in hand": 0, "published": 1}
    assert desk.fetch(topic=DEAD) == []


@graded(points=2, title="Given back", requirement="a Nack is a failed attempt")
def test_a_message_that_everybody_gives_back_is_a_dead_letter_too(lab: QueueLab) -> None:
    desk = dying(lab, most=3)
    desk.publish("poison")
    for attempt in (1, 2, 3):
        consumer = f"c{attempt}"
        assert desk.fetch(consumer) == [(1, attempt, "poison")]
        assert desk.nack(1, attempt, consumer)
    assert desk.fetch() == []
    assert desk.timers == {}
    assert not desk.ack(1, 3), "it is not in this topic any more"
    assert desk.fetch(topic=DEAD) == [(2, 1, "poison")]


@graded(points=2, title="The end of the line", requirement="a dead letter dies no more")
def test_a_dead_letter_stays_where_it_is_until_somebody_takes_care_of_it(lab: QueueLab) -> None:
    desk = dying(lab, most=1)
    desk.publish("poison")
    desk.fetch()
    desk.wait(100)
    for attempt in range(1, 5):
        assert desk.fetch("person", topic=DEAD) == [(2, attempt, "poison")]
        desk.wait(100)
    assert desk.ack(2, 4, "person")
    assert desk.node.status()["waiting"] == 0
    endless = dying(lab, most=0)
    endless.publish("never given up")
    for attempt in range(1, 9):
        assert endless.fetch() == [(1, attempt, "never given up")], "0 is no bound"
        endless.wait(100)
    lowered = dying(lab, most=2, saved=endless.disk)
    lowered.number = endless.number
    lowered.wait(100)
    assert lowered.fetch() == [], "a person has set a bound since, and it was delivered more often"
    named = dying(lab, most=1)
    named.publish("late", topic="jobs.deadlines")
    named.fetch(topic="jobs.deadlines")
    named.wait(100)
    assert named.fetch(topic="jobs.deadlines") == [], "only the end of a topic's name counts"
    assert named.fetch(topic="jobs.deadlines.dead") == [(2, 1, "late")]


@graded(points=3, title="In one of the two", requirement="moved in one step")
def test_a_dead_letter_is_in_one_topic_and_its_count_survives_crashes(lab: QueueLab) -> None:
    desk = dying(lab)
    desk.publish("poison")
    number = desk.number
    for attempt in (1, 2):
        assert desk.fetch() == [(1, attempt, "poison")]
        number = desk.number
        desk = dying(lab, saved=desk.disk)
        desk.number = number
        assert ("message", 1) in desk.disk
        desk.wait(100)
    assert [key for key in desk.disk if isinstance(key, tuple) and key[0] != "answer"] == [
        ("message", 2)
    ], "forgotten here and saved there in the same step"
    desk = dying(lab, saved=desk.disk)
    desk.number = number
    assert desk.fetch() == []
    assert desk.fetch(topic=DEAD) == [(2, 1, "poison")]


@graded(points=3, title="Whatever fails", requirement="dead letters and crashes together")
def test_promises_hold_where_messages_become_dead_letters(lab: QueueLab, sweep: Sweep) -> None:
    buried = 0

    def choose(random: Any, client: str, number: int) -> Any:
        return lab.GiveBack() if random.random() < 0.2 else post_take_finish(random, client, number)

    for seed in sweep(6):
        node = partial(lab.DeadLetterBroker, most_deliveries=2)
        faults = trouble(seed, ("crash", "link", "disk"), hit=(BROKER,), until=2 * SECOND)
        simulation, _ = queue(
            lab, node, seed, tuple(faults), choose=choose, count=30, visibility=200 * MS
        )
        simulation.run(6 * SECOND)
        for check in (done_is_done, keys_are_in_order, deliveries_differ):
            must_hold(check(simulation.history))
        asked = simulation.call("c1", lab.Take(DEAD))
        simulation.run(simulation.now + 2 * SECOND)
        assert isinstance(asked.outcome, Ok)
        buried += asked.outcome.value is not None
    assert sweep.partial or buried >= 2, f"{buried} runs had dead letters: the test shows nothing"
    assert CLIENTS
