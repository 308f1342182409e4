"""Graded suite of the lab ``kademlia``, part buckets: the metric, and whom a node remembers."""

from collections import Counter
from random import Random
from typing import Any

from common.course.suites.grading import Sweep, graded
from tests.bonus_overlays.kademlia.keys import (
    BITS,
    common_prefix,
    far,
    key,
    keys_in,
    nearest,
    random_keys,
)
from tests.bonus_overlays.kademlia.lab import KademliaLab

LAB = "kademlia"


def contacts(lab: KademliaLab, count: int) -> list[Any]:
    """So many contacts, numbered from 1."""
    return [lab.Contact(key(number), f"n{number}") for number in range(1, count + 1)]


def full_bucket(lab: KademliaLab, k: int = 4) -> tuple[Any, list[Any], list[Any]]:
    """A bucket that has just filled; those in it; and as many others."""
    known = contacts(lab, 2 * k)
    bucket = lab.Bucket(k)
    for each in known[:k]:
        bucket.seen(each)
    assert kept(bucket) == known[:k], "there is room for all of them"
    return bucket, known[:k], known[k:]


def kept(bucket: Any) -> list[Any]:
    """The contacts of a bucket, in order."""
    return list(bucket.contacts.values())


@graded(points=1, title="The metric", requirement="Kademlia 2.1: identity, symmetry, triangle")
def test_distance_is_a_metric_and_each_distance_is_taken_once(
    lab: KademliaLab, sweep: Sweep
) -> None:
    for seed in sweep(10):
        some = random_keys(seed, 12)
        for a, b, c in zip(some, some[1:], some[2:], strict=False):
            assert lab.distance(a, a) == 0, f"{a} is at no distance from itself"
            assert lab.distance(a, b) == lab.distance(b, a) > 0
            assert lab.distance(a, c) <= lab.distance(a, b) + lab.distance(b, c)
        distances = {lab.distance(some[0], other) for other in some}
        assert len(distances) == len(some), "two keys are equally far from a third one"


@graded(points=1, title="Exclusive or", requirement="Kademlia 2.1: d(x, y) = x xor y")
def test_distance_is_the_exclusive_or_as_a_number(lab: KademliaLab, sweep: Sweep) -> None:
    assert lab.distance(key(0b1010), key(0b0110)) == 0b1100
    assert lab.distance(key(0), key(2**BITS - 1)) == 2**BITS - 1
    for seed in sweep(10):
        a, b = random_keys(seed, 2)
        assert lab.distance(a, b) == far(a, b), f"{a} and {b}"


@graded(
    points=2, title="Buckets by prefix", requirement="Kademlia 2.2, 2.4: bucket = common prefix"
)
def test_the_bucket_is_the_number_of_first_bits_in_common(lab: KademliaLab, sweep: Sweep) -> None:
    own = key(0)
    assert lab.bucket_index(own, key(2 ** (BITS - 1))) == 0, "the other half of all keys"
    assert lab.bucket_index(own, key(2**BITS - 1)) == 0, "and all of it"
    assert lab.bucket_index(own, key(2 ** (BITS - 1) - 1)) == 1
    assert lab.bucket_index(own, key(1)) == BITS - 1, "only the last bit differs"
    for seed in sweep(10):
        some = random_keys(seed, 10)
        for other in some[1:]:
            index = lab.bucket_index(some[0], other)
            assert index == common_prefix(some[0], other), f"of {some[0]} and {other}"
    for index in range(BITS):
        neighbour = key(int(some[0], 16) ^ (1 << (BITS - 1 - index)))
        assert lab.bucket_index(some[0], neighbour) == index


@graded(points=1, title="Far away few, near all", requirement="Kademlia 2.2: k contacts a bucket")
def test_a_table_keeps_few_of_the_many_far_away_and_all_that_are_near(
    lab: KademliaLab, sweep: Sweep
) -> None:
    """One bucket for all would keep 4 contacts here."""
    for seed in sweep(3):
        own, *others = random_keys(seed, 300)
        near = [key(int(own, 16) ^ number) for number in (1, 2, 4, 8, 16)]
        table = lab.RoutingTable(own, 4)
        for place, other in enumerate([*others, *near]):
            table.seen(lab.Contact(other, f"n{place}"))
        there = keys_in(table.contacts())
        assert set(near) <= set(there), "those that are near share no bucket with those far away"
        by_prefix = Counter(common_prefix(own, other) for other in there)
        seen = Counter(common_prefix(own, other) for other in (*others, *near))
        assert by_prefix == {prefix: min(count, 4) for prefix, count in seen.items()}


@graded(points=1, title="The latest last", requirement="Kademlia 2.2: least recently seen first")
def test_a_contact_that_is_heard_again_becomes_the_latest(lab: KademliaLab) -> None:
    bucket = lab.Bucket(4)
    a, b, c = contacts(lab, 3)
    for each in (a, b, c, a, b):
        bucket.seen(each)
    assert kept(bucket) == [c, a, b], "the one not heard for longest is first"
    assert not bucket.waiting, "who has a place waits for none"


