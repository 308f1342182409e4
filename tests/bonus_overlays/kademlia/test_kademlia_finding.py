"""Graded suite of the lab ``kademlia``, part finding: questions, answers, joining, refreshing."""

from typing import Any

from common.contract.events import Fire
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, crash, linked, names
from common.sim import LinkModel
from common.values.history import Failed, Ok
from common.values.units import MS, SECOND
from tests.bonus_overlays.kademlia.alone import Alone
from tests.bonus_overlays.kademlia.keys import BITS, common_prefix, key, keys_in, random_keys
from tests.bonus_overlays.kademlia.lab import KademliaLab
from tests.bonus_overlays.kademlia.network import closest_nodes, found_by, must_nearly_all, network

LAB = "kademlia"
FAR = 1 << (BITS - 1)
"""Keys from here on are in bucket 0 of the node under test."""
HOUR = 3600 * SECOND


def contact(lab: KademliaLab, number: int) -> Any:
    """The contact with this key."""
    return lab.Contact(key(number), f"n{number % 1000}")


def alone(lab: KademliaLab, **options: Any) -> Alone:
    """A node without seeds, with two contacts to a bucket."""
    return Alone(lab, lab.Finder, k=2, request_timeout=100 * MS, **options)


def known_to(node: Alone, target: int = 0) -> list[str]:
    """The contacts that the node names as closest to a key; nobody if it has none."""
    lab = node.lab
    [answer] = node.hear("asker", lab.FindNode(1, key(0), key(target)))
    return keys_in(answer.message.contacts)


def of(kind: type, sent: list[Any]) -> list[Any]:
    """Those of these messages that are of one class."""
    return [each for each in sent if isinstance(each.message, kind)]


@graded(points=1, title="Two questions", requirement="Kademlia 2.3: PING, FIND_NODE")
def test_a_node_answers_under_the_number_of_the_question_and_with_its_own_key(
    lab: KademliaLab,
) -> None:
    node = alone(lab)
    [pong] = node.hear("n1", lab.Ping(7, key(1)))
    assert (pong.to, pong.message) == ("n1", lab.Pong(7, key(0)))
    node.meet(contact(lab, 9), contact(lab, FAR), contact(lab, FAR + 1))
    [nodes] = node.hear("n9", lab.FindNode(8, key(9), key(8)))
    assert (nodes.to, nodes.message.number, nodes.message.key) == ("n9", 8, key(0))
    assert keys_in(nodes.message.contacts) == [key(1), key(FAR)], "the 2 closest but the asker"


@graded(points=1, title="Who speaks is there", requirement="Kademlia 2.2: any message updates")
def test_who_asks_becomes_a_contact_and_who_is_only_named_does_not(lab: KademliaLab) -> None:
    node = alone(lab)
    node.meet(contact(lab, 1))
    node.hear("n2", lab.FindNode(1, key(2), key(50)))
    assert known_to(node) == [key(1), key(2)]
    [asked, _] = node.ask(lab.Lookup(key(50)))
    named = (contact(lab, 50), contact(lab, 51))
    sent = node.hear(asked.to, lab.Nodes(asked.message.number, key(2), named))
    assert "n50" in [each.to for each in sent], "who is named is asked"
    assert known_to(node, 50) == [key(2), key(1)], "to be named proves nothing"


@graded(
    points=2, title="Full buckets", requirement="Kademlia 4.1: no probes; who fails is replaced"
)
def test_a_full_bucket_lets_a_newcomer_in_when_an_old_contact_does_not_answer(
    lab: KademliaLab,
) -> None:
    node = alone(lab)
    old, other, new = (contact(lab, FAR + number) for number in range(3))
    assert node.meet(old, other, new) == [], "nobody is pinged for it"
    assert known_to(node, FAR) == [old.key, other.key], "the old ones have their places"
    asked = {each.to: each.message.number for each in node.ask(lab.Lookup(old.key))}
    node.hear(other.node, lab.Nodes(asked[other.node], other.key, ()))
    assert known_to(node, FAR) == [old.key, other.key]
    node.wait(200 * MS)
    assert known_to(node, FAR) == [other.key, new.key], "one has not answered: a newcomer gets in"


@graded(points=1, title="Its own pause", requirement="a node that was paused judges nobody")
def test_a_node_that_was_paused_itself_takes_nobody_for_gone(lab: KademliaLab) -> None:
    node = alone(lab)
    node.meet(contact(lab, 5), contact(lab, 3))
    asked = {each.to: each.message.number for each in node.ask(lab.Lookup(key(4)))}
    node.pause(10 * SECOND)
    assert node.wait(99 * MS) == []
    assert known_to(node, 4) == [key(5), key(3)], "its timer came late: it was away, not they"
    node.hear("n5", lab.Nodes(asked["n5"], key(5), ()))
    assert node.ended == [], "an answer that has waited in its socket counts"
    node.wait(2 * MS)
    assert node.ended == [Ok(("n5",))], "and who does not answer now is gone"


