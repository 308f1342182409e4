"""Graded suite of the lab ``shards``, third part: a chunk moves while clients write to it."""

from functools import partial
from typing import Any

from common.course.suites.grading import graded
from common.course.suites.kit import (
    ask_ok,
    has_ended,
)
from common.values.units import MS, SECOND
from tests.stage3_partitioning.shards.lab import ShardsLab
from tests.stage3_partitioning.shards.room import (
    BEFORE,
    KEYS,
    TWO_MORE,
    Bench,
    begun,
    cluster,
    documents,
    fill,
    held,
    member,
    request,
    settle,
    table,
    taken,
    where,
)

LAB = "shards"


@graded(points=3, title="There and back", requirement="the document goes, and is found")
def test_a_chunk_goes_to_another_shard_and_comes_back_with_all_that_is_in_it(
    lab: ShardsLab,
) -> None:
    simulation = cluster(lab, partial(lab.QuietServer, batch=3))
    fill(lab, simulation)
    for to in ("n2", "n3", "n1", "n3"):
        ask_ok(simulation, "c1", lab.MoveTo("k3", to))
        for key in KEYS:
            assert ask_ok(simulation, "c2", lab.Get(key)) == f"of {key}"
        settle(simulation)
        assert [where(simulation, key) for key in KEYS] == [[to]] * len(KEYS), "and nowhere else"
    assert len(ask_ok(simulation, "c2", lab.Scan("", "z"))) == len(KEYS)


@graded(points=4, title="Written meanwhile", requirement="catch-up: writes and deletions too")
def test_what_is_written_and_deleted_during_a_migration_is_at_the_new_owner(
    lab: ShardsLab,
) -> None:
    for delay in (12 * MS, 30 * MS, 50 * MS, 70 * MS):
        simulation = cluster(lab, partial(lab.QuietServer, batch=2))
        fill(lab, simulation)
        move = simulation.call("c1", lab.MoveTo("k3", "n2"))
        settle(simulation, delay)
        for key in ("k0", "k7"):
            ask_ok(simulation, "c2", lab.Append(key, "+"))
        ask_ok(simulation, "c2", lab.Delete("k1"))
        ask_ok(simulation, "c2", lab.Delete("k6"))
        ask_ok(simulation, "c2", lab.Put("k9", "new"))
        assert has_ended(simulation, move)
        settle(simulation)
        expected: dict[str, object] = {key: f"of {key}" for key in ("k2", "k3", "k4", "k5")}
        expected |= {"k0": "of k0+", "k7": "of k7+", "k9": "new"}
        assert documents(simulation.on_disk("n2")) == expected, f"written {delay} µs later"
        assert documents(simulation.on_disk("n1")) == {}


@graded(points=2, title="Batches", requirement="in order, each when the one before is on disk")
def test_a_donor_sends_a_batch_when_the_one_before_is_taken_and_closes_before_the_last(
    lab: ShardsLab,
) -> None:
    bench = begun(lab, "defgz", batch=2)
    assert bench.hears("n3", taken(lab, 1)) == [], "that answers nothing that was sent"
    ((to, first),) = bench.hears("n3", taken(lab, 0))
    assert (to, first.migration, first.number) == ("n3", (2, 1), 1)
    assert [item.place for item in first.items] == ["d", "e"]
    assert bench.hears("n3", taken(lab, 0)) == []
    assert bench.hears("n3", lab.Taken((2, 0), 1)) == []
    bench.hears("c1", request(lab, lab.Append("d", "+")))
    ((_, second),) = bench.hears("n3", taken(lab, 1))
    assert [(item.place, item.value) for item in second.items] == [("d", "of d+"), ("f", "of f")]
    assert bench.hears("c1", request(lab, lab.Delete("e"), 2)) == [("c1", lab.Written(2, True))]
    ((_, last),) = bench.hears("n3", taken(lab, 2))
    assert [(item.place, item.value) for item in last.items] == [("e", None), ("g", "of g")]
    assert "donating" in bench.saved(), "that it is closed is on disk"
    assert bench.hears("n3", taken(lab, 3)) == [("n1", lab.Commit((2, 1), "d", "n3"))]
    assert bench.hears("n3", taken(lab, 3)) == [], "once"


@graded(points=2, title="Only what moves", requirement="what is written beside the chunk stays")
def test_what_is_written_beside_the_chunk_that_moves_is_not_sent(lab: ShardsLab) -> None:
    bench = member(lab, "n2", *TWO_MORE, disk=held("abde"), batch=1)
    bench.hears("n1", lab.MoveChunk(table(lab, *TWO_MORE), "", "n3"))
    bench.hears("n3", taken(lab, 0))
    for number, place in enumerate("de", 1):
        bench.hears("c1", request(lab, lab.Append(place, "+"), number))
    ((_, last),) = bench.hears("n3", taken(lab, 1))
    assert [item.place for item in last.items] == ["b"]
    assert bench.hears("n3", taken(lab, 2)) == [("n1", lab.Commit((2, 1), "", "n3"))]


