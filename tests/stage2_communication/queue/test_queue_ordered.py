"""Graded suite of the lab ``queue``, third part: the order of a key, and prefetch."""

from random import Random

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import must_hold, trouble
from common.values.history import Ok
from common.values.units import SECOND
from stage2_communication.queue.checks import keys_are_in_order, nothing_is_lost, post_take_finish
from tests.stage2_communication.queue.lab import QueueLab
from tests.stage2_communication.queue.room import CLIENTS, Desk, queue

LAB = "queue"


def ordered(lab: QueueLab, prefetch: int = 10) -> Desk:
    """A broker with two messages of key a, two of key b, and two of none, in turns."""
    desk = Desk(lab, lab.OrderedBroker("n1", (), visibility=100, prefetch=prefetch))
    for text, key in (("a1", "a"), ("b1", "b"), ("x1", ""), ("a2", "a"), ("b2", "b"), ("x2", "")):
        desk.publish(text, key=key)
    return desk


@graded(points=3, title="One of a key", requirement="SQS FIFO: message groups")
def test_of_a_key_one_message_is_in_hand_and_other_keys_go_on(lab: QueueLab) -> None:
    desk = ordered(lab)
    assert desk.fetch("c1", most=1) == [(1, 1, "a1")]
    assert desk.fetch("c2", most=9) == [(2, 1, "b1"), (3, 1, "x1"), (6, 1, "x2")]
    assert desk.fetch("c1", most=9) == [], "not to the one that has the first of them, either"
    assert desk.ack(1)
    assert desk.fetch("c3", most=9) == [(4, 1, "a2")]
    assert desk.ack(2, 1, "c2")
    assert desk.fetch("c1", most=9) == [(5, 1, "b2")]


@graded(points=3, title="It comes back first", requirement="a key waits for its oldest message")
def test_a_message_that_comes_back_is_again_the_first_of_its_key(lab: QueueLab) -> None:
    desk = ordered(lab)
    desk.fetch("c1", most=1)
    assert desk.nack(1)
    assert desk.fetch("c2", most=1) == [(1, 2, "a1")]
    desk.wait(100)
    assert desk.fetch("c3", most=2) == [(1, 3, "a1"), (2, 1, "b1")]
    assert not desk.ack(1, 2, "c2")
    assert [each[0] for each in desk.fetch("c2", most=9)] == [3, 6]
    assert desk.ack(1, 3, "c3")
    assert desk.fetch("c2", most=1) == [(4, 1, "a2")]


@graded(points=1, title="Keys of a topic", requirement="the same key elsewhere is another one")
def test_the_same_key_in_another_topic_does_not_wait(lab: QueueLab) -> None:
    desk = ordered(lab)
    desk.publish("other", topic="mail", key="a")
    desk.fetch("c1", most=1)
    assert desk.fetch("c1", topic="mail") == [(7, 1, "other")]
    assert desk.fetch("c1", most=1) == [(2, 1, "b1")]


@graded(points=3, title="Prefetch", requirement="AMQP: basic.qos; JetStream: MaxAckPending")
def test_a_consumer_has_no_more_in_hand_than_prefetch(lab: QueueLab) -> None:
    desk = ordered(lab, prefetch=2)
    assert len(desk.fetch("c1", most=1)) == 1
    assert desk.fetch("c1", most=9) == [(2, 1, "b1")], "one more, and not nine"
    assert desk.fetch("c1", most=1) == []
    desk.publish("letter", topic="mail")
    assert desk.fetch("c1", topic="mail") == [], "all topics count"
    assert desk.fetch("c2", most=9) == [(3, 1, "x1"), (6, 1, "x2")], "each consumer for itself"
    assert desk.ack(2)
    assert desk.fetch("c1", most=9) == [(5, 1, "b2")]
    desk.wait(100)
    assert len(desk.fetch("c1", most=9)) == 2, "what came back is not in hand"


@graded(points=3, title="Whatever comes", requirement="in order, within bounds, and nobody starves")
def test_keys_and_bounds_hold_whatever_is_asked_and_all_is_delivered(
    lab: QueueLab, sweep: Sweep
) -> None:
    for seed in sweep(8):
        random = Random(f"ordered/{seed}")
        desk = Desk(lab, lab.OrderedBroker("n1", (), visibility=50, prefetch=3))
        keys = [random.choice(("a", "b", "c", "")) for _ in range(20)]
        for number, key in enumerate(keys):
            desk.publish(f"{number}", key=key)
        left = set(range(1, 21))
        hands: dict[str, dict[int, int]] = {"c1": {}, "c2": {}, "c3": {}}
        for _ in range(400):
            consumer, drawn = random.choice(tuple(hands)), random.random()
            hand = hands[consumer]
            if drawn < 0.45:
                for sequence, attempt, _text in desk.fetch(consumer, random.randrange(1, 6)):
                    key = keys[sequence - 1]
                    earlier = {each for each in left if keys[each - 1] == key and each < sequence}
                    assert not key or not earlier, f"{sequence} overtakes {earlier}"
                    hand[sequence] = attempt
                assert len(hand) <= 3
            elif drawn < 0.8 and hand:
                sequence = random.choice(tuple(hand))
                assert desk.ack(sequence, hand.pop(sequence), consumer)
                left.discard(sequence)
            elif drawn < 0.9 and hand:
                assert desk.nack(*hand.popitem(), consumer)
            elif drawn > 0.97:
                desk.wait(50)
                for each in hands.values():
                    each.clear()
        assert not left, f"{left} were never done"


@graded(points=3, title="On a bad network", requirement="per-key order, nothing lost")
def test_keys_keep_their_order_on_a_bad_network(lab: QueueLab, sweep: Sweep) -> None:
    finished = 0
    for seed in sweep(6):
        faults = trouble(seed, ("link", "pause"), hit=CLIENTS, until=2 * SECOND)
        simulation, _ = queue(lab, lab.OrderedBroker, seed, tuple(faults), choose=post_take_finish)
        simulation.run(5 * SECOND)
        must_hold(keys_are_in_order(simulation.history))
        must_hold(nothing_is_lost(simulation.history))
        done = (each.outcome for each in simulation.history if each.function == "finish")
        finished += sum(isinstance(outcome, Ok) for outcome in done)
    assert sweep.partial or finished >= 10, f"{finished} were finished: the test shows nothing"
