"""Graded suite of the lab ``kademlia``, part storing: holders, tokens, republishing, expiry."""

from functools import partial
from typing import Any

from common.contract import NodeId
from common.contract.events import Receive
from common.contract.signing import VOID
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, ask_ok, crash, names, trouble
from common.sim import LinkModel
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS, SECOND
from tests.bonus_overlays.kademlia.holders import (
    DATA,
    HOUR,
    SHORT,
    alone,
    holders,
    kept,
    store,
    table_of_values,
    token,
)
from tests.bonus_overlays.kademlia.keys import key
from tests.bonus_overlays.kademlia.lab import KademliaLab
from tests.bonus_overlays.kademlia.network import closest_nodes, must_nearly_all
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


@graded(points=1, title="The time that is left", requirement="Kademlia 2.5: not from handing on")
def test_the_time_of_a_value_is_not_renewed_by_handing_it_on(lab: KademliaLab) -> None:
    """Nobody publishes it again: the publisher is dead."""
    config = {**SHORT, "refresh_every": 15 * SECOND}
    simulation = table_of_values(lab, 1, 8, config=config)
    ask_ok(simulation, "n1", lab.Put(DATA))
    crash(simulation, "n1")
    target, began = lab.key_of(DATA), simulation.now
    simulation.run(began + 18 * SECOND)
    assert holders(lab, simulation, target, ["n1"])
    simulation.run(began + 25 * SECOND)
    assert holders(lab, simulation, target, ["n1"]) == set(), "it was handed on again and again"


@graded(points=1, title="The publisher's part", requirement="Kademlia 2.5: publish again")
def test_a_value_lives_as_long_as_its_publisher(lab: KademliaLab) -> None:
    config = {**SHORT, "refresh_every": 15 * SECOND}
    simulation = table_of_values(lab, 1, 8, config=config)
    ask_ok(simulation, "n1", lab.Put(DATA))
    simulation.run(simulation.now + 50 * SECOND)
    assert ask_ok(simulation, "n7", lab.Get(lab.key_of(DATA))) == DATA


@graded(points=2, title="At the closest nodes", requirement="Kademlia 2.3: the k closest nodes")
def test_a_value_is_at_the_k_closest_nodes_and_everybody_gets_it(
    lab: KademliaLab, sweep: Sweep
) -> None:
    closest: list[bool] = []
    for seed in sweep(2):
        simulation = table_of_values(lab, seed, 16)
        data = f"value {seed}".encode()
        assert ask_ok(simulation, "n3", lab.Put(data)) == lab.key_of(data)
        expected = set(closest_nodes(lab, simulation.members, lab.key_of(data), 4))
        found = holders(lab, simulation, lab.key_of(data))
        closest.append(expected <= found)
        assert len(found) <= 5, f"{len(found)} nodes keep it"
        for asker in ("n1", "n8", "n16"):
            assert ask_ok(simulation, asker, lab.Get(lab.key_of(data))) == data
        assert ask_ok(simulation, "n2", lab.Get(key(77))) is None, "nobody has put that"
    must_nearly_all(closest, "the k closest nodes kept it")


@graded(points=3, title="Holders die", requirement="Kademlia 2.5: values survive their nodes")
def test_a_value_survives_all_nodes_that_held_it_at_first(lab: KademliaLab, sweep: Sweep) -> None:
    lived: list[bool] = []
    for seed in sweep(1):
        simulation = table_of_values(lab, seed, 14, config={**SHORT, "expire_after": 90 * SECOND})
        ask_ok(simulation, "n1", lab.Put(DATA))
        first = sorted(holders(lab, simulation, lab.key_of(DATA)) - {"n1", "n2"})
        for victim in first:
            crash(simulation, victim)
            simulation.run(simulation.now + 7 * SECOND)
        asker = next(name for name in simulation.members if name not in [*first, "n1"])
        lived.append(ask_ok(simulation, asker, lab.Get(lab.key_of(DATA))) == DATA)
        lived.append(len(holders(lab, simulation, lab.key_of(DATA), first)) >= 4)
    must_nearly_all(lived, "the value was got, and held by k nodes")