@graded(points=2, title="Open until then", requirement="while it clones, a chunk is the donor's")
def test_until_the_critical_section_a_donor_reads_and_writes_as_ever(lab: ShardsLab) -> None:
    bench = begun(lab, batch=1)
    bench.hears("n3", taken(lab, 0))
    assert bench.hears("c1", request(lab, lab.Append("e", "+"))) == [("c1", lab.Written(1, True))]
    bench.restart()
    assert bench.hears("c1", request(lab, lab.Get("e"))) == [("c1", lab.Found(1, "of e+"))]
    assert bench.hears("c1", request(lab, lab.Put("e", "-"), 2)) == [("c1", lab.Written(2, True))]


@graded(points=3, title="One moment", requirement="a commit counts at its own table, once")
def test_a_commit_counts_once_and_only_if_nothing_has_changed_since_the_migration_began(
    lab: ShardsLab,
) -> None:
    made = partial(lab.QuietServer, "n1", ("n2", "n3"))
    before = table(lab, *BEFORE)
    after = lab.moved(before, "d", "n3")
    bench = Bench(made, {"table": before})
    sent = bench.hears("n2", lab.Commit((2, 1), "d", "n3"))
    assert sent.count(("n2", lab.TableIs(after))) >= 1
    assert bench.disk["table"] == after
    commits = lab.Commit((2, 1), "d", "n3"), lab.Commit((2, 1), "m", "n2")
    for late in (*commits, lab.GiveUp((2, 1), "d")):
        assert bench.hears("n2", late) == [("n2", lab.TableIs(after))], "told, and not changed"
    bench.restart()
    assert bench.disk["table"] == after


@graded(points=2, title="Old orphans", requirement="what lies there from before is deleted first")
def test_a_recipient_deletes_what_lies_in_the_range_before_it_takes_anything(
    lab: ShardsLab,
) -> None:
    bench = member(lab, "n3", disk=held("cdflmz"))
    bench.hears("n2", lab.Receive(table(lab, *BEFORE), "d"))
    assert sorted(documents(bench.disk)) == ["c", "m", "z"]
    items = (lab.Item("e", "of e", ()),)
    bench.hears("n2", lab.Batch((2, 1), 1, items))
    bench.hears("n2", lab.Receive(table(lab, *BEFORE), "d"))
    assert sorted(documents(bench.disk)) == ["c", "e", "m", "z"], "once: what has come stays"


@graded(points=3, title="Nothing comes back", requirement="deleted at the donor, gone for good")
def test_what_was_deleted_does_not_come_back_with_a_chunk_that_comes_back(
    lab: ShardsLab,
) -> None:
    simulation = cluster(lab, partial(lab.QuietServer, again_after=10 * SECOND))
    fill(lab, simulation)
    ask_ok(simulation, "c1", lab.MoveTo("k0", "n2"))
    assert where(simulation, "k0") == ["n1", "n2"], "n1 has an orphan"
    ask_ok(simulation, "c1", lab.Delete("k0"))
    ask_ok(simulation, "c1", lab.Put("k1", "new"))
    assert len(ask_ok(simulation, "c2", lab.Scan("", "z"))) == len(KEYS) - 1
    ask_ok(simulation, "c1", lab.MoveTo("k0", "n1"))
    assert ask_ok(simulation, "c2", lab.Get("k0")) is None
    assert ask_ok(simulation, "c2", lab.Get("k1")) == "new"


@graded(points=3, title="Taken once", requirement="the next batch, once; of the migration at hand")
def test_a_recipient_takes_each_batch_once_in_order_and_from_its_donor(lab: ShardsLab) -> None:
    bench = member(lab, "n3")
    receive = lab.Receive(table(lab, *BEFORE), "d")
    assert bench.hears("n2", lab.Batch((2, 1), 1, ())) == [], "nothing is coming"
    assert bench.hears("n2", receive) == [("n2", taken(lab, 0))]

    def batch(number: int, value: str, migration: Any = (2, 1)) -> Any:
        return lab.Batch(migration, number, (lab.Item("e", value, ()),))

    bench.restart()
    assert bench.hears("n2", batch(2, "b")) == [], "one is missing"
    assert bench.hears("n2", batch(1, "a")) == [("n2", taken(lab, 1))]
    assert set(bench.saved()) == {"incoming", ("document", "e")}
    assert bench.hears("n2", batch(2, "b")) == [("n2", taken(lab, 2))]
    bench.restart()
    assert bench.hears("n2", batch(1, "a")) == [("n2", taken(lab, 1))], "answered again"
    assert bench.hears("n1", batch(3, "x")) == []
    assert bench.hears("n2", batch(3, "x", (2, 0))) == []
    assert documents(bench.disk) == {"e": "b"}
    assert bench.hears("n2", receive) == [("n2", taken(lab, 2))]
    assert bench.hears("n1", receive) == [], "another chunk is coming"


