"""Graded suite of the lab ``shards``, third part: a chunk moves while clients write to it."""

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
from common.values.units import MS, SECOND
from tests.stage3_partitioning.shards.lab import ShardsLab
from tests.stage3_partitioning.shards.room import (
    CLIENTS,
    KEYS,
    ROUGH,
    SEVERAL,
    THREE,
    Bench,
    busy,
    cluster,
    documents,
    fill,
    must_be_right,
    settle,
    table,
    where,
)

LAB = "shards"
BEFORE = (("", "n1", (2, 0)), ("d", "n2", (2, 1)), ("m", "n3", (1, 0)))
TWO_MORE = (("", "n2", (2, 0)), ("d", "n2", (2, 1)), ("m", "n3", (1, 0)))


def member(lab: ShardsLab, id: str, *parts: Any, disk: Any = None, **options: Any) -> Bench:
    """A shard that gives and takes chunks, by hand, with this table on its disk."""
    others = tuple(name for name in THREE if name != id)
    made = partial(lab.Migrating, id, others, **options)
    return Bench(made, {"table": table(lab, *(parts or BEFORE)), **(disk or {})})


def held(places: str) -> dict[Any, str]:
    """Documents on a disk."""
    return {("document", place): f"of {place}" for place in places}


def begun(lab: ShardsLab, places: str = "defg", **options: Any) -> Bench:
    """A donor, n2, that has told n3 that its chunk from d to m is about to come."""
    bench = member(lab, "n2", disk=held(places), **options)
    sent = bench.receive("n1", lab.MoveChunk(table(lab, *BEFORE), "d", "n3"))
    assert sent == [("n3", lab.Receive(table(lab, *BEFORE), "d"))]
    return bench


def taken(lab: ShardsLab, number: int) -> Any:
    """What the recipient answers."""
    return lab.Taken((2, 1), number)


def request(
    lab: ShardsLab, command: Any, number: int = 1, version: Any = (2, 1), session: str = "c1/0"
) -> Any:
    """A router's."""
    return lab.Request(number, session, version, command)


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
    assert bench.receive("n3", taken(lab, 1)) == [], "that answers nothing that was sent"
    ((to, first),) = bench.receive("n3", taken(lab, 0))
    assert (to, first.migration, first.number) == ("n3", (2, 1), 1)
    assert [item.place for item in first.items] == ["d", "e"]
    assert bench.receive("n3", taken(lab, 0)) == []
    assert bench.receive("n3", lab.Taken((2, 0), 1)) == []
    bench.receive("c1", request(lab, lab.Append("d", "+")))
    ((_, second),) = bench.receive("n3", taken(lab, 1))
    assert [(item.place, item.value) for item in second.items] == [("d", "of d+"), ("f", "of f")]
    assert bench.receive("c1", request(lab, lab.Delete("e"), 2)) == [("c1", lab.Written(2, True))]
    ((_, last),) = bench.receive("n3", taken(lab, 2))
    assert [(item.place, item.value) for item in last.items] == [("e", None), ("g", "of g")]
    assert "donating" in bench.saved(), "that it is closed is on disk"
    assert bench.receive("n3", taken(lab, 3)) == [("n1", lab.Commit((2, 1), "d", "n3"))]
    assert bench.receive("n3", taken(lab, 3)) == [], "once"


@graded(points=3, title="Critical section", requirement="closed; a crash opens nothing")
def test_in_the_critical_section_nothing_is_read_or_written_not_even_after_a_crash(
    lab: ShardsLab,
) -> None:
    bench = begun(lab)
    bench.receive("n3", taken(lab, 0))
    disk = dict(bench.disk)
    for _ in range(2):
        for key, closed in (("d", True), ("lz", True), ("c", False), ("m", False)):
            answers: Any = bench.receive("c1", request(lab, lab.Get(key), 7))
            assert (answers == [("c1", lab.StaleConfig(7, (2, 1)))]) == closed, f"{key} is closed"
        answers = bench.receive("c1", request(lab, lab.Append("e", "+"), 8))
        assert answers == [("c1", lab.StaleConfig(8, (2, 1)))]
        answers = bench.receive("c1", lab.Look(9, (2, 1), "d", "f", 0))
        assert answers == [("c1", lab.StaleConfig(9, (2, 1)))]
        assert bench.disk == disk
        bench.restart()
    owns_two = member(lab, "n2", *TWO_MORE, disk=held("abde"))
    owns_two.receive("n1", lab.MoveChunk(table(lab, *TWO_MORE), "d", "n3"))
    owns_two.receive("n3", taken(lab, 0))
    ((_, seen),) = owns_two.receive("c1", lab.Look(9, (2, 1), "a", "z", 0))
    assert seen == lab.Seen(9, (("a", "of a"), ("b", "of b")), "d"), "up to what is closed"


