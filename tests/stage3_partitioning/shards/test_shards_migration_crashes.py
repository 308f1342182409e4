"""Graded suite of the lab ``shards``, third part: what a crash in a migration leaves."""

from functools import partial
from typing import Any

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    Wire,
    ask,
    ask_ok,
    crash,
    has_ended,
    restart,
    run_until,
    trouble,
)
from common.values.history import Failed, Ok
from common.values.units import SECOND
from tests.stage3_partitioning.shards.lab import ShardsLab
from tests.stage3_partitioning.shards.room import (
    BEFORE,
    CLIENTS,
    ROUGH,
    SEVERAL,
    THREE,
    TWO_MORE,
    Bench,
    begun,
    busy,
    cluster,
    documents,
    fill,
    held,
    member,
    must_be_right,
    request,
    settle,
    table,
    taken,
    where,
)

LAB = "shards"


@graded(points=3, title="Critical section", requirement="closed; a crash opens nothing")
def test_in_the_critical_section_nothing_is_read_or_written_not_even_after_a_crash(
    lab: ShardsLab,
) -> None:
    bench = begun(lab)
    bench.hears("n3", taken(lab, 0))
    disk = dict(bench.disk)
    for _ in range(2):
        for key, closed in (("d", True), ("lz", True), ("c", False), ("m", False)):
            answers: Any = bench.hears("c1", request(lab, lab.Get(key), 7))
            assert (answers == [("c1", lab.StaleConfig(7, (2, 1)))]) == closed, f"{key} is closed"
        answers = bench.hears("c1", request(lab, lab.Append("e", "+"), 8))
        assert answers == [("c1", lab.StaleConfig(8, (2, 1)))]
        answers = bench.hears("c1", lab.Look(9, (2, 1), "d", "f", 0))
        assert answers == [("c1", lab.StaleConfig(9, (2, 1)))]
        assert bench.disk == disk
        bench.restart()
    owns_two = member(lab, "n2", *TWO_MORE, disk=held("abde"))
    owns_two.hears("n1", lab.MoveChunk(table(lab, *TWO_MORE), "d", "n3"))
    owns_two.hears("n3", taken(lab, 0))
    ((_, seen),) = owns_two.hears("c1", lab.Look(9, (2, 1), "a", "z", 0))
    assert seen == lab.Seen(9, (("a", "of a"), ("b", "of b")), "d"), "up to what is closed"


@graded(points=3, title="Too late", requirement="what was given up is never committed")
def test_a_commit_that_is_overtaken_by_its_giving_up_moves_nothing(lab: ShardsLab) -> None:
    before = table(lab, *BEFORE)
    bench = Bench(partial(lab.QuietServer, "n1", ("n2", "n3")), {"table": before})
    bench.hears("n2", lab.GiveUp((2, 1), "d"))
    touched = bench.disk["table"]
    assert touched == lab.touched(before, "d")
    assert bench.hears("n2", lab.Commit((2, 1), "d", "n3")) == [("n2", lab.TableIs(touched))]
    assert bench.disk["table"] == touched
    assert bench.hears("n2", lab.GiveUp((2, 1), "d")) == [("n2", lab.TableIs(touched))]


@graded(points=3, title="After a crash", requirement="a donor asks until the table is newer")
def test_a_donor_that_comes_back_gives_up_and_the_newer_table_says_whose_the_chunk_is(
    lab: ShardsLab,
) -> None:
    for closed in (False, True):
        for committed in (False, True):
            bench = begun(lab, batch=1 if not closed else 100)
            bench.hears("n3", taken(lab, 0))
            bench.restart()
            for _ in range(2):
                sent = bench.ticks(lab.MigrationTick)
                assert sent == [("n1", lab.GiveUp((2, 1), "d"))]
            assert bench.hears("n3", taken(lab, 1)) == [], "it does not know how far it had got"
            before = table(lab, *BEFORE)
            order = lab.MoveChunk(before, "d", "n3")
            assert bench.hears("n1", order) == [], "it was begun, and may be committed still"
            end = lab.moved(before, "d", "n3") if committed else lab.touched(before, "d")
            bench.hears("n1", lab.TableIs(end))
            assert "donating" not in bench.disk
            version = lab.shard_version(end, "n2")
            sent = bench.hears("c1", request(lab, lab.Get("e"), 1, (2, 2)))
            expected: Any = lab.StaleConfig(1, version) if committed else lab.Found(1, "of e")
            assert ("c1", expected) in sent
            assert bench.ticks(lab.MigrationTick) == []


@graded(points=2, title="Over", requirement="a newer table ends what began before it")
def test_a_recipient_asks_what_became_of_it_and_owns_or_deletes_what_it_has(
    lab: ShardsLab,
) -> None:
    before = table(lab, *BEFORE)
    for committed in (False, True):
        bench = member(lab, "n3")
        bench.hears("n2", lab.Receive(before, "d"))
        bench.hears("n2", lab.Batch((2, 1), 1, (lab.Item("e", "of e", ()),)))
        assert bench.ticks(lab.MigrationTick) == [("n1", lab.TableAsked())]
        assert documents(bench.disk) == {"e": "of e"}, "it may become this shard's"
        ((_, seen),) = bench.hears("c1", lab.Look(1, (1, 0), "m", "z", 0))
        assert seen == lab.Seen(1, (), "z")
        end = lab.moved(before, "d", "n3") if committed else lab.touched(before, "d")
        bench.hears("n1", lab.TableIs(end))
        assert "incoming" not in bench.disk
        assert bench.ticks(lab.MigrationTick) == []
        assert documents(bench.disk) == ({"e": "of e"} if committed else {})
        assert bench.hears("n2", lab.Batch((2, 1), 2, ())) == []
        assert bench.hears("n2", lab.Receive(before, "d")) == [], "that was long ago"


