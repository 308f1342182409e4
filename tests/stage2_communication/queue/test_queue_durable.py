"""Graded suite of the lab ``queue``, fourth part: on disk before it is acknowledged."""

from typing import Any

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, must_hold, restart_all, trouble
from common.values.history import Ok
from common.values.units import MS, SECOND
from stage2_communication.queue.checks import (
    deliveries_differ,
    done_is_done,
    keys_are_in_order,
    nothing_is_lost,
    post_take_finish,
)
from tests.stage2_communication.queue.lab import QueueLab
from tests.stage2_communication.queue.room import BROKER, CLIENTS, Desk, queue

LAB = "queue"

ALL = ("crash", "crash", "link", "pause", "clock", "disk")


def broker(lab: QueueLab) -> Any:
    """A broker that saves, without a history."""
    return lab.DurableBroker("n1", (), visibility=100)


def again(desk: Desk) -> Desk:
    """The power fails, and the broker comes back later, with what is on its disk.

    A disk gives back what was saved in whatever order.
    """
    disk = dict(reversed(desk.disk.items()))
    later = Desk(desk.lab, broker(desk.lab), disk, now=desk.now + 1000)
    later.number = desk.number
    return later


@graded(points=3, title="Published", requirement="nats-server#7564: fsync before the answer")
def test_what_was_acknowledged_to_its_producer_is_there_after_a_crash(lab: QueueLab) -> None:
    desk = Desk(lab, broker(lab))
    desk.publish("one", "two", key="k")
    kinds = [type(effect).__name__ for effect in desk.effects]
    assert "Save" in kinds, "in the step that answers"
    assert kinds[-1] == "Send"
    assert desk.disk["message", 2] == ("jobs", "k", "two")
    desk = again(desk)
    assert desk.node.status() == {"waiting": 2, "in hand": 0, "published": 2}
    assert desk.fetch(most=9) == [(1, 1, "one")]
    desk = Desk(lab, broker(lab))
    many = [f"{number}" for number in range(1, 13)]
    desk.publish(*many)
    fetched = again(desk)
    assert [each[2] for each in fetched.fetch(most=3)] == ["1", "2", "3"], "oldest first"


@graded(points=3, title="Finished", requirement="gone from the disk before the answer")
def test_what_was_acknowledged_by_its_consumer_does_not_come_back(lab: QueueLab) -> None:
    desk = Desk(lab, broker(lab))
    desk.publish("one", "two")
    desk.fetch(most=2)
    assert desk.ack(1)
    assert [key for key in desk.disk if isinstance(key, tuple) and key[1] == 1] == []
    desk = again(desk)
    assert desk.node.status()["in hand"] == 1
    desk.wait(100)
    assert desk.fetch(most=9) == [(2, 2, "two")]
    assert desk.ack(2, 2)
    desk = again(desk)
    assert desk.publish("three") == [3], "a sequence that was given is not given again"
    assert sorted(desk.disk, key=str)[:1] == [("answer", "c1")]
    late = Desk(lab, broker(lab))
    late.publish("never delivered")
    late.fetch()
    late.wait(100)
    assert late.ack(1), "late, and it waits again"
    assert again(late).node.status()["waiting"] == 0


@graded(points=2, title="Twice, and a crash between", requirement="answers are saved")
def test_a_request_that_comes_again_after_a_crash_is_still_one(lab: QueueLab) -> None:
    desk = Desk(lab, broker(lab))
    publish = lab.Publish(500, "jobs", "", "one")
    assert desk.get(publish, "p") == [lab.Published(500, 1)]
    desk = again(desk)
    assert desk.get(publish, "p") == [lab.Published(500, 1)]
    assert desk.get(lab.Publish(499, "jobs", "", "old"), "p") == []
    desk.fetch()
    ack = lab.Ack(600, 1, 1)
    assert desk.get(ack) == [lab.Settled(600, True)]
    assert again(desk).get(ack) == [lab.Settled(600, True)]
    assert again(desk).get(publish, "p") == [lab.Published(500, 1)], "each client's last answer"
    assert again(desk).node.status()["published"] == 1
    assert desk.get(lab.Nack(601, 1, 1)) == [lab.Settled(601, False)]
    assert desk.disk["answer", "c1"] == lab.Settled(601, False), "a no is an answer, too"


