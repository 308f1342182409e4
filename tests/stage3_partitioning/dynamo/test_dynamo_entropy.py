"""Graded suite of the lab ``dynamo``, fifth part: trees find what two nodes have differently."""

from functools import partial
from random import Random
from typing import TYPE_CHECKING

from common.contract.effects import Send
from common.contract.events import Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, ask_ok, crash, effects_of, restart
from common.values.units import MS, SECOND
from tests.stage3_partitioning.dynamo.lab import DynamoLab
from tests.stage3_partitioning.dynamo.room import (
    NEVER,
    busy,
    cluster,
    homes,
    shown,
    values_at,
    version,
)

if TYPE_CHECKING:
    from stage3_partitioning.dynamo.versions import Versions

LAB = "dynamo"
THREE = ("n1", "n2", "n3")
MANY = 200


def stock(lab: DynamoLab, count: int = MANY) -> "dict[str, Versions]":
    """Many keys with one version each."""
    return {f"key {n}": (version(lab, "z", n + 1),) for n in range(count)}


@graded(points=2, title="Equal or not", requirement="Merkle 1987: equal digests, equal contents")
def test_trees_have_the_same_digest_exactly_where_they_have_the_same_versions(
    lab: DynamoLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        mine = stock(lab)
        theirs = dict(mine)
        changed = Random(seed).sample(sorted(mine), 4)
        del theirs[changed[0]]
        theirs[changed[1]] = (version(lab, "z", 999),)
        theirs[changed[2]] = (*mine[changed[2]], version(lab, "zz", 1))
        theirs["new"] = (version(lab, "z", 1),)
        one, other = lab.Tree(mine), lab.Tree(theirs)
        assert lab.Tree(dict(reversed(mine.items()))).digest("") == one.digest("")
        leaves = {*one.leaves, *other.leaves}
        differ = {leaf for leaf in leaves if one.items(leaf) != other.items(leaf)}
        assert differ
        for depth in (0, 1, 2, 3):
            for part in {leaf[:depth] for leaf in leaves}:
                same = one.digest(part) == other.digest(part)
                assert same == (not any(leaf.startswith(part) for leaf in differ)), part


@graded(points=1, title="Empty parts", requirement="a part without keys has no digest")
def test_a_part_without_keys_has_no_digest_and_one_with_keys_has_one(lab: DynamoLab) -> None:
    assert lab.Tree({}).digest("") == ""
    assert lab.Tree({}).below("") == ("",) * 16
    tree = lab.Tree(stock(lab, 1))
    (leaf,) = tree.leaves
    assert [bool(tree.digest(leaf[:depth])) for depth in range(4)] == [True] * 4
    assert sum(map(bool, tree.below(""))) == 1
    assert tree.items(leaf) == tuple(stock(lab, 1).items())
    assert tree.items("zzz") == ()
    lives = [lab.Tree({"cart": (version(lab, f"n1/{birth}", 1),)}) for birth in (1, 2)]
    assert lives[0].digest("") != lives[1].digest(""), "one node, and two actors"
    close = [lab.Tree({"cart": (version(lab, *dot),)}) for dot in (("n1/1", 12), ("n1/11", 2))]
    assert close[0].digest("") != close[1].digest(""), "two dots, though they are written alike"


@graded(points=3, title="Every difference", requirement="Dynamo 4.7: found without being read")
def test_two_homes_find_every_difference_though_nobody_reads(lab: DynamoLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        node = partial(lab.Comparer, n=3, sloppy=False, compare_every=100 * MS)
        nodes = dict.fromkeys(THREE, node)
        simulation = lab.simulation(nodes, {"c1": lab.Shopper}, seed=seed)
        simulation.run(1 * MS)
        random = Random(seed)
        for number in range(20):
            away = random.choice(THREE)
            crash(simulation, away)
            ask_ok(simulation, "c1", lab.Put(f"key {number}", "x"))
            restart(simulation, away)
        simulation.run(simulation.now + 3 * SECOND)
        for number in range(20):
            for home in THREE:
                assert values_at(simulation, home, f"key {number}") == ["x"], f"{home} {number}"


@graded(points=3, title="Few messages", requirement="a few for each difference and level")
def test_one_difference_among_many_keys_takes_a_few_messages_and_none_where_all_is_equal(
    lab: DynamoLab,
) -> None:
    nodes = {name: lab.look_into("Comparer")(name, tuple({*THREE} - {name})) for name in THREE[:2]}
    for node in nodes.values():
        node.step(Start(0, {}))
        for key, versions in stock(lab).items():
            node.step(Receive(1, "n3", lab.Keep(0, key, versions, node.id)))

    def compare() -> tuple[int, int]:
        first = nodes["n1"].shared("n2").below("")
        queue = [("n1", "n2", lab.Compare("", first))]
        messages = carried = 0
        while queue:
            sender, to, message = queue.pop(0)
            messages += 1
            carried += len(message.items) if isinstance(message, lab.Exchange) else 0
            for effect in effects_of(Send, nodes[to].step(Receive(2, sender, message))):
                queue.append((to, effect.to, effect.message))
        return messages, carried

    assert compare() == (1, 0), "nothing differs"
    for holder in ("n1", "n2"):
        key = f"only at {holder}"
        nodes[holder].step(Receive(3, "n3", lab.Keep(0, key, (version(lab, holder, 1),), holder)))
        messages, carried = compare()
        assert messages <= 5, f"{messages} messages for one difference"
        assert carried <= 4, f"{carried} keys were sent for one difference"
        assert all(node.versions(key) for node in nodes.values()), f"{key} is not found"
    assert compare() == (1, 0)


@graded(points=1, title="What both keep", requirement="no key of which the other is no home")
def test_only_keys_of_which_both_are_homes_are_compared(lab: DynamoLab) -> None:
    node = partial(lab.Comparer, sloppy=False, compare_every=50 * MS)
    wire = Wire()
    simulation = cluster(lab, node, observers=[wire])
    for number in range(12):
        ask_ok(simulation, "c1", lab.Put(f"key {number}", "x"))
    simulation.run(simulation.now + 100 * MS)
    wire.forget()
    simulation.run(simulation.now + 2 * SECOND)
    compared = [each for each in wire.sent_messages if isinstance(each.message, lab.Compare)]
    assert len(compared) > 50
    assert {each.message.prefix for each in compared} == {""}, "nothing differs, nothing is asked"
    assert wire.of(lab.Exchange) == []
    keys = [f"key {n}" for n in range(12)]
    both = [key for key in keys if {"n1", "n2"} <= set(homes(lab, key))]
    (digests,) = {
        each.message.digests for each in compared if (each.sender, each.to) == ("n1", "n2")
    }
    parts = {f"{lab.look_into('place_of')(key):016x}"[0] for key in both}
    assert sum(map(bool, digests)) == len(parts)


@graded(points=1, title="Only its own", requirement="a home keeps what it is a home of")
def test_what_comes_of_a_key_of_which_this_node_is_no_home_is_not_kept(lab: DynamoLab) -> None:
    simulation = cluster(lab, partial(lab.Comparer, compare_every=NEVER))
    busy(lab, simulation, 2)
    simulation.run(2 * SECOND)
    assert shown(lab, simulation, "c1", "wish") == ()
    names = ("n1", "n2", "n3", "n4", "n5")
    stranger = next(name for name in names if name not in homes(lab, "cart"))
    node = lab.look_into("Comparer")(stranger, tuple(each for each in names if each != stranger))
    node.step(Start(0, {}))
    one = version(lab, "z", 1)
    node.step(Receive(1, "n1", lab.Exchange("000", (("cart", (one,)),), False)))
    assert node.versions("cart") == ()
    node.step(Receive(2, "n1", lab.Keep(0, "cart", (one,), "n1")))
    leaf = f"{lab.look_into('place_of')('cart'):016x}"[:3]
    asked = node.step(Receive(3, "n1", lab.Exchange(leaf, (), True)))
    assert effects_of(Send, asked) == [], "that it stands in for a home is no business of a tree"
    home, other, _ = homes(lab, "cart")
    node = lab.look_into("Comparer")(home, tuple(each for each in names if each != home))
    node.step(Start(0, {}))
    node.step(Receive(1, other, lab.Keep(0, "cart", (one,), home)))
    for sender, answers in ((stranger, 0), (other, 1)):
        asked = node.step(Receive(2, sender, lab.Exchange(leaf, (), True)))
        assert len(effects_of(Send, asked)) == answers, f"{sender} asks for {other}'s key"


@graded(points=1, title="Each part", requirement="all that differs, and all that comes")
def test_all_parts_that_differ_are_looked_into_and_all_keys_of_an_exchange_kept(
    lab: DynamoLab,
) -> None:
    node = lab.look_into("Comparer")("n1", ("n2",), n=2)
    node.step(Start(0, {}))
    versions = (version(lab, "z", 1),)
    keys = ("cart", "list", "wish")
    node.step(Receive(1, "n2", lab.Exchange("", tuple((key, versions) for key in keys), False)))
    assert [node.versions(key) for key in keys] == [versions] * 3
    told = effects_of(Send, node.step(Receive(2, "n2", lab.Compare("", ("",) * 16))))
    parts = {f"{lab.look_into('place_of')(key):016x}"[0] for key in keys}
    assert len(parts) > 1
    assert {each.message.prefix for each in told} == parts


@graded(points=1, title="An answer ends it", requirement="an exchange is answered once, if at all")
def test_an_exchange_is_answered_once_with_what_the_other_lacks_or_has_otherwise(
    lab: DynamoLab,
) -> None:
    node = lab.look_into("Comparer")("n1", ("n2", "n3"))
    node.step(Start(0, {}))
    one, two = version(lab, "a", 1), version(lab, "b", 1)
    node.step(Receive(1, "n2", lab.Keep(0, "x", (one,), "n1")))
    (leaf,) = node.shared("n2").leaves
    same = node.step(Receive(2, "n2", lab.Exchange(leaf, (("x", (one,)),), True)))
    assert effects_of(Send, same) == []
    other = node.step(Receive(3, "n2", lab.Exchange(leaf, (("x", (two,)),), True)))
    (answer,) = effects_of(Send, other)
    assert answer.message == lab.Exchange(leaf, (("x", (one, two)),), False)
    last = node.step(Receive(4, "n2", lab.Exchange(leaf, (), False)))
    assert effects_of(Send, last) == []
    place_of = lab.look_into("place_of")
    keys = (f"x{number}" for number in range(10**6))
    beside = next(key for key in keys if f"{place_of(key):016x}".startswith(leaf))
    node.step(Receive(5, "n2", lab.Keep(0, beside, (one,), "n1")))
    more = node.step(Receive(6, "n2", lab.Exchange(leaf, (("x", (one, two)),), True)))
    (answer,) = effects_of(Send, more)
    assert answer.message.items == ((beside, (one,)),), "the other key of this leaf is lacking"