@graded(points=2, title="Open until then", requirement="while it clones, a chunk is the donor's")
def test_until_the_critical_section_a_donor_reads_and_writes_as_ever(lab: ShardsLab) -> None:
    bench = begun(lab, batch=1)
    bench.receive("n3", taken(lab, 0))
    assert bench.receive("c1", request(lab, lab.Append("e", "+"))) == [("c1", lab.Written(1, True))]
    bench.restart()
    assert bench.receive("c1", request(lab, lab.Get("e"))) == [("c1", lab.Found(1, "of e+"))]


@graded(points=3, title="One moment", requirement="a commit counts at its own table, once")
def test_a_commit_counts_once_and_only_if_nothing_has_changed_since_the_migration_began(
    lab: ShardsLab,
) -> None:
    made = partial(lab.QuietServer, "n1", ("n2", "n3"))
    before = table(lab, *BEFORE)
    after = lab.moved(before, "d", "n3")
    bench = Bench(made, {"table": before})
    sent = bench.receive("n2", lab.Commit((2, 1), "d", "n3"))
    assert sent.count(("n2", lab.TableIs(after))) >= 1
    assert bench.disk["table"] == after
    commits = lab.Commit((2, 1), "d", "n3"), lab.Commit((2, 1), "m", "n2")
    for late in (*commits, lab.GiveUp((2, 1), "d")):
        assert bench.receive("n2", late) == [("n2", lab.TableIs(after))], "told, and not changed"
    bench.restart()
    assert bench.disk["table"] == after


@graded(points=3, title="Too late", requirement="what was given up is never committed")
def test_a_commit_that_is_overtaken_by_its_giving_up_moves_nothing(lab: ShardsLab) -> None:
    before = table(lab, *BEFORE)
    bench = Bench(partial(lab.QuietServer, "n1", ("n2", "n3")), {"table": before})
    bench.receive("n2", lab.GiveUp((2, 1), "d"))
    touched = bench.disk["table"]
    assert touched == lab.touched(before, "d")
    assert bench.receive("n2", lab.Commit((2, 1), "d", "n3")) == [("n2", lab.TableIs(touched))]
    assert bench.disk["table"] == touched
    assert bench.receive("n2", lab.GiveUp((2, 1), "d")) == [("n2", lab.TableIs(touched))]


@graded(points=3, title="After a crash", requirement="a donor asks until the table is newer")
def test_a_donor_that_comes_back_gives_up_and_the_newer_table_says_whose_the_chunk_is(
    lab: ShardsLab,
) -> None:
    for closed in (False, True):
        for committed in (False, True):
            bench = begun(lab, batch=1 if not closed else 100)
            bench.receive("n3", taken(lab, 0))
            bench.restart()
            for _ in range(2):
                sent = bench.fire(lab.MigrationTick)
                assert sent == [("n1", lab.GiveUp((2, 1), "d"))]
            assert bench.receive("n3", taken(lab, 1)) == [], "it does not know how far it had got"
            before = table(lab, *BEFORE)
            end = lab.moved(before, "d", "n3") if committed else lab.touched(before, "d")
            bench.receive("n1", lab.TableIs(end))
            assert "donating" not in bench.disk
            version = lab.shard_version(end, "n2")
            sent = bench.receive("c1", request(lab, lab.Get("e"), 1, (2, 2)))
            expected: Any = lab.StaleConfig(1, version) if committed else lab.Found(1, "of e")
            assert ("c1", expected) in sent
            assert bench.fire(lab.MigrationTick) == []