@graded(points=1, title="A fast clock", requirement="a timer may fire a microsecond early")
def test_a_request_is_late_when_its_timer_says_so(lab: KademliaLab) -> None:
    node = alone(lab, alpha=1)
    node.meet(contact(lab, 5), contact(lab, 3))
    node.ask(lab.Lookup(key(3)))
    number, (due, timer) = max(node.timers.items())
    sent = node.step(Fire(due - 1, number, timer))
    assert [each.to for each in sent] == ["n5"], "else it would be waited for again and again"


@graded(points=1, title="One lookup after the other", requirement="each request has its own time")
def test_each_request_is_late_after_its_own_time(lab: KademliaLab) -> None:
    node = alone(lab, alpha=1)
    near, far = contact(lab, 5), contact(lab, FAR)
    node.meet(near, far)
    node.ask(lab.Lookup(key(5)))
    node.wait(60 * MS)
    node.ask(lab.Lookup(far.key))
    assert [each.to for each in node.wait(45 * MS)] == [far.node], "n5 was asked 105 ms ago"
    assert [each.to for each in node.wait(50 * MS)] == [], "and the other one 95 ms ago"
    assert [each.to for each in node.wait(10 * MS)] == [near.node]


@graded(points=2, title="Forged answers", requirement="Kademlia 2.3: the RPC ID; who was asked")
def test_an_answer_counts_only_from_who_was_asked_and_under_the_key_that_was_asked(
    lab: KademliaLab,
) -> None:
    node = alone(lab)
    node.meet(contact(lab, 5), contact(lab, 3))
    asked = {each.to: each.message for each in node.ask(lab.Lookup(key(4)))}
    assert set(asked) == {"n5", "n3"}
    liars = (contact(lab, 6), contact(lab, 7))
    number = asked["n5"].number
    assert node.hear("n7", lab.Nodes(number, key(5), liars)) == [], "n7 was not asked"
    assert node.hear("n5", lab.Nodes(number + 1, key(5), liars)) == [], "nobody asked that"
    assert node.hear("n5", lab.Nodes(number, "no key", liars)) == [], "that is no key"
    assert node.ended == [], "and so no answer"
    assert node.hear("n5", lab.Nodes(number, key(6), liars)) == [], "n5 was asked as another one"
    assert node.hear("n5", lab.Nodes(number, key(5), liars)) == [], "that request is over"
    node.hear("n3", lab.Nodes(asked["n3"].number, key(3), ()))
    assert node.ended == [Ok(("n3",))], "nobody is at the key 5"
    assert key(6) not in known_to(node, 6), "and n5 is not believed under its new key"
    other = alone(lab)
    other.meet(contact(lab, 5))
    [sent] = other.ask(lab.Lookup(key(4)))
    other.hear("n5", lab.Nodes(sent.message.number, key(6), ()))
    other.wait(SECOND)
    assert known_to(other, 4) == [key(5)], "it has missed one request, and not two"


@graded(points=1, title="Another answer", requirement="a lookup always ends")
def test_an_answer_of_another_kind_says_that_its_sender_is_there(lab: KademliaLab) -> None:
    node = alone(lab)
    node.meet(contact(lab, 5), contact(lab, 3))
    asked = {each.to: each.message.number for each in node.ask(lab.Lookup(key(4)))}
    assert node.hear("n5", lab.Pong(asked["n5"], key(5))) == [], "it is no seed"
    node.hear("n3", lab.Nodes(asked["n3"], key(3), ()))
    assert node.ended == [Ok(("n5", "n3"))], "a Pong names nobody, and yet it is an answer"


@graded(points=1, title="Once", requirement="an answer ends one request, and the last one a lookup")
def test_an_answer_counts_once_and_after_the_end_of_its_lookup_for_nothing(
    lab: KademliaLab,
) -> None:
    node = alone(lab, alpha=3)
    node.meet(contact(lab, 50), contact(lab, 30))
    asked = {each.to: each.message.number for each in node.ask(lab.Lookup(key(0)))}
    assert node.hear("n30", lab.Nodes(asked["n30"], "no key", ())) == []
    sent = node.hear("n30", lab.Nodes(asked["n30"], key(30), (contact(lab, 2),)))
    assert [each.to for each in sent] == ["n2"], "a word that is no key has ended nothing"
    sent += node.hear("n30", lab.Nodes(asked["n30"], key(30), (contact(lab, 1),)))
    assert [each.to for each in sent] == ["n2"], "that request has had its answer"
    node.hear("n2", lab.Nodes(sent[0].message.number, key(2), ()))
    assert node.ended == [Ok(("n2", "n30"))], "the two closest have answered; n50 has not"
    node.hear("n50", lab.Nodes(asked["n50"], key(50), ()))
    assert len(node.ended) == 1