@graded(points=2, title="Said again", requirement="what is not answered, and then it gives up")
def test_a_donor_says_it_again_and_gives_up_when_the_recipient_is_silent(lab: ShardsLab) -> None:
    bench = begun(lab)
    receive = ("n3", lab.Receive(table(lab, *BEFORE), "d"))
    assert [bench.ticks(lab.MigrationTick) for _ in range(10)] == [[receive]] * 10
    ((_, batch),) = bench.hears("n3", taken(lab, 0))
    assert [bench.ticks(lab.MigrationTick) for _ in range(10)] == [[("n3", batch)]] * 10
    give_up = [("n1", lab.GiveUp((2, 1), "d"))]
    assert [bench.ticks(lab.MigrationTick) for _ in range(3)] == [give_up] * 3
    assert bench.hears("n3", taken(lab, 1)) == [], "too late: it never commits after that"
    closed = [("c1", lab.StaleConfig(1, (2, 1)))]
    assert bench.hears("c1", request(lab, lab.Get("e"))) == closed, "until the table is newer"
    bench = begun(lab)
    bench.hears("n3", taken(lab, 0))
    commit = bench.hears("n3", taken(lab, 1))
    assert [bench.ticks(lab.MigrationTick) for _ in range(15)] == [commit] * 15


@graded(points=2, title="A dead recipient", requirement="the chunk stays, and is served again")
def test_a_chunk_whose_recipient_is_dead_stays_where_it_was_and_is_served(lab: ShardsLab) -> None:
    simulation = cluster(lab, partial(lab.QuietServer, batch=3))
    fill(lab, simulation)
    crash(simulation, "n2")
    move = ask(simulation, "c1", lab.MoveTo("k0", "n2"), 10 * SECOND)
    assert not isinstance(move.outcome, Ok)
    ask_ok(simulation, "c2", lab.Append("k0", "+"))
    restart(simulation, "n2")
    ask_ok(simulation, "c1", lab.MoveTo("k0", "n2"))
    assert ask_ok(simulation, "c2", lab.Get("k0")) == "of k0+"
    refused = ask(simulation, "c1", lab.MoveTo("k0", "n9"))
    assert isinstance(refused.outcome, Failed)


@graded(points=3, title="Config server away", requirement="closed until somebody has decided")
def test_while_nobody_can_decide_a_closed_chunk_stays_closed_and_then_it_moves(
    lab: ShardsLab,
) -> None:
    simulation = cluster(lab, lab.QuietServer, observers=[wire := Wire()])
    ask_ok(simulation, "c1", lab.MoveTo("k0", "n2"))
    fill(lab, simulation)
    simulation.call("c1", lab.MoveTo("k0", "n3"))
    wire.forget()
    run_until(simulation, lambda: bool(wire.of(lab.Commit)))
    crash(simulation, "n1")
    look = simulation.call("c2", lab.Get("k0"))
    assert not has_ended(simulation, look, SECOND), "n2 does not know whether it may answer"
    restart(simulation, "n1")
    assert has_ended(simulation, look)
    assert look.outcome == Ok("of k0")
    settle(simulation)
    assert where(simulation, "k0") == ["n3"]


@graded(points=4, title="Every kind of trouble", requirement="each key is one register throughout")
def test_each_key_is_a_register_and_scans_show_each_document_once_under_all_kinds_of_trouble(
    lab: ShardsLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL * 2):
        kinds = ("crash", "crash", "partition", "pause", "link", "clock", "disk")
        faults = trouble(seed, kinds, hit=THREE, others=CLIENTS, until=2 * SECOND)
        node = partial(lab.QuietServer, batch=1 + seed % 3)
        hashed = bool(seed % 2)
        simulation = cluster(lab, node, seed, faults, link=ROUGH, hashed=hashed)
        work = busy(lab, simulation, 14)
        assert simulation.run_until(lambda work=work: work.done, 60 * SECOND)  # type: ignore[misc]
        must_be_right(simulation.history)
        ok = [each for each in simulation.history if isinstance(each.outcome, Ok)]
        assert len(ok) > len(simulation.history) // 2, "operations are carried out"
        settle(simulation, 3 * SECOND)
        disks = [documents(simulation.on_disk(node)) for node in THREE]
        places = [place for disk in disks for place in disk]
        assert len(places) == len(set(places)), "no orphan is left in the end"


@graded(points=2, title="Behind", requirement="the donor's message has the table")
def test_a_recipient_that_is_behind_takes_the_table_that_comes_with_the_chunk(
    lab: ShardsLab,
) -> None:
    bench = member(lab, "n3", *TWO_MORE)
    newer = lab.moved(table(lab, *TWO_MORE), "", "n1")
    assert bench.hears("n2", lab.Receive(newer, "d")) == [("n2", lab.Taken((3, 1), 0))]
    assert bench.disk["table"] == newer
    assert bench.hears("n2", lab.Receive(table(lab, *TWO_MORE), "d")) == [], "that is old"


@graded(points=1, title="Its bounds", requirement="what is coming stays, and nothing beside it")
def test_at_a_tick_what_is_coming_stays_from_its_first_place_to_its_last_and_orphans_go(
    lab: ShardsLab,
) -> None:
    bench = member(lab, "n1", disk=held("am"))
    bench.hears("n2", lab.Receive(table(lab, *BEFORE), "d"))
    items = tuple(lab.Item(place, f"of {place}", ()) for place in ("d", "lz"))
    bench.hears("n2", lab.Batch((2, 1), 1, items))
    bench.ticks(lab.MigrationTick)
    assert sorted(documents(bench.disk)) == ["a", "d", "lz"]
