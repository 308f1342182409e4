"""Graded suite of the lab ``queue``, second part: a delivery is a lease."""

from common.contract.effects import Return, Send
from common.contract.events import Invoke, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, effects_of, must_hold, trouble
from common.values.history import Failed, Ok
from common.values.units import MS, SECOND
from stage2_communication.queue.checks import deliveries_differ, done_is_done, post_take_finish
from tests.stage2_communication.queue.lab import QueueLab
from tests.stage2_communication.queue.room import BROKER, CLIENTS, Desk, queue

LAB = "queue"

VISIBILITY = 100


def leasing(lab: QueueLab) -> Desk:
    """A broker with two messages, of which c1 has the first in hand."""
    desk = Desk(lab, lab.LeasingBroker("n1", (), visibility=VISIBILITY))
    desk.publish("one", "two")
    assert desk.fetch("c1") == [(1, 1, "one")]
    return desk


@graded(points=3, title="Delivered again", requirement="SQS: visibility timeout")
def test_what_is_not_acknowledged_in_time_is_delivered_again(lab: QueueLab) -> None:
    desk = leasing(lab)
    desk.wait(VISIBILITY - 1)
    assert desk.node.status()["in hand"] == 1, "the lease holds"
    desk.wait(1)
    assert desk.node.status()["in hand"] == 0
    assert desk.fetch("c2", most=2) == [(1, 2, "one"), (2, 1, "two")], "at its old place"
    assert desk.fetch("c3") == []
    desk.wait(VISIBILITY)
    assert desk.fetch("c3", most=2) == [(1, 3, "one"), (2, 2, "two")], "again and again"


@graded(points=3, title="Never again", requirement="what is acknowledged")
def test_what_is_acknowledged_is_never_delivered_again(lab: QueueLab) -> None:
    desk = leasing(lab)
    assert desk.ack(1)
    assert desk.timers == {}, "a lease that ended has no timer"
    desk.wait(5 * VISIBILITY)
    assert desk.fetch("c2", most=5) == [(2, 1, "two")]


@graded(points=3, title="Too late", requirement="an acknowledgement names a delivery")
def test_a_late_acknowledgement_counts_until_somebody_else_has_the_message(lab: QueueLab) -> None:
    desk = leasing(lab)
    desk.wait(VISIBILITY)
    assert desk.ack(1), "nobody else has got it"
    assert desk.fetch("c2", most=5) == [(2, 1, "two")]
    other = leasing(lab)
    other.wait(VISIBILITY)
    other.fetch("c2")
    assert not other.ack(1, 1), "c2 is at work on it"
    assert not other.nack(1, 1)
    assert not other.extend(1, 1)
    assert other.node.status()["in hand"] == 1
    assert other.ack(1, 2, "c2")


@graded(points=2, title="Given back", requirement="JetStream: Nak; AMQP: basic.nack with requeue")
def test_what_is_given_back_is_delivered_at_once_and_before_newer_ones(lab: QueueLab) -> None:
    desk = leasing(lab)
    assert desk.nack(1)
    assert desk.timers == {}
    assert not desk.nack(1), "it is not in hand any more"
    assert desk.fetch("c2") == [(1, 2, "one")]
    desk.wait(VISIBILITY - 1)
    assert desk.node.status()["in hand"] == 1, "a lease of its own"
    nack = lab.Nack(900, 1, 2)
    assert desk.get(nack, "c9") == desk.get(nack, "c9") == [lab.Settled(900, True)]
    assert desk.fetch("c2") == [(1, 3, "one")]
    assert desk.get(nack, "c9") == [lab.Settled(900, True)], "it counted when it came"
    assert not desk.nack(77), "there is no such message"


@graded(points=3, title="Longer", requirement="SQS: ChangeMessageVisibility; JetStream: InProgress")
def test_a_lease_that_is_extended_begins_again(lab: QueueLab) -> None:
    desk = leasing(lab)
    for time in range(3):
        desk.wait(VISIBILITY - 1)
        assert desk.extend(1), f"it was extended {time} times, and holds"
        assert len(desk.timers) == 1, "the earlier timer is none any more"
    desk.wait(VISIBILITY - 1)
    assert desk.fetch("c2", most=5) == [(2, 1, "two")], "nobody else gets the first one"
    desk.wait(1)
    assert not desk.extend(1), "it is in line again"
    assert len(desk.timers) == 1, "and what is in line has no timer"
    extend = lab.Extend(900, 2, 1)
    assert desk.get(extend, "c9") == desk.get(extend, "c9") == [lab.Settled(900, True)]
    assert desk.fetch("c3", most=5) == [(1, 2, "one")]
    desk.wait(VISIBILITY)
    assert desk.get(extend, "c9") == [lab.Settled(900, True)], "it counted when it came"
    assert not desk.extend(2), "and does not now"