@graded(points=1, title="In time", requirement="Kademlia 2.3: fail to respond quickly")
def test_a_lookup_goes_on_without_those_that_do_not_answer_in_time(lab: KademliaLab) -> None:
    node = alone(lab, alpha=1)
    node.meet(contact(lab, 5), contact(lab, 3))
    [first] = node.ask(lab.Lookup(key(3)))
    assert first.to == "n3"
    assert node.wait(99 * MS) == []
    [second] = node.wait(2 * MS)
    assert second.to == "n5"
    node.hear("n3", lab.Nodes(first.message.number, key(3), (contact(lab, 2),)))
    assert node.ended == [], "too late, and n5 has not answered"
    node.hear("n5", lab.Nodes(second.message.number, key(5), (contact(lab, 0),)))
    assert node.ended == [Ok(("n5",))], "its own key is nobody to ask"
    assert node.wait(SECOND) == [], "what was answered is not late"
    assert node.timers.keys() == {min(node.timers)}, "and nothing is waited for"


@graded(points=1, title="What is no key", requirement="what strangers say is checked")
def test_what_is_no_key_is_neither_believed_nor_answered_nor_looked_up(lab: KademliaLab) -> None:
    node = alone(lab)
    for nonsense in ("", "12", "x" * 40, key(FAR) + "0", "-" + key(5)[1:], key(FAR + 10).upper()):
        assert node.hear("n8", lab.FindNode(1, key(8), nonsense)) == []
        node.hear("n9", lab.Ping(1, nonsense))
        node.ask(lab.Lookup(nonsense))
        assert isinstance(node.ended[-1], Failed), nonsense
    assert known_to(node) == []
    node.meet(contact(lab, 5))
    [asked] = node.ask(lab.Lookup(key(4)))
    named = (lab.Contact("none", "n1"), lab.Contact(key(0), "n2"))
    assert node.hear("n5", lab.Nodes(asked.message.number, key(5), named)) == []
    assert node.ended[-1] == Ok(("n5",))


@graded(points=1, title="A key in each bucket", requirement="Kademlia 2.3: random ID in the range")
def test_of_each_bucket_with_contacts_a_random_key_is_looked_up(
    lab: KademliaLab, sweep: Sweep
) -> None:
    for seed in sweep(3):
        [own] = random_keys(seed, 1)
        node = Alone(lab, lab.Finder, key=own, refresh_every=HOUR)
        buckets = [0, 1, 2, 3, 50, 51, 100, BITS - 2, BITS - 1]
        for index in buckets:
            node.meet(lab.Contact(key(int(own, 16) ^ 1 << (BITS - 1 - index)), f"n{index}"))
        targets = {each.message.target for each in of(lab.FindNode, node.wait(HOUR + 9 * SECOND))}
        assert all(len(target) == 40 for target in targets)
        assert sorted(common_prefix(own, each) for each in targets - {own}) == buckets
        far = {target for target in targets if common_prefix(own, target) < 100}
        flipped = {key(int(own, 16) ^ 1 << (BITS - 1 - index)) for index in buckets}
        assert not far & flipped, "all bits after the first one that differs are drawn by chance"
        assert len({target[-9:] for target in far}) == len(far)


@graded(points=1, title="Looking around", requirement="Kademlia 2.3: refresh")
def test_buckets_that_lay_still_are_looked_into_and_no_others(lab: KademliaLab) -> None:
    node = alone(lab, refresh_every=1000 * SECOND)
    near, middle, far = contact(lab, 1), contact(lab, 1 << 100), contact(lab, FAR)
    node.meet(near, middle, far)
    node.wait(600 * SECOND)
    node.ask(lab.Lookup(key((1 << 100) + 5)))
    node.wait(399 * SECOND)
    looked = looked_up(lab, node.wait(2 * SECOND))
    assert looked == {0, BITS - 1, BITS}, "all but the one that somebody has just looked into"
    node.meet(near, middle, far)
    looked = looked_up(lab, node.wait(1000 * SECOND))
    assert looked == {0, BITS - 101, BITS - 1, BITS}, "and again"


def looked_up(lab: KademliaLab, sent: list[Any]) -> set[int]:
    """How many of the first bits the keys that are asked for have in common with the own key."""
    targets = {each.message.target for each in of(lab.FindNode, sent)}
    return {BITS if each == key(0) else common_prefix(key(0), each) for each in targets}


