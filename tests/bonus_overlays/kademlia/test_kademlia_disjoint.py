"""Graded suite of the lab ``kademlia``, part disjoint: lookups among liars."""

from collections.abc import Sequence
from typing import Any

from common.contract.lies import Lie, Plan
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, crash, names, restart
from common.values.faults import Corrupt
from common.values.units import MS, SECOND
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
EVERYBODY = names(44)
HONEST, GUIDES, HIDERS = EVERYBODY[:30], EVERYBODY[30:39], EVERYBODY[39:]


def near(lab: KademliaLab, number: int) -> str:
    """A key that is closer to that of the value than those of all honest nodes."""
    return f"{int(lab.key_of(DATA), 16) ^ number:040x}"


def eclipse(lab: KademliaLab) -> Plan:
    """Liars name the hiders, whose keys are next to that of the value, and have no value."""
    hiders = [lab.Contact(near(lab, number), name) for number, name in enumerate(HIDERS, 1)]

    def says(liar: Any, to: str, message: Any) -> object:
        others = tuple(hider for hider in hiders if hider.node != liar.id)
        if isinstance(message, lab.Items):
            return lab.Items(message.number, message.key, others, (), message.token)
        return lab.Nodes(message.number, message.key, others)

    return Plan(Lie(of=(lab.Items, lab.Nodes), says=says))


def told_among_liars(lab: KademliaLab, kind: Any, seed: int) -> list[object]:
    """What some are told of a value. Nine old nodes turn into liars, and five hiders come anew."""

    def made(id: str, peers: tuple[str, ...]) -> Any:
        key = near(lab, HIDERS.index(id) + 1) if id in HIDERS else ""
        seeds = ("n1", "n2")
        return kind(id, peers, key=key, k=3, alpha=1, seeds=seeds, refresh_every=4 * SECOND)

    simulation = lab.simulation(
        dict.fromkeys(EVERYBODY, made), seed=seed, behaviours={"eclipse": eclipse(lab)}
    )
    simulation.run(10 * MS)
    crash(simulation, *HIDERS)
    simulation.run(6 * SECOND)
    ask_ok(simulation, "n1", lab.Put(DATA))
    for liar in (*GUIDES, *HIDERS):
        simulation.inject(Corrupt(simulation.now, liar, "eclipse"))
    restart(simulation, *HIDERS)
    simulation.run(simulation.now + SECOND // 2)
    return [ask_ok(simulation, asker, lab.Get(lab.key_of(DATA))) for asker in HONEST[2::3]]


@graded(points=3, title="Among liars", requirement="S/Kademlia 4.4, 5: success among adversaries")
def test_a_value_that_liars_hide_is_got_over_disjoint_paths(lab: KademliaLab, sweep: Sweep) -> None:
    plain, careful = list[object](), list[object]()
    for seed in sweep(1):
        plain += told_among_liars(lab, lab.Dht, seed)
        careful += told_among_liars(lab, lab.Careful, seed)
    assert plain.count(None) >= 0.2 * len(plain), "the liars hid nothing, so this shows nothing"
    assert careful.count(DATA) >= 0.8 * len(careful), f"{careful}: it is hidden all the same"
