"""Graded suite of the lab ``dynamo``, third part: N, R and W, and what a read repairs."""

from functools import partial
from typing import Any

from common.check.siblings import check_reads_see_writes
from common.contract.effects import Save, Send, SetTimer
from common.contract.events import Fire, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    Wire,
    ask_ok,
    crash,
    effects_of,
    has_ended,
    must_hold,
    restart,
    trouble,
)
from common.values.faults import Block, Fault, Heal
from common.values.history import Ok, Unknown
from common.values.units import MS, SECOND
from tests.stage3_partitioning.dynamo.lab import DynamoLab
from tests.stage3_partitioning.dynamo.room import (
    CLIENTS,
    FIVE,
    ROUGH,
    SEVERAL,
    busy,
    cluster,
    finish,
    homes,
    shown,
    values_at,
    version,
    with_key,
)

LAB = "dynamo"
AMONG_HOMES = {"among": 3}


@graded(points=3, title="Reads see writes", requirement="Dynamo 4.5: R + W > N")
def test_a_read_sees_every_write_that_had_ended_unless_it_was_replaced(
    lab: DynamoLab, sweep: Sweep
) -> None:
    asked = told = 0
    for seed in sweep(SEVERAL):
        kinds = ("crash", "partition", "block", "pause", "link")
        faults = trouble(seed, kinds, hit=FIVE, others=CLIENTS, until=2 * SECOND)
        simulation = cluster(lab, lab.Coordinator, seed, faults, AMONG_HOMES, link=ROUGH)
        work = busy(lab, simulation, 12)
        finish(simulation, work)
        must_hold(check_reads_see_writes(simulation.history))
        asked += len(simulation.history)
        told += sum(isinstance(each.outcome, Ok) for each in simulation.history)
    assert sweep.partial or told > asked / 3, "operations are carried out"


@graded(points=2, title="At the homes", requirement="Dynamo 4.3: N copies, and no more")
def test_a_write_is_on_the_disks_of_its_three_homes_and_nowhere_else(lab: DynamoLab) -> None:
    simulation = cluster(lab, lab.Coordinator)
    for key in ("cart", "list", "wish"):
        ask_ok(simulation, "c1", lab.Put(key, f"of {key}"))
        simulation.run(simulation.now + 50 * MS)
        assert with_key(simulation, key) == set(homes(lab, key))
        assert [values_at(simulation, home, key) for home in homes(lab, key)] == [[f"of {key}"]] * 3


@graded(points=2, title="W, and not before", requirement="told when W have it on disk, once")
def test_a_write_is_answered_when_w_homes_have_it_on_disk_and_once(lab: DynamoLab) -> None:
    _, second, third = homes(lab, "cart")
    for w, ends in ((1, True), (2, True), (3, False)):
        wire = Wire()
        node = partial(lab.Coordinator, w=w)
        simulation = cluster(lab, node, 0, client={"attempts": 1}, observers=[wire])
        crash(simulation, third)
        put = simulation.call("c1", lab.Put("cart", "book"))
        assert has_ended(simulation, put, 200 * MS) == ends, f"with w = {w}"
        simulation.run(SECOND)
        assert len(wire.of(lab.PutDone)) == int(ends)
        assert values_at(simulation, second, "cart") == ["book"]
    alone = cluster(lab, partial(lab.Coordinator, w=1), client={"attempts": 1})
    crash(alone, second, third)
    ask_ok(alone, "c1", lab.Put("cart", "book"))


@graded(points=2, title="R, and not before", requirement="all that R homes have together, once")
def test_a_read_is_answered_when_r_homes_have_answered_with_what_they_have_together(
    lab: DynamoLab,
) -> None:
    third = homes(lab, "cart")[2]
    for r, ends in ((1, True), (2, True), (3, False)):
        wire = Wire()
        node = partial(lab.Coordinator, r=r)
        simulation = cluster(lab, node, 0, client={"attempts": 1}, observers=[wire])
        ask_ok(simulation, "c1", lab.Put("cart", "book"))
        simulation.run(50 * MS)
        crash(simulation, third)
        look = simulation.call("c2", lab.Get("cart"))
        assert has_ended(simulation, look, 200 * MS) == ends, f"with r = {r}"
        simulation.run(SECOND)
        assert len(wire.of(lab.Got)) == int(ends)
        assert not ends or look.outcome == Ok(("book",))


