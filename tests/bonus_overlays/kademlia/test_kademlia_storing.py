"""Graded suite of the lab ``kademlia``, part storing: one holder, its tokens, times and bounds."""

from typing import Any

from common.contract import NodeId
from common.contract.events import Receive
from common.contract.signing import VOID
from common.course.suites.grading import graded
from common.values.units import SECOND
from tests.bonus_overlays.kademlia.holders import DATA, HOUR, alone, kept, store, token
from tests.bonus_overlays.kademlia.keys import key
from tests.bonus_overlays.kademlia.lab import KademliaLab
from tests.bonus_overlays.kademlia.test_kademlia_items import mutable

LAB = "kademlia"


@graded(points=2, title="A token first", requirement="BEP 5: tokens; BEP 44: put needs one")
def test_only_who_has_a_token_of_late_for_its_own_address_may_store(lab: KademliaLab) -> None:
    node, item = alone(lab), lab.Immutable(DATA)

    def stored(with_token: str, sender: NodeId) -> bool:
        [answer] = node.hear(sender, lab.Store(2, key(9), item, HOUR, None, with_token))
        if isinstance(answer.message, lab.Refused):
            assert answer.message.why.code == 203
        return isinstance(answer.message, lab.Pong)

    assert not stored("", "n9")
    assert not stored(token(node, "n8"), "n9"), "it was given to somebody else"
    assert kept(node, lab.key_of(DATA)) is None
    old = token(node)
    assert stored(old, "n9")
    assert stored(old, "n9"), "it may be used again"
    node.wait(299 * SECOND)
    fresh = token(node)
    node.wait(2 * SECOND)
    assert stored(fresh, "n9"), "five minutes at least"
    node.wait(300 * SECOND)
    assert not stored(old, "n9"), "ten minutes at most"
    assert stored(token(node), "n9")


@graded(points=2, title="What is not kept", requirement="BEP 44: refused with its error")
def test_what_is_wrong_is_refused_and_changes_nothing(lab: KademliaLab) -> None:
    node = alone(lab)
    target = lab.key_of_owned("n1", b"")
    assert store(node, lab.Immutable(b"a" * 4_000_000)) == 205
    assert store(node, mutable(lab, 5, b"five")) is None
    assert store(node, mutable(lab, 9, signature=VOID)) == 206
    assert store(node, mutable(lab, 4)) == 302
    assert store(node, mutable(lab, 6), cas=4) == 301
    assert kept(node, target) == mutable(lab, 5, b"five")
    assert store(node, mutable(lab, 6, b"six"), cas=5) is None
    assert kept(node, target) == mutable(lab, 6, b"six")
    assert kept(node, lab.key_of(b"a" * 4_000_000)) is None