@graded(points=2, title="Old is better", requirement="Kademlia 2.2: live nodes are never removed")
def test_a_full_bucket_keeps_old_contacts_that_answer(lab: KademliaLab) -> None:
    bucket, old, new = full_bucket(lab)
    for newcomer in new:
        bucket.seen(newcomer)
        assert kept(bucket) == old, f"{newcomer} has pushed somebody out, or is kept beyond k"
        bucket.seen(old[0])
        old = [*old[1:], old[0]]
        assert kept(bucket) == old, "an old one that is heard is the latest now"


@graded(points=1, title="Few wait", requirement="Kademlia 4.1: replacement cache, bounded here")
def test_of_many_newcomers_the_latest_eight_wait(lab: KademliaLab) -> None:
    bucket, old, _ = full_bucket(lab)
    many = contacts(lab, 30)[8:]
    for newcomer in many:
        bucket.seen(newcomer)
        assert len(bucket.waiting) <= 8, "strangers send as many messages as they like"
    for gone in old:
        bucket.failed(gone)
    assert kept(bucket) == many[:-5:-1], "the latest come first"
    for _ in range(2):
        for each in many[:-5:-1]:
            bucket.failed(each)
    assert kept(bucket) == many[-5:-9:-1], "and four more, so eight have waited"


@graded(points=2, title="The dead make room", requirement="Kademlia 2.2, 4.1: replacement cache")
def test_a_contact_that_does_not_answer_makes_room_for_the_latest_that_waits(
    lab: KademliaLab,
) -> None:
    bucket, old, new = full_bucket(lab)
    first, second, third = new[:3]
    for newcomer in (first, second, third, second):
        bucket.seen(newcomer)
    bucket.failed(old[0])
    assert kept(bucket) == [*old[1:], second], "the one that was heard last has the place"
    bucket.failed(old[2])
    assert kept(bucket) == [old[1], old[3], second, third], "then the one heard before it"
    bucket.failed(old[2])
    assert kept(bucket) == [old[1], old[3], second, third], "who is gone has no second place"
    bucket.failed(second)
    assert kept(bucket) == [old[1], old[3], third, first], "each waits once"
    bucket.failed(third)
    assert kept(bucket) == [old[1], old[3], third, first], "nobody waits: one miss is forgiven"


@graded(points=1, title="One lost packet", requirement="Kademlia 4.1: flagged, not removed")
def test_where_nobody_waits_a_contact_is_dropped_after_two_misses_in_a_row(
    lab: KademliaLab,
) -> None:
    bucket = lab.Bucket(4)
    a, b = contacts(lab, 2)
    bucket.seen(a)
    bucket.seen(b)
    bucket.failed(a)
    assert a in kept(bucket), "one packet may be lost"
    bucket.seen(a)
    bucket.failed(a)
    assert a in kept(bucket), "it has answered in between"
    bucket.failed(a)
    assert kept(bucket) == [b], "two in a row"
    bucket.seen(a)
    bucket.failed(a)
    assert kept(bucket) == [b, a], "who comes back begins with nothing missed"


@graded(
    points=1, title="A key with two addresses", requirement="an old contact that answers is kept"
)
def test_a_known_key_at_another_address_waits_until_the_old_one_is_gone(lab: KademliaLab) -> None:
    bucket = lab.Bucket(4)
    real, other = contacts(lab, 2)
    forged = lab.Contact(real.key, "liar")
    bucket.seen(other)
    bucket.seen(real)
    bucket.seen(forged)
    assert kept(bucket) == [other, real], "there is room, and yet the old one is believed"
    bucket.failed(forged)
    assert kept(bucket) == [other, real], "who is not kept has no place to lose"
    bucket.failed(real)
    assert kept(bucket) == [other, forged], "the old one is gone: the node has moved"


@graded(points=1, title="The k closest", requirement="Kademlia 2.3: k closest of all buckets")
def test_a_table_names_the_k_closest_of_all_its_contacts(lab: KademliaLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        own, target, *others = random_keys(seed, 60)
        table = lab.RoutingTable(own, 5)
        for place, other in enumerate(others):
            table.seen(lab.Contact(other, f"n{place}"))
        table.seen(lab.Contact(own, "itself"))
        there = keys_in(table.contacts())
        assert own not in there, "a node is no contact of its own"
        assert keys_in(table.closest(target)) == nearest(target, there, 5)
        first = nearest(target, there, 1)[0]
        without = [each for each in there if each != first]
        assert keys_in(table.closest(target, but=first)) == nearest(target, without, 5)


@graded(points=1, title="The table tells its buckets", requirement="Kademlia 2.2")
def test_a_table_against_one_that_is_dumb(lab: KademliaLab, sweep: Sweep) -> None:
    """The dumb one keeps a plain list for each prefix."""
    for seed in sweep(5):
        random = Random(f"table/{seed}")
        own, *others = random_keys(seed, 40)
        table, dumb = lab.RoutingTable(own, 3), dict[int, list[Any]]()
        known = [lab.Contact(each, f"n{place}") for place, each in enumerate(others)]
        for _ in range(200):
            contact = random.choice(known)
            places = dumb.setdefault(common_prefix(own, contact.key), [])
            table.seen(contact)
            if contact in places or len(places) < 3:
                places[:] = [each for each in places if each != contact] + [contact]
            index = common_prefix(own, contact.key)
            assert kept(table.buckets[index]) == places, f"after {contact}"
        assert set(table.contacts()) == {each for places in dumb.values() for each in places}