@graded(points=2, title="Versions", requirement="BEP 44: mutable items, the highest seq")
def test_everybody_gets_the_newest_version_of_an_owners_value(
    lab: KademliaLab, sweep: Sweep
) -> None:
    for seed in sweep(2):
        simulation = table_of_values(lab, seed, 12)
        target = lab.key_of_owned("n3", b"mail")
        for number, data in enumerate((b"one", b"two", b"three"), 1):
            assert ask_ok(simulation, "n3", lab.Publish(b"mail", data)) == number
            assert ask_ok(simulation, f"n{4 + number}", lab.Get(target)) == data
        assert ask_ok(simulation, "n4", lab.Publish(b"mail", b"mine")) == 1, "another owner"
        assert ask_ok(simulation, "n5", lab.Get(target)) == b"three"


@graded(points=2, title="Liars", requirement="BEP 44: who gets an item checks it")
def test_a_forged_item_is_not_believed_and_an_older_one_does_not_win(lab: KademliaLab) -> None:
    node = alone(lab)
    contacts = [lab.Contact(key(number), f"n{number}") for number in (5, 6)]
    node.meet(*contacts)
    target = lab.key_of_owned("n1", b"")
    asked = {each.to: each.message.number for each in node.ask(lab.Get(target))}

    def answer(number: int, item: Any) -> None:
        reply = lab.Items(asked[f"n{number}"], key(number), (), (item,), "")
        node.hear(f"n{number}", reply)

    answer(5, mutable(lab, 9, b"forged", signature=VOID))
    answer(6, mutable(lab, 2, b"true"))
    assert node.told() == Ok(b"true")
    for first, second in ((3, 4), (4, 3)):
        asked = {each.to: each.message.number for each in node.ask(lab.Get(target))}
        answer(5, mutable(lab, first, b"%d" % first))
        answer(6, mutable(lab, second, b"%d" % second))
        assert node.told() == Ok(b"4")
    immutable = lab.key_of(DATA)
    asked = {each.to: each.message.number for each in node.ask(lab.Get(immutable))}
    answer(5, lab.Immutable(b"another value"))
    count = len(node.ended)
    answer(6, lab.Immutable(DATA))
    assert node.ended[count:] == [Ok(DATA)], "the one that belongs under this key"


@graded(points=1, title="The truth about a put", requirement="Ok, Failed or Unknown, as it is")
def test_a_put_ends_with_what_is_known_of_it(lab: KademliaLab) -> None:
    node = alone(lab, key="f" * 40)
    near = [lab.Contact(lab.key_of(DATA)[:-1] + digit, f"n{digit}") for digit in "12"]

    def stores() -> list[Any]:
        node.meet(*near)
        sent = []
        for each in node.ask(lab.Put(DATA)):
            contact = next(near_one for near_one in near if near_one.node == each.to)
            reply = lab.Items(each.message.number, contact.key, (), (), "token")
            sent += node.hear(each.to, reply)
        stored = [each for each in sent if isinstance(each.message, lab.Store)]
        assert {each.to for each in stored} == {"n1", "n2"}
        assert {each.message.token for each in stored} == {"token"}
        return stored

    why = lab.Objection(202, "no room")
    keys = {contact.node: contact.key for contact in near}
    for each in stores():
        node.hear(each.to, lab.Refused(each.message.number, keys[each.to], why))
    assert node.told() == Failed("no room")
    first, _ = stores()
    node.hear(first.to, lab.Refused(first.message.number, keys[first.to], why))
    node.wait(200 * MS)
    assert isinstance(node.told(), Unknown), "the other one may keep it"
    first, second = stores()
    node.hear(first.to, lab.Refused(first.message.number, keys[first.to], why))
    node.hear(second.to, lab.Pong(second.message.number, keys[second.to]))
    assert node.told() == Ok(lab.key_of(DATA))
    node.meet(*near)
    for each in node.ask(lab.Put(DATA)):
        node.hear(each.to, lab.Refused(each.message.number, keys[each.to], why))
    assert node.told() == Failed("nobody is there to keep it"), "nobody has given a token"
    node.ask(lab.Put(b"a" * 1001))
    assert isinstance(node.told(), Failed), "too large"
    node.ask(lab.Get("no key"))
    assert isinstance(node.told(), Failed)