@graded(points=2, title="Read repair", requirement="Dynamo 5: what is old is sent what is new")
def test_a_read_brings_a_home_that_was_away_up_to_date(lab: DynamoLab) -> None:
    _, second, third = homes(lab, "cart")
    for away in (second, third):
        simulation = cluster(lab, lab.Coordinator)
        ask_ok(simulation, "c1", lab.Put("cart", "old"))
        simulation.run(50 * MS)
        crash(simulation, away)
        assert shown(lab, simulation, "c1", "cart") == ("old",)
        ask_ok(simulation, "c1", lab.Put("cart", "new"))
        simulation.run(200 * MS)
        restart(simulation, away)
        assert values_at(simulation, away, "cart") == ["old"]
        assert shown(lab, simulation, "c2", "cart") == ("new",)
        simulation.run(simulation.now + 20 * MS)
        assert values_at(simulation, away, "cart") == ["new"]


@graded(points=1, title="The coordinator too", requirement="it is a home like the others")
def test_a_coordinator_that_was_away_is_repaired_by_its_own_read(lab: DynamoLab) -> None:
    first = homes(lab, "cart")[0]
    simulation = cluster(lab, lab.Coordinator)
    crash(simulation, first)
    ask_ok(simulation, "c1", lab.Put("cart", "book"))
    restart(simulation, first)
    assert values_at(simulation, first, "cart") is None
    assert shown(lab, simulation, "c2", "cart") == ("book",)
    simulation.run(simulation.now + 20 * MS)
    assert values_at(simulation, first, "cart") == ["book"]


@graded(points=1, title="Some is better", requirement="who answered late or not holds up no repair")
def test_those_that_answered_in_time_are_repaired_though_one_home_is_away(lab: DynamoLab) -> None:
    _, second, third = homes(lab, "cart")
    simulation = cluster(lab, lab.Coordinator)
    crash(simulation, second)
    ask_ok(simulation, "c1", lab.Put("cart", "book"))
    simulation.run(200 * MS)
    restart(simulation, second)
    crash(simulation, third)
    assert shown(lab, simulation, "c2", "cart") == ("book",)
    simulation.run(simulation.now + 20 * MS)
    assert values_at(simulation, second, "cart") is None, "the third home may still answer"
    simulation.run(simulation.now + 100 * MS)
    assert values_at(simulation, second, "cart") == ["book"]


@graded(points=1, title="All at once, once", requirement="each that is old, when all have answered")
def test_a_read_repairs_all_old_homes_and_itself_and_then_the_round_is_over(lab: DynamoLab) -> None:
    first, second, third = homes(lab, "cart")
    old, new = version(lab, "z", 1), version(lab, "z", 2, seen=(("z", 1),))
    node = lab.look_into("Coordinator")(first, tuple({*FIVE} - {first}))
    node.step(Start(0, {}))
    node.step(Receive(1, third, lab.Keep(0, "cart", (old,), first)))
    begun = node.step(Receive(2, "c1", lab.GetRequest(1, "cart")))
    (due,) = effects_of(SetTimer, begun)
    round = effects_of(Send, begun)[0].message.round
    told = effects_of(Send, node.step(Receive(3, second, lab.Found(round, (new,)))))
    assert [each.to for each in told] == ["c1"], "the third home may still answer"
    sibling = version(lab, "y", 1)
    ended = node.step(Receive(4, third, lab.Found(round, (sibling, old))))
    both = (sibling, new)
    assert [(each.key, each.value.versions) for each in effects_of(Save, ended)] == [
        (("held", "cart"), both)
    ]
    repairs = [(each.to, each.message) for each in effects_of(Send, ended)]
    assert repairs == [(home, lab.Keep(0, "cart", both, home)) for home in (second, third)]
    assert node.step(Receive(5, third, lab.Found(round, (old,)))) == [], "that comes too late"
    assert node.step(Fire(6, due.id, due.timer)) == [], "nothing is left to be done"


