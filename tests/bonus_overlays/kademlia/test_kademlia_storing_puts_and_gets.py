"""Graded suite of the lab ``kademlia``, part storing: what becomes of puts and gets."""

from functools import partial
from typing import Any

from common.contract.signing import VOID
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, ask_ok, crash, names, trouble
from common.sim import LinkModel
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS, SECOND
from tests.bonus_overlays.kademlia.holders import DATA, SHORT, alone, holders, kept, table_of_values
from tests.bonus_overlays.kademlia.keys import key
from tests.bonus_overlays.kademlia.lab import KademliaLab
from tests.bonus_overlays.kademlia.network import closest_nodes, must_nearly_all
from tests.bonus_overlays.kademlia.test_kademlia_items import mutable

LAB = "kademlia"


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
        for data in (f"{number} of {seed}".encode() for number in range(4)):
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
    for seed in sweep(1):
        simulation = table_of_values(lab, seed, 14, config={**SHORT, "expire_after": 90 * SECOND})
        ask_ok(simulation, "n1", lab.Put(DATA))
        first = sorted(holders(lab, simulation, lab.key_of(DATA)) - {"n1", "n2"})
        for victim in first:
            crash(simulation, victim)
            simulation.run(simulation.now + 7 * SECOND)
        asker = next(name for name in simulation.members if name not in [*first, "n1"])
        for _ in range(4):  # a node that had not heard of the others in time hears of them later
            told = ask_ok(simulation, asker, lab.Get(lab.key_of(DATA)))
            found = holders(lab, simulation, lab.key_of(DATA), first)
            if told == DATA and len(found) >= 4:
                break
            simulation.run(simulation.now + 5 * SECOND)
        assert told == DATA, "it was handed on in time"
        assert len(found) >= 4, f"{sorted(found)} keep it, and k is 4"


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
    first, _ = stores()
    node.hear(first.to, lab.Pong(first.message.number, keys[first.to]))
    node.wait(200 * MS)
    assert node.told() == Ok(lab.key_of(DATA)), "one keeps it, and says so; the other is silent"
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
    node.ask(lab.Keep(mutable(lab, 8, b"eight"), 4))
    assert isinstance(node.told(), Failed), "its writer has read number 4, and 5 is here"
    node.ask(lab.Keep(mutable(lab, 6, b"six", signature=VOID), None))
    assert isinstance(node.told(), Failed), "it is not signed by its owner"
    node.ask(lab.Read("n1", b""))
    assert node.told() == Ok(b"five")


NEAR_AND_FAR = (((-1, 1), "n1"), ((0, 1), "n2"))


def other(key: str, digit: int, change: int) -> str:
    """A key that differs in one digit: the further left, the further away."""
    digits = list(key)
    digits[digit] = f"{int(digits[digit], 16) ^ change:x}"
    return "".join(digits)


@graded(
    points=1, title="Fewer than k", requirement="Kademlia 2.3: the k closest, itself among them"
)
def test_a_node_that_finds_fewer_than_k_keeps_a_value_itself_too(lab: KademliaLab) -> None:
    node = alone(lab)
    near = lab.Contact(lab.key_of(DATA)[:-1] + "1", "n1")
    node.meet(near)
    [asked] = node.ask(lab.Put(DATA))
    node.hear("n1", lab.Items(asked.message.number, near.key, (), (), "token"))
    assert kept(node, lab.key_of(DATA)) == lab.Immutable(DATA), "n1 is closer, and one is not 2"
    target = lab.key_of(DATA)
    near, far = (lab.Contact(other(target, *digit), node) for digit, node in NEAR_AND_FAR)
    for own, keeps in (((-2, 15), True), ((0, 15), False)):
        node = alone(lab, key=other(target, *own))
        node.meet(near, far)
        for each in node.ask(lab.Put(DATA)):
            key = {"n1": near.key, "n2": far.key}[each.to]
            node.hear(each.to, lab.Items(each.message.number, key, (), (), "token"))
        assert (kept(node, target) is not None) == keeps, "it counts among the two closest"


@graded(points=1, title="The next version", requirement="BEP 44: cas, and who has the last one")
def test_a_new_version_goes_to_those_that_have_the_last_one_and_replaces_only_that(
    lab: KademliaLab,
) -> None:
    target = lab.key_of_owned("n0", b"mail")
    node = alone(lab, key="f" * 40, expire_after=7 * SECOND)
    near = {f"n{digit}": lab.Contact(target[:-1] + digit, f"n{digit}") for digit in "12"}
    node.meet(*near.values())
    last, stores = mutable(lab, 2, b"two", b"mail", "n0"), list[Any]()
    for each in node.ask(lab.Publish(b"mail", b"three")):
        token = f"of {each.to}"
        answer = lab.Items(each.message.number, near[each.to].key, (), (last,), token)
        stores += node.hear(each.to, answer)
    assert {each.to: each.message.token for each in stores} == {"n1": "of n1", "n2": "of n2"}
    for each in stores:
        assert (each.message.cas, each.message.expires_in) == (2, 7 * SECOND)
        assert each.message.item.signed.content == lab.Version(b"mail", 3, b"three")
        node.hear(each.to, lab.Pong(each.message.number, near[each.to].key))
    assert node.told() == Ok(3)
    for each in node.ask(lab.Publish(b"mail", b"four")):
        node.hear(each.to, lab.Items(each.message.number, near[each.to].key, (), (), "token"))
    again = [each for _, each in node.timers.values() if isinstance(each, lab.PublishAgain)]
    assert again == [lab.PublishAgain(target)], "each item is published again once in a period"


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
    for question in (put.message, get.message):
        [answer] = node.hear("n5", question)
        assert answer.message.token, "nothing is kept there: the answer to both is the same"


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
