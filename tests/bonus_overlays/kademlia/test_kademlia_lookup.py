"""Graded suite of the lab ``kademlia``, part lookup: whom to ask next, and when to end."""

from random import Random
from typing import Any

from common.course.suites.grading import Sweep, graded
from tests.bonus_overlays.kademlia.keys import key, keys_in, nearest, random_keys
from tests.bonus_overlays.kademlia.lab import KademliaLab

LAB = "kademlia"
TARGET = key(0)


def contact(lab: KademliaLab, number: int) -> Any:
    """The contact at this distance from the target."""
    return lab.Contact(key(number), f"n{number}")


def search(lab: KademliaLab, *start: int, k: int = 3, alpha: int = 2) -> Any:
    """A lookup that begins with contacts at these distances."""
    return lab.Search(TARGET, k, alpha, [contact(lab, number) for number in start])


def ask_all(looking: Any) -> list[Any]:
    """All that are to be asked now."""
    asked = []
    while (each := looking.next_to_ask()) is not None:
        asked.append(each)
        assert len(asked) < 100, "it asks and asks, and waits for no answer"
    return asked


@graded(points=1, title="The closest first", requirement="Kademlia 2.3: alpha closest in parallel")
def test_alpha_contacts_are_asked_at_once_the_closest_first(lab: KademliaLab) -> None:
    looking = search(lab, 9, 5, 7)
    assert keys_in(ask_all(looking)) == [key(5), key(7)]
    looking.answer(contact(lab, 5), [])
    assert keys_in(ask_all(looking)) == [key(9)], "one has answered, so one more is asked"
    looking.failed(contact(lab, 7))
    assert ask_all(looking) == [], "nobody is asked twice"


@graded(points=2, title="Closer and closer", requirement="Kademlia 2.3: nodes it has learned about")
def test_contacts_that_answers_name_are_asked_where_they_are_closer(lab: KademliaLab) -> None:
    looking = search(lab, 50, 60, 70)
    ask_all(looking)
    looking.answer(contact(lab, 60), [contact(lab, number) for number in (5, 80, 6)])
    assert keys_in(looking.closest) == [key(5), key(6), key(50)]
    assert keys_in(ask_all(looking)) == [key(5)]
    looking.answer(contact(lab, 5), [])
    assert keys_in(ask_all(looking)) == [key(6)], "70 is not among the 3 closest any more"


@graded(points=3, title="All of them", requirement="Kademlia 2.3: ends when the k have responded")
def test_a_lookup_ends_when_the_k_closest_have_all_answered_and_not_before(
    lab: KademliaLab,
) -> None:
    looking = search(lab, 5, 6, 7)
    ask_all(looking)
    looking.answer(contact(lab, 5), [contact(lab, 8)])
    ask_all(looking)
    looking.answer(contact(lab, 6), [contact(lab, 9)])
    assert not looking.is_done, "two rounds brought nobody closer, but 7 has not answered"
    looking.answer(contact(lab, 7), [contact(lab, 1)])
    assert not looking.is_done, "7 knew the closest one, which has not answered"
    assert keys_in(ask_all(looking)) == [key(1)]
    looking.answer(contact(lab, 1), [])
    assert looking.is_done
    assert keys_in(looking.found) == [key(1), key(5), key(6)]


@graded(points=2, title="Who is silent", requirement="Kademlia 2.3: removed from consideration")
def test_a_contact_that_does_not_answer_is_replaced_by_the_next_one(lab: KademliaLab) -> None:
    looking = search(lab, 2, 3, 4, 5, k=2)
    ask_all(looking)
    looking.failed(contact(lab, 2))
    assert keys_in(ask_all(looking)) == [key(4)]
    looking.answer(contact(lab, 3), [contact(lab, 2)])
    assert key(2) not in keys_in(looking.closest), "what has failed is not believed in again"
    assert not looking.is_done, "4 has not answered"
    looking.answer(contact(lab, 2), [contact(lab, 1)])
    assert keys_in(looking.closest) == [key(3), key(4)], "its answer is too late"
    looking.answer(contact(lab, 4), [])
    assert looking.is_done
    assert keys_in(looking.found) == [key(3), key(4)]