@graded(points=2, title="Both are kept", requirement="Dynamo 4.4, figure 3")
def test_two_clients_that_were_shown_the_same_both_write_and_a_third_one_merges(
    lab: DynamoLab,
) -> None:
    simulation = cluster(lab, lab.Coordinator)
    ask_ok(simulation, "c1", lab.Put("cart", "book"))
    for client in ("c1", "c2"):
        assert shown(lab, simulation, client, "cart") == ("book",)
    for client in ("c1", "c2"):
        ask_ok(simulation, client, lab.Put("cart", f"book of {client}"))
    assert set(shown(lab, simulation, "c3", "cart")) == {"book of c1", "book of c2"}
    ask_ok(simulation, "c3", lab.Put("cart", "both"))
    for client in ("c1", "c2"):
        assert shown(lab, simulation, client, "cart") == ("both",)
    for client in ("c1", "c2"):
        ask_ok(simulation, client, lab.Put("cart", "the same"))
    assert shown(lab, simulation, "c3", "cart") == ("the same",), "each value once"


@graded(points=1, title="The same again", requirement="who chooses one of two values replaces both")
def test_a_value_that_is_there_already_is_written_all_the_same(lab: DynamoLab) -> None:
    node = lab.Coordinator("n1", ("n2", "n3"))
    node.step(Start(0, {}))
    both = (version(lab, "y", 1), version(lab, "z", 1))
    node.step(Receive(1, "n2", lab.Keep(0, "x", both, "n1")))
    chosen = lab.PutRequest(1, "x", "y.1", lab.context_of(both))
    sent = effects_of(Send, node.step(Receive(2, "c1", chosen)))
    kept = {each.to: each.message.versions for each in sent if isinstance(each.message, lab.Keep)}
    for home in ("n2", "n3"):
        assert [each.value for each in kept[home]] == ["y.1"], "z.1 was shown, and not chosen"


@graded(points=2, title="A dot is used once", requirement="Preguiça 2010; riak_kv issue 679")
def test_an_actor_never_gives_a_number_again_though_it_has_lost_or_replaced_what_it_made(
    lab: DynamoLab,
) -> None:
    made = []
    saved: dict[Any, Any] = {}
    node = lab.look_into("Coordinator")("n1", ("n2", "n3"))
    node.step(Start(0, {}))
    for number, context in enumerate(((), (), (("n1/1", 2),), (("n1/1", 9), ("n2/4", 1))), 1):
        put = lab.PutRequest(number, "x", f"v{number}", context)
        saves = effects_of(Save, node.step(Receive(number, "c1", put)))
        saved |= {each.key: each.value for each in saves}
        (held,) = (each.value for each in saves if each.key == ("held", "x"))
        made += [each for each in held.versions if each.value == f"v{number}"]
    assert [(each.actor, each.number) for each in made] == [
        ("n1/1", 1), ("n1/1", 2), ("n1/1", 3), ("n1/1", 10)
    ]  # fmt: skip
    again = lab.look_into("Coordinator")("n1", ("n2", "n3"))
    again.step(Start(0, saved))
    for key, actor, number in (("x", "n1/1", 11), ("y", "n1/2", 1)):
        put = lab.PutRequest(9, key, "again", ())
        saves = effects_of(Save, again.step(Receive(9, "c1", put)))
        versions = next(each.value.versions for each in saves if each.key == ("held", key))
        (mine,) = (each for each in versions if each.value == "again")
        assert (mine.actor, mine.number) == (actor, number)
        saved |= {each.key: each.value for each in saves}
    third = lab.look_into("Coordinator")("n1", ("n2", "n3"))
    third.step(Start(0, saved))
    saves = effects_of(Save, third.step(Receive(9, "c1", lab.PutRequest(9, "z", "third", ()))))
    (held,) = (each.value for each in saves if each.key == ("held", "z"))
    assert held.actor == "n1/3", "each birth is counted on disk"


@graded(points=2, title="Never apart", requirement="a home sends all that it has of a key")
def test_the_versions_of_an_actor_travel_together(lab: DynamoLab) -> None:
    first, second, third = homes(lab, "cart")
    faults: list[Fault] = [
        Block(0, first, second), Block(0, first, third), Heal(100 * MS),
        Block(200 * MS, first, third),
    ]  # fmt: skip
    simulation = cluster(lab, lab.Coordinator, 0, faults, {"attempts": 1})
    alone = simulation.call("c1", lab.Put("cart", "alone"))
    simulation.run(220 * MS)
    ask_ok(simulation, "c2", lab.Put("cart", "second"))
    simulation.run(400 * MS)
    assert alone.outcome != Ok()
    assert values_at(simulation, second, "cart") == ["alone", "second"]