@graded(points=2, title="Old orphans", requirement="what lies there from before is deleted first")
def test_a_recipient_deletes_what_lies_in_the_range_before_it_takes_anything(
    lab: ShardsLab,
) -> None:
    bench = member(lab, "n3", disk=held("cdflmz"))
    bench.receive("n2", lab.Receive(table(lab, *BEFORE), "d"))
    assert sorted(documents(bench.disk)) == ["c", "m", "z"]
    items = (lab.Item("e", "of e", ()),)
    bench.receive("n2", lab.Batch((2, 1), 1, items))
    bench.receive("n2", lab.Receive(table(lab, *BEFORE), "d"))
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
    assert bench.receive("n2", lab.Batch((2, 1), 1, ())) == [], "nothing is coming"
    assert bench.receive("n2", receive) == [("n2", taken(lab, 0))]

    def batch(number: int, value: str, migration: Any = (2, 1)) -> Any:
        return lab.Batch(migration, number, (lab.Item("e", value, ()),))

    assert bench.receive("n2", batch(2, "b")) == [], "one is missing"
    assert bench.receive("n2", batch(1, "a")) == [("n2", taken(lab, 1))]
    assert set(bench.saved()) == {"incoming", ("document", "e")}
    assert bench.receive("n2", batch(2, "b")) == [("n2", taken(lab, 2))]
    bench.restart()
    assert bench.receive("n2", batch(1, "a")) == [("n2", taken(lab, 1))], "answered again"
    assert bench.receive("n1", batch(3, "x")) == []
    assert bench.receive("n2", batch(3, "x", (2, 0))) == []
    assert documents(bench.disk) == {"e": "b"}
    assert bench.receive("n2", receive) == [("n2", taken(lab, 2))]
    assert bench.receive("n1", receive) == [], "another chunk is coming"


@graded(points=2, title="Over", requirement="a newer table ends what began before it")
def test_a_recipient_asks_what_became_of_it_and_owns_or_deletes_what_it_has(
    lab: ShardsLab,
) -> None:
    before = table(lab, *BEFORE)
    for committed in (False, True):
        bench = member(lab, "n3")
        bench.receive("n2", lab.Receive(before, "d"))
        bench.receive("n2", lab.Batch((2, 1), 1, (lab.Item("e", "of e", ()),)))
        assert bench.fire(lab.MigrationTick) == [("n1", lab.TableAsked())]
        assert documents(bench.disk) == {"e": "of e"}, "it may become this shard's"
        ((_, seen),) = bench.receive("c1", lab.Look(1, (1, 0), "m", "z", 0))
        assert seen == lab.Seen(1, (), "z")
        end = lab.moved(before, "d", "n3") if committed else lab.touched(before, "d")
        bench.receive("n1", lab.TableIs(end))
        assert "incoming" not in bench.disk
        assert bench.fire(lab.MigrationTick) == []
        assert documents(bench.disk) == ({"e": "of e"} if committed else {})
        assert bench.receive("n2", lab.Batch((2, 1), 2, ())) == []
        assert bench.receive("n2", lab.Receive(before, "d")) == [], "that was long ago"


@graded(points=3, title="Sessions move", requirement="a retryable write is not done twice")
def test_a_change_that_comes_again_to_the_next_owner_is_answered_and_not_done_again(
    lab: ShardsLab,
) -> None:
    donor = member(lab, "n2", disk=held("def"))
    donor.receive("c1", request(lab, lab.Append("e", "+"), 5))
    donor.receive("c2", lab.Request(3, "c2/0", (2, 1), lab.Delete("f")))
    donor.receive("n1", lab.MoveChunk(table(lab, *BEFORE), "d", "n3"))
    ((_, batch),) = donor.receive("n3", taken(lab, 0))
    recipient = member(lab, "n3", disk={("session", "c3/0"): lab.Session(9, "z", True)})
    recipient.receive("n2", lab.Receive(table(lab, *BEFORE), "d"))
    recipient.receive("n2", batch)
    recipient.receive("n1", lab.TableIs(lab.moved(table(lab, *BEFORE), "d", "n3")))
    again = request(lab, lab.Append("e", "+"), 5, (3, 0))
    assert recipient.receive("c1", again) == [("c1", lab.Written(5, True))]
    gone = lab.Request(3, "c2/0", (3, 0), lab.Delete("f"))
    assert recipient.receive("c2", gone) == [("c2", lab.Written(3, True))], "as it was then"
    assert documents(recipient.disk) == {"d": "of d", "e": "of e+"}


@graded(points=2, title="The later one", requirement="of two changes of a session")
def test_of_a_session_the_later_change_holds_whether_it_came_or_was_here(lab: ShardsLab) -> None:
    here = {("session", name): lab.Session(5, "z", True) for name in ("c1/0", "c2/0", "c3/0")}
    bench = member(lab, "n3", disk=here)
    bench.receive("n2", lab.Receive(table(lab, *BEFORE), "d"))
    came = {"c1/0": 4, "c2/0": 6, "c4/0": 2}
    sessions = tuple((name, lab.Session(number, "e", False)) for name, number in came.items())
    bench.receive("n2", lab.Batch((2, 1), 1, (lab.Item("e", "of e", sessions),)))
    found = {key[1]: value.number for key, value in bench.disk.items() if key[0] == "session"}
    assert found == {"c1/0": 5, "c2/0": 6, "c3/0": 5, "c4/0": 2}


