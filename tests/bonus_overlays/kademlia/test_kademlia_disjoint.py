"""Graded suite of the lab ``kademlia``, part disjoint: lookups among liars."""

from collections.abc import Sequence
from typing import Any

from common.course.suites.grading import graded
from common.values.history import Ok
from common.values.units import MS
from tests.bonus_overlays.kademlia.alone import Alone
from tests.bonus_overlays.kademlia.keys import key, keys_in
from tests.bonus_overlays.kademlia.lab import KademliaLab
from tests.bonus_overlays.kademlia.test_kademlia_lookup import TARGET, ask_all, contact

LAB = "kademlia"


def search(lab: KademliaLab, *start: int, k: int = 2, alpha: int = 1, count: int = 2) -> Any:
    """A lookup that begins with contacts at these distances."""
    contacts = [contact(lab, number) for number in start]
    return lab.DisjointSearch(TARGET, k, alpha, contacts, count)


def named(lab: KademliaLab, *numbers: int) -> Sequence[Any]:
    """Contacts at these distances."""
    return [contact(lab, number) for number in numbers]


@graded(points=2, title="Each node on one path", requirement="S/Kademlia 4.4: disjoint paths")
def test_no_node_is_asked_on_two_paths(lab: KademliaLab) -> None:
    looking = search(lab, 50, 60, 70, 80)
    assert keys_in(ask_all(looking)) == [key(50), key(60)], "the closest one of each path"
    looking.answer(contact(lab, 50), named(lab, 5, 60, 80))
    looking.answer(contact(lab, 60), named(lab, 5, 50, 70))
    asked = keys_in(ask_all(looking))
    assert asked == [key(5), key(80)], "5 was heard of on the first path, 80 is on the second"
    looking.answer(contact(lab, 80), named(lab, 9))
    assert keys_in(ask_all(looking)) == [key(9)]
    looking.answer(contact(lab, 9), [])
    assert ask_all(looking) == []
    assert not looking.is_done, "on the first path 5 has not answered"
    looking.answer(contact(lab, 5), named(lab, 9))
    assert ask_all(looking) == []
    assert looking.is_done
    assert keys_in(looking.found) == [key(5), key(9)], "the closest of both paths"


@graded(points=1, title="Alpha on each", requirement="S/Kademlia 4.4: d independent lookups")
def test_each_path_has_alpha_requests_under_way_and_loses_its_own(lab: KademliaLab) -> None:
    looking = search(lab, 1, 2, 3, 4, 5, 6, alpha=2, k=3)
    assert keys_in(ask_all(looking)) == [key(1), key(3), key(2), key(4)]
    looking.failed(contact(lab, 2))
    assert keys_in(ask_all(looking)) == [key(6)], "2 was on the second path, and so is 6"
    looking.answer(contact(lab, 99), named(lab, 0))
    looking.failed(contact(lab, 99))
    assert ask_all(looking) == [], "nobody has heard of 99"
    looking.answer(contact(lab, 5), named(lab, 7))
    looking.answer(contact(lab, 6), [])
    looking.answer(contact(lab, 4), named(lab, 7))
    assert keys_in(ask_all(looking)) == [key(7)], "5 was not asked, so it has named nobody"
    few = search(lab, 1, count=5)
    assert keys_in(ask_all(few)) == [key(1)]
    few.answer(contact(lab, 1), [])
    assert few.is_done
    assert search(lab).is_done, "nobody is known"


@graded(points=2, title="A liar's path", requirement="S/Kademlia 4.4: one clean path is enough")
def test_liars_that_name_only_liars_do_not_hide_the_honest(lab: KademliaLab) -> None:
    """Liars 1, 2, 3 are closer than anybody honest, and answer; 10 and 11 hold the value."""
    liars = (1, 2, 3)

    def followed(looking: Any) -> set[str]:
        asked: set[str] = set()
        for _ in range(50):
            for each in ask_all(looking):
                number = int(each.key, 16)
                asked.add(each.key)
                honest = {60: (10, 11, 30), 30: (10, 11)}.get(number, ())
                lies = liars if number in (*liars, 50) else ()
                looking.answer(each, named(lab, *honest, *lies))
        assert looking.is_done
        return asked

    one = lab.Search(TARGET, 2, 1, named(lab, 50, 60))
    assert key(10) not in followed(one), "one path ends among the liars, which are closest"
    asked = followed(search(lab, 50, 60))
    assert {key(10), key(11)} <= asked, "the second path began at 60, which is honest"


@graded(points=1, title="Many names", requirement="what strangers say is bounded")
def test_of_one_answer_32_contacts_are_read_on_a_path_too(lab: KademliaLab) -> None:
    looking = search(lab, 1000, 2000, k=100, alpha=100)
    ask_all(looking)
    looking.answer(contact(lab, 1000), named(lab, *range(1, 50)))
    assert len(ask_all(looking)) == 32
    looking.answer(contact(lab, 2000), named(lab, 40))
    assert keys_in(ask_all(looking)) == [key(40)], "a name that was not read belongs to nobody"


DATA = b"hidden"
HIDERS = (1, 2, 3)
"""Liars that are closer to the value than anybody honest. They answer, and have no value."""


def told_among_liars(lab: KademliaLab, kind: Any, known: Sequence[int], guide: int) -> object:
    """What somebody is told of a value. All nodes have their distances from it for names.

    Args:
        lab: the lab.
        kind: the class of the node that asks.
        known: the contacts that it begins with; each names the holders, but for the liar.
        guide: the liar among them, who names only the hiders, who name only each other.
    """
    target = int(lab.key_of(DATA), 16)

    def at(distance: int) -> Any:
        return lab.Contact(f"{target ^ distance:040x}", f"n{distance}")

    node = Alone(lab, kind, key=at(1 << 159).key, k=3, alpha=1, request_timeout=100 * MS)
    node.meet(*map(at, known))
    asked = node.ask(lab.Get(lab.key_of(DATA)))
    while asked:
        sent = asked.pop(0)
        if not isinstance(sent.message, lab.FetchItem | lab.FindItem):
            continue
        distance = int(sent.to[1:])
        friends = HIDERS if distance in (guide, *HIDERS) else (10, 11, 12)
        items = (lab.Immutable(DATA),) if distance in (10, 11, 12) else ()
        contacts = () if items else tuple(at(friend) for friend in friends)
        said = lab.Items(sent.message.number, at(distance).key, contacts, items, "token")
        asked += node.hear(sent.to, said)
    return node.told()


@graded(points=3, title="Among liars", requirement="S/Kademlia 4.4, 5: success among adversaries")
def test_a_value_that_liars_hide_is_got_over_disjoint_paths(lab: KademliaLab) -> None:
    """One of three contacts lies. A single path ends among its friends if it is the closest."""
    for known in ((50, 60, 70), (40, 41, 400), (33, 300, 3000)):
        for guide in known:
            careful = told_among_liars(lab, lab.Careful, known, guide)
            assert careful == Ok(DATA), f"{guide} of {known} lies, and two do not: {careful}"
        plain = told_among_liars(lab, lab.Dht, known, known[0])
        assert plain == Ok(None), f"the liar is asked first, and its friends are closest: {plain}"