@graded(points=1, title="Not mine", requirement="who is no home of a key says so")
def test_a_node_that_is_no_home_of_a_key_does_not_answer_for_it(lab: DynamoLab) -> None:
    others = [node for node in FIVE if node not in homes(lab, "cart")]
    simulation = cluster(lab, lab.Coordinator, client={"servers": tuple(others), "attempts": 2})
    put = simulation.call("c1", lab.Put("cart", "book"))
    look = simulation.call("c2", lab.Get("cart"))
    simulation.run(2 * SECOND)
    assert "does not answer for the key" in str(put.outcome)
    assert "does not answer for the key" in str(look.outcome)
    assert with_key(simulation, "cart") == set()


@graded(points=1, title="Only what was asked", requirement="a round of 0 wants no answer")
def test_what_comes_without_a_round_is_kept_and_not_answered_and_old_answers_do_nothing(
    lab: DynamoLab,
) -> None:
    node = lab.look_into("Coordinator")("n1", ("n2", "n3"))
    node.step(Start(0, {}))
    one = version(lab, "n2/1", 1)
    quiet = node.step(Receive(1, "n2", lab.Keep(0, "x", (one,), "n1")))
    assert effects_of(Send, quiet) == []
    told = node.step(Receive(2, "n2", lab.Keep(7, "x", (one,), "n1")))
    assert [each.message for each in effects_of(Send, told)] == [lab.Kept(7)]
    assert effects_of(Save, told) == [], "it is there already"
    asked = node.step(Receive(3, "n2", lab.Ask(4, "unheard of")))
    assert [each.message for each in effects_of(Send, asked)] == [lab.Found(4, ())]
    assert effects_of(Save, asked) == [], "who is asked for a key has it no more than before"
    assert node.step(Receive(3, "n2", lab.Kept(5))) == []
    assert node.step(Receive(3, "n2", lab.Found(5, (one,)))) == []


@graded(points=1, title="Too late", requirement="an answer of an earlier life counts for nothing")
def test_an_answer_to_a_round_of_an_earlier_life_counts_for_no_round_of_this_one(
    lab: DynamoLab,
) -> None:
    saved: dict[Any, Any] = {}
    rounds: list[int] = []
    for _ in range(3):
        node = lab.look_into("Coordinator")("n1", ("n2", "n3"))
        first = node.step(Start(0, dict(saved)))
        after = node.step(Receive(1, "c1", lab.PutRequest(1, "x", "a", ())))
        saved |= {each.key: each.value for each in effects_of(Save, [*first, *after])}
        sent = [each.message for each in effects_of(Send, after)]
        rounds += {each.round for each in sent if isinstance(each, lab.Keep)}
        for old in rounds[:-1]:
            assert node.step(Receive(2, "n2", lab.Kept(old))) == []
    assert len(set(rounds)) == 3
    for word in (lab.PutRequest(1, "x", "a", ()), lab.GetRequest(2, "x")):
        node = lab.Coordinator("n1", ("n2", "n3"))
        node.step(Start(0, {}))
        (due,) = effects_of(SetTimer, node.step(Receive(1, "c1", word)))
        assert node.status()["rounds"] == 1
        over = node.step(Fire(2, due.id, due.timer))
        assert effects_of(Send, over) == [], "it cannot know, so it says nothing"
        assert node.status()["rounds"] == 0, "a round that waited long enough is over"


@graded(points=1, title="Without a home", requirement="no quorum, no word: the client says unknown")
def test_a_write_that_too_few_homes_have_ends_as_unknown_and_may_still_be_seen(
    lab: DynamoLab,
) -> None:
    _, second, third = homes(lab, "cart")
    simulation = cluster(lab, lab.Coordinator, client={"among": 3, "attempts": 3})
    crash(simulation, second, third)
    put = simulation.call("c1", lab.Put("cart", "book"))
    simulation.run(5 * SECOND)
    assert isinstance(put.outcome, Unknown)
    restart(simulation, second, third)
    assert shown(lab, simulation, "c2", "cart") == ("book",)