@graded(points=1, title="Alone", requirement="Kademlia 2.3: the k closest, itself perhaps")
def test_a_node_that_knows_nobody_keeps_a_value_itself(lab: KademliaLab) -> None:
    node = alone(lab)
    node.ask(lab.Put(DATA))
    assert node.ended == [Ok(lab.key_of(DATA))]
    assert kept(node, lab.key_of(DATA)) == lab.Immutable(DATA)
    node.ask(lab.Get(lab.key_of(DATA)))
    assert node.told() == Ok(DATA)
    node.ask(lab.Keep(mutable(lab, 5, b"five"), None))
    assert node.told() == Ok(lab.key_of_owned("n1", b""))
    node.ask(lab.Keep(mutable(lab, 4, b"four"), None))
    assert isinstance(node.told(), Failed), "there is a newer one"
    assert "number 4" in node.told().reason
    node.ask(lab.Keep(mutable(lab, 6, b"six", signature=VOID), None))
    assert isinstance(node.told(), Failed), "it is not signed by its owner"
    node.ask(lab.Read("n1", b""))
    assert node.told() == Ok(b"five")


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


@graded(points=1, title="Two questions for items", requirement="Kademlia 2.3: FIND_VALUE to get")
def test_who_gets_fetches_and_who_stores_asks_for_tokens_too(lab: KademliaLab) -> None:
    node = alone(lab)
    node.meet(lab.Contact(key(5), "n5"))
    [get] = node.ask(lab.Get(key(7)))
    [read] = node.ask(lab.Read("n1", b"salt"))
    [put] = node.ask(lab.Put(b"new"))
    assert (get.message.target, read.message.salt) == (key(7), b"salt")
    assert isinstance(get.message, lab.FetchItem)
    assert isinstance(read.message, lab.FetchItem)
    assert isinstance(put.message, lab.FindItem)


@graded(points=1, title="As soon as it is there", requirement="Kademlia 2.3: FIND_VALUE halts")
def test_an_immutable_value_is_got_with_the_first_answer_that_has_it(lab: KademliaLab) -> None:
    node = alone(lab)
    contacts = [lab.Contact(key(number), f"n{number}") for number in (5, 6)]
    node.meet(*contacts)
    first, second = node.ask(lab.Get(lab.key_of(DATA)))
    item = lab.Immutable(DATA)
    keys = {contact.node: contact.key for contact in contacts}
    node.hear(first.to, lab.Items(first.message.number, keys[first.to], (), (item,), ""))
    assert node.ended == [Ok(DATA)], "the other one has not answered, and need not"
    node.hear(second.to, lab.Items(second.message.number, keys[second.to], (), (), ""))
    assert node.ended == [Ok(DATA)]
    first, second = node.ask(lab.Lookup(key(7)))
    node.hear(first.to, lab.Items(first.message.number, keys[first.to], (), (item,), ""))
    assert len(node.ended) == 1, "a value is no answer to a FindNode"
    node.hear(second.to, lab.Nodes(second.message.number, keys[second.to], ()))
    assert node.ended[1] == Ok((first.to, second.to)), "but who sends it is there"


@graded(points=3, title="Rough times", requirement="what is got had been put; calm brings it back")
def test_values_are_genuine_and_found_under_faults(lab: KademliaLab, sweep: Sweep) -> None:
    found: list[bool] = []
    for seed in sweep(2):
        faults = trouble(
            seed, ("crash", "partition", "link"), hit=names(10)[3:], until=12 * SECOND, troubles=5
        )
        wire = Wire()
        simulation = table_of_values(
            lab,
            seed,
            10,
            config={**SHORT, "expire_after": 90 * SECOND},
            link=LinkModel(latency=(1 * MS, 20 * MS), loss=0.01),
            observers=[wire],
        )
        for fault in faults:
            simulation.later(simulation.now + fault.at, partial(simulation.inject, fault))
        values = [f"{seed}/{number}".encode() for number in range(6)]
        for data in values:
            simulation.call("n1", lab.Put(data))
            simulation.call("n2", lab.Get(lab.key_of(data)))
            simulation.run(simulation.now + 2 * SECOND)
        simulation.run(simulation.now + 15 * SECOND)
        for asked in simulation.history:
            if asked.function == "get" and isinstance(asked.outcome, Ok):
                assert asked.outcome.value in (None, *values)
        for data in values:
            found.append(ask_ok(simulation, "n2", lab.Get(lab.key_of(data))) == data)
        assert wire.of(lab.Store)
    must_nearly_all(found, "a value was found in the calm")