@graded(points=2, title="Joining", requirement="Kademlia 2.3: look up the own key, then refresh")
def test_a_node_joins_by_a_lookup_of_its_own_key_and_then_looks_around(lab: KademliaLab) -> None:
    node = Alone(lab, lab.Finder, k=2, seeds=("n1", "n2"))
    assert [each.to for each in node.at_start] == ["n1", "n2"]
    ping = of(lab.Ping, node.at_start)[0].message
    [asked] = node.hear("n1", lab.Pong(ping.number, key(FAR)))
    assert (asked.to, asked.message.target) == ("n1", key(0))
    sent = node.hear("n1", lab.Nodes(asked.message.number, key(FAR), (contact(lab, 3),)))
    [asked] = of(lab.FindNode, sent)
    assert (asked.to, asked.message.target) == ("n3", key(0))
    sent = node.hear("n3", lab.Nodes(asked.message.number, key(3), ()))
    looked = {common_prefix(key(0), each.message.target) for each in of(lab.FindNode, sent)}
    assert looked == {0, BITS - 2}, "now it looks into the buckets"


@graded(points=1, title="Joining again", requirement="seeds keep the overlay in one piece")
def test_each_refresh_begins_at_the_seeds_once_more(lab: KademliaLab) -> None:
    node = Alone(lab, lab.Finder, seeds=("n1",), refresh_every=10 * SECOND)
    node.wait(9 * SECOND)
    [ping] = of(lab.Ping, node.wait(1 * SECOND))
    assert ping.to == "n1"
    [asked] = of(lab.FindNode, node.hear("n1", lab.Pong(ping.message.number, key(5))))
    assert (asked.to, asked.message.target) == ("n1", key(0))
    close = contact(lab, 3)
    node.meet(close)
    node.hear("n1", lab.Nodes(asked.message.number, key(5), (close,)))
    node.wait(9 * SECOND)
    node.meet(close, lab.Contact(key(5), "n1"))
    sent = node.wait(1 * SECOND)
    assert [each.to for each in of(lab.Ping, sent)] == ["n1"], "also where contacts are known"
    assert {"n1", "n3"} == {each.to for each in of(lab.FindNode, sent)}


@graded(points=3, title="Everybody is found", requirement="Kademlia 3: lookups find the closest")
def test_lookups_find_the_k_closest_nodes_wherever_they_begin(
    lab: KademliaLab, sweep: Sweep
) -> None:
    right: list[bool] = []
    for seed in sweep(2):
        simulation = network(lab, lab.Finder, seed, 24)
        for place, target in enumerate(random_keys(seed, 4), 1):
            asker = f"n{5 * place}"
            others = [node for node in simulation.members if node != asker]
            expected = closest_nodes(lab, others, target, 4)
            right.append(list(found_by(lab, simulation, asker, target)) == expected)
    must_nearly_all(right, "the k closest were found")


@graded(points=2, title="After failures", requirement="Kademlia 2.2: the dead are replaced")
def test_lookups_find_the_living_after_a_third_has_died_and_packets_are_lost(
    lab: KademliaLab, sweep: Sweep
) -> None:
    rough = LinkModel(latency=(1 * MS, 40 * MS), loss=0.02, duplicate=0.1)
    hits = tries = 0
    for seed in sweep(1):
        simulation = network(lab, lab.Finder, seed, 24, link=rough)
        crash(simulation, *names(24)[2::3])
        simulation.run(simulation.now + 7 * SECOND)
        simulation.inject(linked(simulation.now, LinkModel(latency=(1 * MS, 40 * MS))))
        simulation.run(simulation.now + 6 * SECOND)  # two refreshes without losses
        alive = [node for place, node in enumerate(names(24)) if place % 3 != 2]
        for place, target in enumerate(random_keys(seed, 5)):
            asker = alive[3 * place]
            others = [node for node in alive if node != asker]
            found = found_by(lab, simulation, asker, target)
            assert set(found) <= set(others), f"{found}: the dead do not answer"
            hits += len(set(found) & set(closest_nodes(lab, others, target, 4)))
            tries += 4
    assert hits >= 0.9 * tries, f"of the {tries} closest that live, {hits} were found"


@graded(points=1, title="A logarithm", requirement="Kademlia 3: O(log n) contacts and steps")
def test_a_lookup_asks_few_of_many_nodes(lab: KademliaLab, sweep: Sweep) -> None:
    """By the formula it is k, and log2(n / k) on the way there: some eight of 48."""
    for seed in sweep(1):
        wire = Wire()
        simulation = network(lab, lab.Finder, seed, 48, observers=[wire])
        targets = random_keys(seed, 6)
        wire.forget()
        for place, target in enumerate(targets):
            found_by(lab, simulation, f"n{1 + place}", target)
        asked = len(wire.of(lab.FindNode)) / len(targets)
        assert asked <= 14, f"{asked} of 48 nodes were asked on average"