@graded(points=1, title="Nobody is there", requirement="Kademlia 2.3: a lookup always ends")
def test_a_lookup_ends_where_nobody_answers_and_where_liars_name_contacts_without_end(
    lab: KademliaLab,
) -> None:
    assert search(lab).is_done, "nobody is known"
    looking = search(lab, 1, 2)
    for each in ask_all(looking):
        assert not looking.is_done
        looking.failed(each)
    assert looking.is_done
    assert looking.found == ()
    endless = search(lab, 10**9)
    count = 0
    for step in range(1_000):
        asked = ask_all(endless)
        count += len(asked)
        for each in asked:
            assert not endless.is_done, "somebody who was asked may still answer"
            endless.answer(each, [contact(lab, 10**9 - 10 * step - n) for n in (1, 2, 3)])
    assert count == 200, f"{count} were asked: it is busy as long as liars name somebody closer"
    assert endless.is_done


@graded(points=1, title="Many names", requirement="what strangers say is bounded")
def test_of_one_answer_32_contacts_are_read(lab: KademliaLab) -> None:
    looking = search(lab, 1000, k=100)
    ask_all(looking)
    looking.answer(contact(lab, 1000), [contact(lab, number) for number in range(1, 50)])
    assert keys_in(looking.closest) == [key(number) for number in [*range(1, 33), 1000]]


@graded(points=1, title="No contacts", requirement="what strangers say is checked")
def test_what_has_no_key_and_who_asks_are_not_heard_of(lab: KademliaLab) -> None:
    looking = lab.Search(TARGET, 3, 2, [contact(lab, 9)], key(1))
    ask_all(looking)
    named = [contact(lab, 1), lab.Contact("none", "n2"), contact(lab, 3)]
    looking.answer(contact(lab, 9), named)
    assert keys_in(looking.closest) == [key(3), key(9)]


@graded(points=1, title="Answers that nobody asked for", requirement="an answer ends one request")
def test_what_was_not_asked_has_not_answered(lab: KademliaLab) -> None:
    looking = search(lab, 5, 6, 7, alpha=1)
    ask_all(looking)
    looking.answer(contact(lab, 6), [contact(lab, 1)])
    assert keys_in(looking.closest) == [key(5), key(6), key(7)], "6 was not asked"
    looking.answer(contact(lab, 5), [])
    looking.failed(contact(lab, 5))
    assert keys_in(looking.closest) == [key(5), key(6), key(7)], "5 has answered"
    looking.answer(contact(lab, 5), [])
    looking.failed(contact(lab, 6))
    assert keys_in(ask_all(looking)) == [key(6)], "one at a time, and 6 for the first time"


@graded(points=1, title="Hops", requirement="Kademlia 2.3: one step closer by each answer")
def test_a_contact_is_one_hop_further_than_the_one_that_named_it_first(lab: KademliaLab) -> None:
    looking = search(lab, 50, 60)
    ask_all(looking)
    looking.answer(contact(lab, 50), [contact(lab, 20), contact(lab, 60)])
    ask_all(looking)
    looking.answer(contact(lab, 20), [contact(lab, 10)])
    looking.answer(contact(lab, 60), [contact(lab, 10), contact(lab, 30)])
    hops = {number: looking.hops[key(number)] for number in (50, 60, 20, 30, 10)}
    assert hops == {50: 0, 60: 0, 20: 1, 30: 1, 10: 2}


@graded(points=2, title="The truth", requirement="Kademlia 3: lookups find the k closest")
def test_a_lookup_finds_the_k_closest_of_a_network_in_any_order_of_answers(
    lab: KademliaLab, sweep: Sweep
) -> None:
    """Each node here knows four others, or all there are, at each scale."""
    for seed in sweep(6):
        random = Random(f"network/{seed}")
        target, *keys = random_keys(seed, 50)
        contacts = {each: lab.Contact(each, f"n{place}") for place, each in enumerate(keys)}
        tables = {each: lab.RoutingTable(each, 4) for each in keys}
        for each in keys:
            for other in random.sample(keys, len(keys)):
                tables[each].seen(contacts[other])
        looking = lab.Search(target, 4, 3, tables[keys[0]].closest(target))
        under_way: list[Any] = []
        for _ in range(1_000):
            under_way += ask_all(looking)
            if looking.is_done:
                break
            each = under_way.pop(random.randrange(len(under_way)))
            looking.answer(each, tables[each.key].closest(target))
        assert looking.is_done, "it never ends"
        assert keys_in(looking.found) == nearest(target, keys, 4), f"seed {seed}"