@graded(points=2, title="Expiry", requirement="Kademlia 2.3: expires after its publication")
def test_a_value_is_kept_for_the_time_that_is_left_and_no_longer(lab: KademliaLab) -> None:
    item, target = lab.Immutable(DATA), lab.key_of(DATA)
    node = alone(lab, expire_after=10 * HOUR)
    store(node, item, left=2 * HOUR)
    node.wait(HOUR)
    store(node, item, left=HOUR // 2)
    assert kept(node, target) == item
    node.wait(HOUR - SECOND)
    assert kept(node, target) == item, "who hands it on later does not shorten its life"
    node.wait(2 * SECOND)
    assert kept(node, target) is None, "its time is over"
    store(node, item, left=1000 * HOUR)
    node.wait(10 * HOUR - SECOND)
    assert kept(node, target) == item
    node.wait(2 * SECOND)
    assert kept(node, target) is None, "nobody may have it kept for ever"
    store(node, item, left=HOUR)
    assert kept(node, target) == item, "who publishes it again has it kept again"
    node.wait(HOUR)
    assert kept(node, target) is None, "not any more when its time is just over"
    longer = alone(lab, expire_after=10 * HOUR)
    store(longer, item, left=2 * HOUR)
    longer.wait(HOUR)
    store(longer, item, left=5 * HOUR)
    longer.wait(4 * HOUR)
    assert kept(longer, target) == item, "its publisher has published it again"


@graded(points=2, title="Handing on", requirement="Kademlia 2.5: republish hourly, one does it")
def test_a_holder_hands_a_value_on_with_the_time_that_is_left_unless_another_did(
    lab: KademliaLab,
) -> None:
    node = alone(lab, republish_every=HOUR, expire_after=24 * HOUR)
    item, other = lab.Immutable(DATA), lab.Contact(key(5), "n5")
    store(node, item, left=24 * HOUR)
    target = lab.key_of(DATA)
    for _ in range(3):
        node.wait(HOUR - SECOND)
        store(node, item, left=2 * HOUR)
        node.meet(other)
        quiet = [each for each in node.wait(SECOND // 2) if isinstance(each.message, lab.FindItem)]
        assert quiet == [], "somebody else handed it on within the hour"
    node.meet(other)
    node.hear("n9", lab.Ping(1, key(9)))
    asked: list[Any] = []
    began = node.now
    while not asked and node.now < began + 2 * HOUR:
        asked = [each for each in node.wait(60 * SECOND) if each.to == "n5"]
        asked = [each for each in asked if isinstance(each.message, lab.FindItem)]
        if not asked:
            node.meet(other)
    assert asked, "nobody else did for an hour and a half"
    assert asked[0].at >= began + HOUR - 2 * SECOND
    assert asked[0].message.target == target
    assert kept(node, target) == item, "to hand it on is not to give it away"


@graded(points=1, title="A full node", requirement="what strangers store is bounded")
def test_a_full_node_refuses_one_more_value_and_keeps_what_it_has(lab: KademliaLab) -> None:
    node, most = alone(lab), 10_000
    with_token = token(node)

    def stored(data: bytes) -> Any:
        request = lab.Store(2, "none", lab.Immutable(data), 2 * HOUR, None, with_token)
        [*_, answer] = node.node.step(Receive(0, "n9", request))
        return answer.message.why.code if isinstance(answer.message, lab.Refused) else None

    refused = [number for number in range(most) if stored(b"%d" % number) is not None]
    assert not refused, f"there is room for {most}"
    assert stored(b"one more") == 202
    assert stored(b"0") is None, "what is here already takes no room"
    assert stored(b"x" * 1_001) == 205, "what is wrong in itself is told first"
    assert kept(node, lab.key_of(b"one more")) is None


@graded(points=1, title="Who speaks of items is there", requirement="Kademlia 2.2: any message")
def test_who_asks_for_an_item_or_stores_one_becomes_a_contact(lab: KademliaLab) -> None:
    node, contacts = alone(lab), [lab.Contact(key(number), f"n{number}") for number in (1, 2, 4)]
    asker, fetcher, storer = contacts
    node.hear(asker.node, lab.FindItem(1, asker.key, key(50)))
    node.hear(fetcher.node, lab.FetchItem(1, fetcher.key, key(50)))
    item = lab.Immutable(DATA)
    [pong] = node.hear(
        storer.node, lab.Store(1, storer.key, item, HOUR, None, token(node, storer.node))
    )
    assert pong.message == lab.Pong(1, key(0)), "it answers with its own key"
    for target, closest in ((key(1), (asker, fetcher)), (key(4), (storer, asker))):
        [answer] = node.hear("n1", lab.FindItem(2, "none", target))
        assert answer.message.contacts == closest, "they are known, at their addresses"
    [answer] = node.hear(asker.node, lab.FindItem(3, asker.key, key(1)))
    assert asker not in answer.message.contacts, "who asks knows itself"


@graded(points=1, title="Each its own time", requirement="Kademlia 2.5: expiry from publication")
def test_a_value_is_looked_after_once_and_a_new_version_has_a_time_of_its_own(
    lab: KademliaLab,
) -> None:
    node = alone(lab)
    assert store(node, mutable(lab, 1), left=2 * HOUR) is None
    timers = len(node.timers)
    assert store(node, mutable(lab, 2), left=HOUR // 2) is None
    assert len(node.timers) == timers, "the old reminder is cancelled"
    node.wait(HOUR // 2 + SECOND)
    assert kept(node, lab.key_of_item(mutable(lab, 1))) is None, "the old one's time is not added"


@graded(points=1, title="Not all at once", requirement="Kademlia 2.5: one of k holders does it")
def test_each_value_is_looked_after_at_a_time_by_chance_and_no_later_than_its_end(
    lab: KademliaLab,
) -> None:
    node = alone(lab, republish_every=HOUR, expire_after=24 * HOUR)

    def after(data: bytes, left: int) -> int:
        before = set(node.timers)
        assert store(node, lab.Immutable(data), left=left) is None
        [reminder] = set(node.timers) - before
        return node.timers[reminder][0] - node.now

    waits = [after(b"%d" % number, 20 * HOUR) for number in range(9)]
    assert all(HOUR <= wait <= HOUR + HOUR // 2 for wait in waits), waits
    assert len(set(waits)) > 1, "if all holders waited for just as long, all would hand it on"
    assert after(b"short", HOUR // 4) == HOUR // 4, "then it is over, and takes no room"
    assert after(b"none", -5) == 0, "a stranger may say that less than nothing is left"
    assert kept(node, lab.key_of(b"none")) is None


@graded(points=1, title="Kept while handed on", requirement="Kademlia 2.5: republishing")
def test_a_value_is_kept_while_its_closest_nodes_are_looked_for(lab: KademliaLab) -> None:
    node, item = alone(lab), lab.Immutable(DATA)
    assert store(node, item, left=20 * HOUR) is None
    asked: list[Any] = []
    while not asked:
        node.meet(lab.Contact(key(5), "n5"))
        asked = [each for each in node.wait(60 * SECOND) if isinstance(each.message, lab.FindItem)]
        assert node.now < 2 * HOUR, "it is handed on within an hour and a half"
    assert kept(node, lab.key_of(DATA)) == item


@graded(points=1, title="The value alone", requirement="Kademlia 2.3: FIND_VALUE returns the value")
def test_who_fetches_is_given_an_immutable_value_alone_and_else_the_way_to_it(
    lab: KademliaLab,
) -> None:
    node, item, version = alone(lab), lab.Immutable(DATA), mutable(lab, 1)
    known = lab.Contact(key(5), "n5")
    node.meet(known)
    for each in (item, version):
        assert store(node, each) is None

    def fetched(target: str) -> Any:
        [answer] = node.hear("n9", lab.FetchItem(3, key(9), target))
        assert (answer.message.number, answer.message.key) == (3, key(0))
        return answer.message

    assert (fetched(lab.key_of(DATA)).contacts, fetched(lab.key_of(DATA)).items) == ((), (item,))
    newest = fetched(lab.key_of_item(version))
    assert newest.items == (version,)
    assert newest.contacts == (known,), "somebody closer may have a newer one"
    assert fetched(key(7)).items == ()
    assert fetched(key(7)).contacts == (known,)
    [answer] = node.hear("n9", lab.FindItem(4, key(9), lab.key_of(DATA)))
    assert answer.message.contacts == (known,), "who wants to store has to find all holders"
    assert node.hear("n9", lab.FetchItem(5, key(9), "no key")) == []