@graded(points=2, title="What moves with it", requirement="the document, and who changed it last")
def test_an_item_has_the_sessions_whose_latest_change_was_there(lab: ShardsLab) -> None:
    bench = member(lab, "n2", disk=held("d"))
    for number, (session, key) in enumerate([("b", "d"), ("a", "d"), ("c", "d"), ("c", "e")], 1):
        bench.receive("c1", request(lab, lab.Put(key, "x"), number, session=session))
    bench.receive("n1", lab.MoveChunk(table(lab, *BEFORE), "d", "n3"))
    ((_, batch),) = bench.receive("n3", taken(lab, 0))
    told = [(item.place, [name for name, _ in item.sessions]) for item in batch.items]
    assert told == [("d", ["a", "b"]), ("e", ["c"])]


@graded(points=2, title="Orphans", requirement="deleted, unless they are owned again by then")
def test_orphans_are_deleted_a_few_at_a_time_and_what_is_owned_stays(lab: ShardsLab) -> None:
    parts = (("", "n1", (3, 1)), ("d", "n2", (2, 1)), ("h", "n1", (3, 0)), ("m", "n2", (2, 0)))
    bench = member(lab, "n2", *parts, disk=held("zkjeibm"), batch=2)
    assert sorted(documents(bench.disk)) == ["b", "e", "i", "j", "k", "m", "z"]
    bench.fire(lab.MigrationTick)
    assert sorted(documents(bench.disk)) == ["e", "j", "k", "m", "z"], "two of them, in order"
    bench.receive("n1", lab.TableIs(lab.moved(table(lab, *parts), "h", "n2")))
    bench.fire(lab.MigrationTick)
    assert sorted(documents(bench.disk)) == ["e", "j", "k", "m", "z"], "they are n2's again"


@graded(points=2, title="Said again", requirement="what is not answered, and then it gives up")
def test_a_donor_says_it_again_and_gives_up_when_the_recipient_is_silent(lab: ShardsLab) -> None:
    bench = begun(lab)
    receive = ("n3", lab.Receive(table(lab, *BEFORE), "d"))
    assert [bench.fire(lab.MigrationTick) for _ in range(10)] == [[receive]] * 10
    ((_, batch),) = bench.receive("n3", taken(lab, 0))
    assert [bench.fire(lab.MigrationTick) for _ in range(10)] == [[("n3", batch)]] * 10
    give_up = [("n1", lab.GiveUp((2, 1), "d"))]
    assert [bench.fire(lab.MigrationTick) for _ in range(3)] == [give_up] * 3
    assert bench.receive("n3", taken(lab, 1)) == [], "too late: it never commits after that"
    closed = [("c1", lab.StaleConfig(1, (2, 1)))]
    assert bench.receive("c1", request(lab, lab.Get("e"))) == closed, "until the table is newer"
    bench = begun(lab)
    bench.receive("n3", taken(lab, 0))
    commit = bench.receive("n3", taken(lab, 1))
    assert [bench.fire(lab.MigrationTick) for _ in range(15)] == [commit] * 15


@graded(points=2, title="One at a time", requirement="an order that is old, or twice, is none")
def test_a_donor_begins_only_what_its_table_and_the_config_servers_agree_on(
    lab: ShardsLab,
) -> None:
    before = table(lab, *BEFORE)
    bench = begun(lab)
    assert bench.receive("n1", lab.MoveChunk(before, "d", "n3")) == [], "it is under way"
    bench.receive("n1", lab.TableIs(lab.touched(before, "d")))
    assert bench.receive("n1", lab.MoveChunk(before, "d", "n3")) == [], "that was given up"
    assert bench.receive("n1", lab.MoveChunk(lab.touched(before, "d"), "m", "n1")) == [], "n3's"
    newer = lab.moved(lab.touched(before, "d"), "", "n2")
    assert bench.receive("n1", lab.MoveChunk(newer, "", "n3")) == [("n3", lab.Receive(newer, ""))]
    assert bench.disk["table"] == newer


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