@graded(points=3, title="Sessions move", requirement="a retryable write is not done twice")
def test_a_change_that_comes_again_to_the_next_owner_is_answered_and_not_done_again(
    lab: ShardsLab,
) -> None:
    donor = member(lab, "n2", disk=held("def"))
    donor.hears("c1", request(lab, lab.Append("e", "+"), 5))
    donor.hears("c2", lab.Request(3, "c2/0", (2, 1), lab.Delete("f")))
    donor.hears("n1", lab.MoveChunk(table(lab, *BEFORE), "d", "n3"))
    ((_, batch),) = donor.hears("n3", taken(lab, 0))
    recipient = member(lab, "n3", disk={("session", "c3/0"): lab.Session(9, "z", True)})
    recipient.hears("n2", lab.Receive(table(lab, *BEFORE), "d"))
    recipient.hears("n2", batch)
    recipient.hears("n1", lab.TableIs(lab.moved(table(lab, *BEFORE), "d", "n3")))
    again = request(lab, lab.Append("e", "+"), 5, (3, 0))
    assert recipient.hears("c1", again) == [("c1", lab.Written(5, True))]
    gone = lab.Request(3, "c2/0", (3, 0), lab.Delete("f"))
    assert recipient.hears("c2", gone) == [("c2", lab.Written(3, True))], "as it was then"
    assert documents(recipient.disk) == {"d": "of d", "e": "of e+"}


@graded(points=2, title="The later one", requirement="of two changes of a session")
def test_of_a_session_the_later_change_holds_whether_it_came_or_was_here(lab: ShardsLab) -> None:
    here = {("session", name): lab.Session(5, "z", True) for name in ("c1/0", "c2/0", "c3/0")}
    bench = member(lab, "n3", disk=here)
    bench.hears("n2", lab.Receive(table(lab, *BEFORE), "d"))
    came = {"c1/0": 4, "c2/0": 6, "c4/0": 2}
    sessions = tuple((name, lab.Session(number, "e", False)) for name, number in came.items())
    bench.hears("n2", lab.Batch((2, 1), 1, (lab.Item("e", "of e", sessions),)))
    deleted = ("c5/0", lab.Session(3, "f", True))
    bench.hears("n2", lab.Batch((2, 1), 2, (lab.Item("f", None, (deleted,)),)))
    found = {key[1]: value.number for key, value in bench.disk.items() if key[0] == "session"}
    assert found == {"c1/0": 5, "c2/0": 6, "c3/0": 5, "c4/0": 2, "c5/0": 3}, "and on disk"


@graded(points=2, title="What moves with it", requirement="the document, and who changed it last")
def test_an_item_has_the_sessions_whose_latest_change_was_there(lab: ShardsLab) -> None:
    bench = member(lab, "n2", disk=held("d"))
    for number, (session, key) in enumerate([("b", "d"), ("a", "d"), ("c", "d"), ("c", "e")], 1):
        bench.hears("c1", request(lab, lab.Put(key, "x"), number, session=session))
    failed = request(lab, lab.CompareAndSet("d", "other", "y"), 9, session="e")
    assert bench.hears("c1", failed) == [("c1", lab.Written(9, False))]
    bench.hears("n1", lab.MoveChunk(table(lab, *BEFORE), "d", "n3"))
    ((_, batch),) = bench.hears("n3", taken(lab, 0))
    told = [(item.place, [name for name, _ in item.sessions]) for item in batch.items]
    assert told == [("d", ["a", "b", "e"]), ("e", ["c"])], "also one that has changed nothing"


@graded(points=2, title="Orphans", requirement="deleted, unless they are owned again by then")
def test_orphans_are_deleted_a_few_at_a_time_and_what_is_owned_stays(lab: ShardsLab) -> None:
    parts = (("", "n1", (3, 1)), ("d", "n2", (2, 1)), ("h", "n1", (3, 0)), ("m", "n2", (2, 0)))
    bench = member(lab, "n2", *parts, disk=held("zkjeibm"), batch=2)
    assert sorted(documents(bench.disk)) == ["b", "e", "i", "j", "k", "m", "z"]
    bench.ticks(lab.MigrationTick)
    assert sorted(documents(bench.disk)) == ["e", "j", "k", "m", "z"], "two of them, in order"
    bench.hears("n1", lab.TableIs(lab.moved(table(lab, *parts), "h", "n2")))
    bench.ticks(lab.MigrationTick)
    assert sorted(documents(bench.disk)) == ["e", "j", "k", "m", "z"], "they are n2's again"


@graded(points=2, title="One at a time", requirement="an order that is old, or twice, is none")
def test_a_donor_begins_only_what_its_table_and_the_config_servers_agree_on(
    lab: ShardsLab,
) -> None:
    before = table(lab, *BEFORE)
    bench = begun(lab)
    assert bench.hears("n1", lab.MoveChunk(before, "d", "n3")) == [], "it is under way"
    bench.hears("n1", lab.TableIs(lab.touched(before, "d")))
    assert bench.hears("n1", lab.MoveChunk(before, "d", "n3")) == [], "that was given up"
    assert bench.hears("n1", lab.MoveChunk(lab.touched(before, "d"), "m", "n1")) == [], "n3's"
    newer = lab.moved(lab.touched(before, "d"), "", "n2")
    assert bench.hears("n1", lab.MoveChunk(newer, "", "n3")) == [("n3", lab.Receive(newer, ""))]
    assert bench.disk["table"] == newer