@graded(points=2, title="A batch is no promise", requirement="what is not needed is not saved")
def test_a_batch_is_not_saved_and_a_fetch_after_a_crash_is_a_new_one(lab: QueueLab) -> None:
    desk = Desk(lab, broker(lab))
    desk.publish("one", "two")
    fetch = lab.Fetch(700, "jobs", 1)
    assert len(desk.get(fetch)) == 1
    assert ("answer", "c1") not in desk.disk
    [batch] = again(desk).get(fetch)
    assert [each.sequence for each in batch.deliveries] == [2], "the first may be in hand"
    publish = lab.Publish(800, "jobs", "", "three")
    assert desk.get(publish) == [lab.Published(800, 3)]
    desk.get(lab.Fetch(801, "jobs", 1))
    later = again(desk)
    assert later.get(publish) == [lab.Published(800, 3)], "a late copy, and a crash since"
    assert later.node.status()["published"] == 3


@graded(points=3, title="In hand, for all one knows", requirement="Gray, Cheriton 1989, 2")
def test_after_a_start_what_was_delivered_is_hidden_for_one_more_lease(lab: QueueLab) -> None:
    desk = Desk(lab, broker(lab))
    desk.publish("one", "two", key="k")
    desk.fetch("c1")
    desk = again(desk)
    assert desk.node.status() == {"waiting": 1, "in hand": 1, "published": 2}
    assert desk.fetch("c2", most=9) == [], "and its key waits"
    desk.wait(99)
    assert desk.fetch("c2") == []
    assert again(desk).extend(1, 1), "the consumer may go on with it"
    assert again(desk).ack(1, 1), "or finish it"
    desk.wait(1)
    assert desk.fetch("c2") == [(1, 2, "one")]
    full = Desk(lab, lab.DurableBroker("n1", (), visibility=100, prefetch=1), desk.disk)
    full.number = desk.number
    full.publish("three")
    assert full.fetch("c2") == [], "c2 has one in hand, and prefetch is 1"
    assert full.fetch("c3") == [(3, 1, "three")]
    full.publish("four")
    assert full.fetch("c3") == [], "and so has c3 now"


@graded(points=2, title="Attempts are counted on disk", requirement="before the delivery leaves")
def test_no_two_deliveries_have_the_same_name_over_crashes(lab: QueueLab) -> None:
    desk = Desk(lab, broker(lab))
    desk.publish("one")
    for attempt in range(1, 4):
        assert desk.fetch(f"c{attempt}") == [(1, attempt, "one")]
        assert desk.disk["delivered", 1] == (attempt, f"c{attempt}")
        desk = again(desk)
        desk.wait(100)
    assert not desk.ack(1, 2), "an early delivery says nothing any more"
    assert desk.ack(1, 3), "the last one does, though it is late"


@graded(points=3, title="Whatever fails", requirement="Jepsen NATS 2.12.1")
def test_all_promises_hold_over_crashes_of_the_broker(lab: QueueLab, sweep: Sweep) -> None:
    finished = 0
    for seed in sweep(8):
        faults = trouble(seed, ALL, hit=(BROKER,), others=CLIENTS, until=2 * SECOND)
        simulation, _ = queue(
            lab,
            lab.DurableBroker,
            seed,
            tuple(faults),
            choose=post_take_finish,
            disk_latency=5 * MS,
        )
        simulation.run(6 * SECOND)
        for check in (nothing_is_lost, done_is_done, keys_are_in_order, deliveries_differ):
            must_hold(check(simulation.history))
        done = (each.outcome for each in simulation.history if each.function == "finish")
        finished += sum(isinstance(outcome, Ok) for outcome in done)
    assert sweep.partial or finished >= 10, f"{finished} were finished: the test shows nothing"


@graded(points=2, title="All of it comes", requirement="progress: each message, at last")
def test_after_the_trouble_all_that_was_published_can_be_taken(lab: QueueLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        faults = trouble(seed, ("crash", "link"), hit=(BROKER,), until=1 * SECOND)
        simulation, _ = queue(
            lab, lab.DurableBroker, seed, tuple(faults),
            choose=lambda random, client, number: lab.Post("jobs", "", f"{client}.{number}"),
            count=5,
        )  # fmt: skip
        simulation.run(5 * SECOND)
        restart_all(simulation)
        told = [each.outcome.value for each in simulation.history if isinstance(each.outcome, Ok)]
        assert len(told) >= 12
        taken: dict[int, str] = {}
        for _ in range(60):
            found = ask_ok(simulation, "c1", lab.Take("jobs"))
            if found is not None:
                taken[found[0]] = found[3]
                ask_ok(simulation, "c1", lab.Finish())
        assert set(told) <= set(taken)
        assert len(set(taken.values())) == len(taken), "none was published twice"