@graded(points=3, title="The consumer's clock", requirement="Gray, Cheriton 1989, 2")
def test_a_consumer_counts_from_its_own_request_and_stops_earlier(lab: QueueLab) -> None:
    def fetched(
        arrives: int, asks_again: int, most: int = 2, visibility: int = 400
    ) -> tuple[object, object]:
        """What a consumer is told that asks at 1,000: when the batch comes, and later."""
        client = lab.QueueClient("c1", ("n1",), visibility=visibility, most=most)
        client.step(Start(0, {}))
        [send] = effects_of(Send, client.step(Invoke(1000, 1, lab.Take("jobs"))))
        assert send.message == lab.Fetch(send.message.number, "jobs", most)
        both = (lab.Delivery(1, 1, "a", "one"), lab.Delivery(2, 1, "b", "two"))
        batch = lab.Batch(send.message.number, both)
        assert client.step(Receive(1000, "n1", lab.Batch(7, both))) == [], "nobody waits for that"
        [first] = effects_of(Return, client.step(Receive(arrives, "n1", batch)))
        assert client.step(Receive(arrives, "n1", batch)) == [], "a batch comes once"
        late = lab.Batch(7, (lab.Delivery(9, 1, "c", "late"),))
        assert client.step(Receive(arrives, "n1", late)) == [], "nobody has asked for that"
        then = effects_of(Return, client.step(Invoke(asks_again, 2, lab.Take("jobs"))))
        return first.outcome, then[0].outcome if then else None

    one, two = Ok((1, 1, "a", "one")), Ok((2, 1, "b", "two"))
    assert fetched(1010, 1299) == (one, two)
    assert fetched(1010, 1300) == (one, None), "three quarters of 400: it fetches again"
    assert fetched(1299, 1299) == (one, two)
    assert fetched(1300, 1300) == (Ok(), None), "the batch took too long"
    late = 1000 + 3 * SECOND
    assert fetched(late - 1, late - 1, visibility=4 * SECOND) == (one, two)
    assert fetched(late - 1, late, visibility=4 * SECOND) == (one, None), "though it asked often"


@graded(points=2, title="Asked once more", requirement="the lease counts from what was sent")
def test_a_take_that_is_not_sent_does_not_make_the_lease_longer(lab: QueueLab) -> None:
    for topic, later in (("jobs", 1300), ("mail", 1296)):
        client = lab.QueueClient("c1", ("n1",), visibility=400)
        client.step(Start(0, {}))
        [send] = effects_of(Send, client.step(Invoke(1000, 1, lab.Take("jobs"))))
        [refused] = effects_of(Return, client.step(Invoke(1290, 2, lab.Take(topic))))
        assert isinstance(refused.outcome, Failed), "one request at a time"
        both = (lab.Delivery(1, 1, "a", "one"), lab.Delivery(2, 1, "b", "two"))
        batch = lab.Batch(send.message.number, both)
        [first] = effects_of(Return, client.step(Receive(1295, "n1", batch)))
        assert (first.call, first.outcome) == (1, Ok((1, 1, "a", "one")))
        [again] = effects_of(Send, client.step(Invoke(later, 3, lab.Take(topic))))
        assert again.message.topic == topic, "what is left is of the topic jobs, and over at 1,300"
    letter = lab.Batch(again.message.number, (lab.Delivery(5, 1, "c", "letter"),))
    [taken] = effects_of(Return, client.step(Receive(1297, "n1", letter)))
    assert taken.outcome == Ok((5, 1, "c", "letter")), "mail was asked for, and not jobs"


@graded(points=3, title="Never two at once", requirement="while the lease holds")
def test_no_message_is_in_two_hands_while_the_lease_holds(lab: QueueLab, sweep: Sweep) -> None:
    finished = again = 0
    for seed in sweep(6):
        wire = Wire()
        faults = trouble(seed, ("link", "pause"), hit=CLIENTS, until=2 * SECOND)
        simulation, _ = queue(
            lab,
            lab.LeasingBroker,
            seed,
            tuple(faults),
            choose=post_take_finish,
            visibility=150 * MS,
            observers=[wire],
        )
        simulation.run(5 * SECOND)
        must_hold(done_is_done(simulation.history))
        must_hold(deliveries_differ(simulation.history))
        given: dict[int, tuple[int, int, str]] = {}
        released: set[tuple[int, int]] = set()
        for at, sender, to, message in wire.sent_messages:
            if isinstance(message, lab.Nack):
                released.add((message.sequence, message.attempt))
            if sender != BROKER or not isinstance(message, lab.Batch):
                continue
            for each in message.deliveries:
                before = given.get(each.sequence)
                if before is None or each.attempt > before[0]:
                    held = before is not None and (each.sequence, before[0]) not in released
                    if before is not None and held:
                        assert at >= before[1] + 150 * MS, f"{each} is in the hand of {before[2]}"
                    again += each.attempt > 1
                    given[each.sequence] = each.attempt, at, to
        outcomes = [each.outcome for each in simulation.history if each.function == "finish"]
        finished += sum(isinstance(outcome, Ok) for outcome in outcomes)
        calm = (each for each in simulation.history if each.invoked_at > 2 * SECOND)
        told = [each.outcome for each in calm if each.function == "finish"]
        assert all(isinstance(outcome, Ok | Failed) for outcome in told), "in the calm all is known"
    assert sweep.partial or finished >= 10, f"{finished} were finished: the test shows nothing"
    assert sweep.partial or again >= 5, f"{again} were delivered again: the test shows nothing"
