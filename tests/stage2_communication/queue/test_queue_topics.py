"""Graded suite of the lab ``queue``, first part: topics, consumers, acknowledgements."""

from random import Random

from common.course.suites.grading import Sweep, graded
from tests.stage2_communication.queue.lab import QueueLab
from tests.stage2_communication.queue.room import Desk

LAB = "queue"


@graded(points=3, title="Competing consumers", requirement="each message goes to one of them")
def test_each_message_goes_to_one_consumer_and_the_oldest_goes_first(lab: QueueLab) -> None:
    desk = Desk(lab, lab.Broker("n1", ()))
    assert desk.publish("one", "two", "three") == [1, 2, 3]
    assert desk.fetch("c1") == [(1, 1, "one")]
    assert desk.fetch("c2") == [(2, 1, "two")]
    assert desk.fetch("c1") == [(3, 1, "three")]
    assert desk.fetch("c2") == [], "all are in hand: none at all is an answer, too"
    assert desk.node.status() == {"waiting": 0, "in hand": 3, "published": 3}
    [batch] = desk.get(lab.Fetch(99, "jobs", 1), "c9")
    assert batch == lab.Batch(99, ())


@graded(points=2, title="As many as there is room for", requirement="`most` of a Fetch")
def test_a_consumer_gets_several_at_once_and_no_more_than_it_has_room_for(lab: QueueLab) -> None:
    desk = Desk(lab, lab.Broker("n1", ()))
    desk.publish("one", "two", "three", "four")
    assert desk.fetch("c1", most=0) == []
    assert desk.fetch("c1", most=3) == [(1, 1, "one"), (2, 1, "two"), (3, 1, "three")]
    assert desk.fetch("c2", most=3) == [(4, 1, "four")]
    desk.publish("five", key="k")
    [batch] = desk.get(lab.Fetch(50, "jobs", 5))
    assert batch == lab.Batch(50, (lab.Delivery(5, 1, "k", "five"),)), "with key and text"


@graded(points=2, title="Topics", requirement="a topic has consumers of its own")
def test_topics_know_nothing_of_each_other(lab: QueueLab) -> None:
    desk = Desk(lab, lab.Broker("n1", ()))
    assert desk.fetch(topic="mail") == [], "a topic need not be made"
    desk.publish("a job")
    assert desk.publish("a letter", topic="mail") == [2], "sequences are of the whole broker"
    assert desk.fetch(topic="mail", most=5) == [(2, 1, "a letter")]
    assert desk.fetch(topic="jobs", most=5) == [(1, 1, "a job")]


@graded(points=3, title="Acknowledged", requirement="AMQP 0-9-1, basic.ack")
def test_a_message_is_gone_when_its_delivery_is_acknowledged_and_not_before(lab: QueueLab) -> None:
    desk = Desk(lab, lab.Broker("n1", ()))
    desk.publish("one", "two")
    desk.fetch()
    assert desk.node.status()["in hand"] == 1, "a delivery only hides it"
    assert not desk.ack(1, 2), "there was no second delivery"
    assert not desk.ack(7), "there is no such message"
    assert not desk.ack(2), "it was not delivered"
    assert not desk.ack(2, 0), "and this names no delivery"
    assert desk.node.status() == {"waiting": 1, "in hand": 1, "published": 2}
    assert desk.ack(1)
    assert desk.node.status() == {"waiting": 1, "in hand": 0, "published": 2}
    assert not desk.ack(1), "under a new number it is a new request, and the message is gone"
    assert desk.fetch() == [(2, 1, "two")]
    assert desk.publish("three") == [3], "sequences do not come back"


@graded(points=3, title="A publish that comes twice", requirement="JetStream: Nats-Msg-Id")
def test_a_request_that_comes_twice_is_one_and_gets_the_same_answer(lab: QueueLab) -> None:
    desk = Desk(lab, lab.Broker("n1", ()))
    publish = lab.Publish(5, "jobs", "", "one")
    assert desk.get(publish) == [lab.Published(5, 1)]
    assert desk.get(publish) == [lab.Published(5, 1)], "the answer was lost"
    assert desk.get(publish, "c2") == [lab.Published(5, 2)], "another client's fifth request"
    assert desk.get(lab.Publish(6, "jobs", "", "two")) == [lab.Published(6, 3)]
    assert desk.get(publish) == [], "a late copy, for which nobody waits"
    assert desk.node.status()["published"] == 3


@graded(points=2, title="All that comes twice", requirement="fetches and acknowledgements, too")
def test_a_fetch_and_an_acknowledgement_that_come_twice_are_one(lab: QueueLab) -> None:
    desk = Desk(lab, lab.Broker("n1", ()))
    desk.publish("one", "two")
    fetch = lab.Fetch(10, "jobs", 1)
    batch = lab.Batch(10, (lab.Delivery(1, 1, "", "one"),))
    assert desk.get(fetch) == desk.get(fetch) == [batch]
    desk.ask(lab.Fetch, "mail", 1, client="c2")
    desk.publish("three")
    assert desk.get(fetch) == [batch], "though others have asked since"
    assert desk.node.status()["in hand"] == 1
    ack = lab.Ack(11, 1, 1)
    assert desk.get(ack) == desk.get(ack) == [lab.Settled(11, True)], "it counted, and still does"
    assert desk.get(fetch) == [], "a late copy gets nobody a second message"
    assert desk.node.status() == {"waiting": 2, "in hand": 0, "published": 3}


@graded(points=3, title="Whatever comes", requirement="against a version that is dumb on purpose")
def test_whatever_is_asked_the_queue_is_what_a_plain_list_would_be(
    lab: QueueLab, sweep: Sweep
) -> None:
    for seed in sweep(15):
        random = Random(f"topics/{seed}")
        desk = Desk(lab, lab.Broker("n1", ()))
        line: dict[str, list[int]] = {"jobs": [], "mail": []}
        hands: list[int] = []
        for number in range(60):
            topic, drawn = random.choice(("jobs", "mail")), random.random()
            if drawn < 0.4:
                line[topic] += desk.publish(f"text {number}", topic=topic)
            elif drawn < 0.7:
                most = random.randrange(4)
                taken = [each[0] for each in desk.fetch(f"c{random.randrange(3)}", most, topic)]
                assert taken == line[topic][:most]
                del line[topic][:most]
                hands += taken
            elif hands:
                assert desk.ack(hands.pop(random.randrange(len(hands))))
        waiting = len(line["jobs"]) + len(line["mail"])
        found = desk.node.status()
        assert (found["waiting"], found["in hand"]) == (waiting, len(hands))
