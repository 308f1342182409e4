"""Graded suite of the lab ``cassandra``, fourth part: ONE, QUORUM, ALL, and what a read repairs."""

from functools import partial
from random import Random
from typing import Any

from common.contract.effects import Save, SetTimer
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    Wire,
    ask,
    ask_ok,
    crash,
    effects_of,
    must_end,
    must_hold,
    restart,
    restart_all,
    sent,
    trouble,
)
from common.sim.workload import Workload
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS, SECOND
from stage3_partitioning.cassandra.checks import reads_see_writes
from tests.stage3_partitioning.cassandra.lab import CassandraLab
from tests.stage3_partitioning.cassandra.room import (
    FIVE,
    NAME,
    ROUGH,
    THREE,
    Alone,
    cluster,
    put,
    shown,
    told,
)

LAB = "cassandra"
LEVELS = (("ONE", 1), ("QUORUM", 2), ("ALL", 3))


def tiny(lab: CassandraLab, **options: Any) -> Any:
    """A node whose memtable is soon full."""
    return partial(lab.Coordinator, memtable_cells=4, patience=100 * MS, **options)


@graded(points=1, title="How many", requirement="Cassandra 5.1: ONE, QUORUM, ALL")
def test_each_level_waits_for_so_many_replicas(lab: CassandraLab) -> None:
    for replicas, quorum in ((1, 1), (2, 2), (3, 2), (4, 3), (5, 3)):
        assert lab.needed("ONE", replicas) == 1
        assert lab.needed("QUORUM", replicas) == quorum
        assert lab.needed("ALL", replicas) == replicas
    assert lab.needed("MOST", 3) == 0
    simulation = cluster(lab, tiny(lab), many=("n1", "n2"))
    for level, _ in LEVELS:
        ask_ok(simulation, "n1", put(lab, "ann", level, level=level))
        found = shown(lab, simulation, "n2", "ann", level=level)
        assert level == "ONE" or found == level, "where there are two nodes, they are all homes"


@graded(points=3, title="Reads see writes", requirement="quorums meet; nothing is lost by a crash")
def test_a_read_by_quorum_shows_nothing_older_than_what_had_been_told(
    lab: CassandraLab, sweep: Sweep
) -> None:
    def choose(random: Random, node: str, number: int) -> object:
        key = random.choice(("ann", "bob"))
        if random.random() < 0.5:
            return lab.Get(key)
        return put(lab, key, None if random.random() < 0.2 else f"{node}.{number}")

    for seed in sweep(4):
        kinds = ("crash", "partition", "pause", "clock", "disk")
        faults = trouble(seed, kinds, hit=FIVE, until=2 * SECOND)
        simulation = cluster(lab, tiny(lab), seed, faults, link=ROUGH)
        work = Workload(simulation, choose, clients=FIVE, count=20, think=(0, 200 * MS))
        must_end(simulation, work, limit=20 * SECOND, fine=0.1)
        must_hold(reads_see_writes(simulation.history))


@graded(points=2, title="So many, and not before", requirement="a write ends when so many have it")
def test_a_write_ends_when_as_many_replicas_as_its_level_says_have_it(lab: CassandraLab) -> None:
    for down, (level, count) in ((d, each) for d in range(3) for each in LEVELS):
        simulation = cluster(lab, tiny(lab), many=THREE)
        crash(simulation, *THREE[3 - down :])
        asked = ask(simulation, "n1", put(lab, "ann", "Oslo", level=level))
        if 3 - down >= count:
            assert isinstance(asked.outcome, Ok), f"{level} with {down} down: {asked}"
        else:
            assert isinstance(asked.outcome, Unknown), f"{level} with {down} down: {asked}"
            why = f"{3 - down} replicas have it for certain, {count} are needed"
            assert asked.outcome.reason == why


@graded(points=2, title="So many answers", requirement="a read ends when so many have answered")
def test_a_read_ends_when_as_many_replicas_as_its_level_says_have_answered(
    lab: CassandraLab,
) -> None:
    for down, (level, count) in ((d, each) for d in range(3) for each in LEVELS):
        simulation = cluster(lab, tiny(lab), many=THREE)
        ask_ok(simulation, "n1", put(lab, "ann", "Oslo", level="ALL"))
        crash(simulation, *THREE[3 - down :])
        asked = ask(simulation, "n1", lab.Get("ann", level=level))
        if 3 - down >= count:
            assert isinstance(asked.outcome, Ok), f"{level} with {down} down: {asked}"
            assert asked.outcome.value[0].value == "Oslo"  # type: ignore[index]
        else:
            why = f"{3 - down} replicas have answered, {count} are needed"
            assert asked.outcome == Failed(why)


@graded(points=1, title="At its homes", requirement="three replicas of a partition, no more")
def test_a_partition_is_at_its_three_homes_no_matter_who_coordinates(lab: CassandraLab) -> None:
    wire = Wire()
    simulation = cluster(lab, tiny(lab), observers=[wire])
    for node in FIVE:
        ask_ok(simulation, node, put(lab, "ann", f"by {node}", level="ALL"))
        assert shown(lab, simulation, node, "ann", level="ONE") == f"by {node}"
    homes = {each.to for each in wire.sent_messages if isinstance(each.message, lab.Mutate)}
    asked = {each.to for each in wire.sent_messages if isinstance(each.message, lab.Read)}
    assert len(homes) == 3
    assert homes == asked


@graded(points=2, title="The newest wins", requirement="by timestamp, not by arrival; cell by cell")
def test_the_newest_timestamp_wins_column_by_column(lab: CassandraLab) -> None:
    simulation = cluster(lab, tiny(lab))
    row = partial(lab.Value, "profile")
    first = lab.Put("ann", (row("city", "Oslo"), row("job", "smith")), timestamp=20)
    assert ask_ok(simulation, "n1", first) == 20, "the given timestamp is used"
    ask_ok(simulation, "n2", lab.Put("ann", (row("city", "late"),), timestamp=10))
    ask_ok(simulation, "n3", lab.Put("ann", (row("job", None),), timestamp=30))
    assert ask_ok(simulation, "n4", lab.Get("ann")) == (
        lab.Shown("profile", "city", "Oslo", 20),
        lab.Shown("profile", "job", None, 30),
    )
    before = simulation.now
    stamps = [simulation.call("n1", put(lab, "bob", f"{n}")) for n in range(3)]
    simulation.run(simulation.now + SECOND)
    given = [each.outcome.value for each in stamps if isinstance(each.outcome, Ok)]
    assert len(set(given)) == 3, "no two writes of a node have one timestamp"
    assert all(isinstance(each, int) and each >= before for each in given)


@graded(points=1, title="A range", requirement="rows from first on and before last, in order")
def test_a_range_of_rows_is_read_in_order_and_no_other_partition(lab: CassandraLab) -> None:
    simulation = cluster(lab, tiny(lab))
    for key in ("ann", "anna", "an"):
        values = tuple(lab.Value(f"row{n}", "c", f"{key}{n}") for n in (3, 1, 4, 2, 5))
        ask_ok(simulation, "n1", lab.Put(key, values))
    for first, last, rows in (("", "", "12345"), ("row2", "row4", "23"), ("row4", "", "45")):
        found = ask_ok(simulation, "n2", lab.Get("ann", first, last))
        assert [each.value for each in found] == [f"ann{n}" for n in rows]


@graded(points=2, title="Read repair", requirement="P5: who lacks something is sent it")
def test_a_replica_that_was_away_has_all_after_a_read(lab: CassandraLab) -> None:
    for value in ("Rome", None):
        simulation = cluster(lab, tiny(lab), many=THREE)
        ask_ok(simulation, "n1", put(lab, "ann", "Oslo", level="ALL"))
        crash(simulation, "n3")
        ask_ok(simulation, "n1", put(lab, "ann", value))
        restart(simulation, "n3")
        crash(simulation, "n2")
        assert shown(lab, simulation, "n1", "ann") == value
        crash(simulation, "n1")
        assert shown(lab, simulation, "n3", "ann", level="ONE") == value


@graded(points=3, title="Wait for the repair", requirement="or a later read goes back")
def test_a_reader_is_told_when_those_who_answered_have_on_disk_what_it_is_shown(
    lab: CassandraLab,
) -> None:
    cells = ((NAME, lab.Cell("Oslo", 5)),)
    node = Alone(lab.Coordinator)
    (read, *_) = [message for _, message in sent(node.does(lab.Get("ann")))]
    assert sent(node.gets("n2", lab.Found(read.round, ()))) == []
    repair = node.gets("n3", lab.Found(read.round, cells))
    assert sent(repair) == [("n2", lab.Mutate(read.round, cells))]
    assert told(repair) == [], "n1 or n2 may answer a later read, and they have nothing"
    assert told(node.gets("n3", lab.Mutated(read.round + 1))) == []
    late = node.gets("n1", lab.Found(read.round, ()))
    assert sent(late) == [("n1", lab.Mutate(0, cells))], "nobody waits for it"
    assert told(late) == []
    done = node.gets("n2", lab.Mutated(read.round))
    assert told(done) == [Ok((lab.Shown("profile", "city", "Oslo", 5),))]
    assert node.gets("n2", lab.Mutated(read.round)) == []
    assert node.fires(lab.TimeIsOver(read.round)) == [], "it has been told"
    newer = Alone(lab.Coordinator)
    (read, *_) = [message for _, message in sent(newer.does(lab.Get("ann")))]
    newer.gets("n2", lab.Found(read.round, ()))
    newer.gets("n3", lab.Found(read.round, cells))
    newer.gets("n1", lab.Found(read.round, ((NAME, lab.Cell("Rome", 9)),)))
    done = newer.gets("n2", lab.Mutated(read.round))
    shown_there = told(done)
    assert shown_there == [Ok((lab.Shown("profile", "city", "Oslo", 5),))], "n1 alone has Rome"


@graded(points=2, title="Both ways", requirement="each is sent just what it lacks")
def test_each_replica_is_sent_what_it_lacks_and_nothing_else(lab: CassandraLab) -> None:
    one, two, three = ((f"{n}", "r", "c") for n in range(3))
    old, new = lab.Cell("old", 1), lab.Cell(None, 2)
    everything = ((one, old), (two, new), (three, old))
    assert lab.lacking(everything, everything) == ()
    assert lab.lacking(everything, ()) == everything
    assert lab.lacking(everything, ((two, old), (three, old))) == ((one, old), (two, new))
    node = Alone(lab.Coordinator)
    (read, *_) = [message for _, message in sent(node.does(lab.Get("ann")))]
    node.gets("n2", lab.Found(read.round, ((one, old), (two, old))))
    both = sent(node.gets("n3", lab.Found(read.round, ((two, new), (three, old)))))
    assert sorted(both) == [
        ("n2", lab.Mutate(read.round, ((two, new), (three, old)))),
        ("n3", lab.Mutate(read.round, ((one, old),))),
    ]
    assert told(node.gets("n3", lab.Mutated(read.round))) == [], "n2 is still waited for"
    assert node.gets("n3", lab.Found(read.round, ())) == [], "it has answered before"
    assert len(told(node.gets("n2", lab.Mutated(read.round)))) == 1
    newer = ((one, lab.Cell("newer", 9)),)
    early = Alone(lab.Coordinator)
    (all_of_them, *_) = [message for _, message in sent(early.does(lab.Get("ann", level="ALL")))]
    early.gets("n2", lab.Found(all_of_them.round, ()))
    assert early.gets("n3", lab.Found(all_of_them.round, newer)) == [], "not all have answered"
    late = sent(node.gets("n1", lab.Found(read.round, newer)))
    assert ("n2", lab.Mutate(0, newer)) in late
    assert ("n3", lab.Mutate(0, newer)) in late
    assert ("n1", lab.Mutate(0, ((two, new), (three, old)))) in late
    assert len(late) == 3
    assert node.gets("n1", lab.Found(read.round, ())) == [], "the round is over"


@graded(points=1, title="Alike", requirement="where nobody lacks anything, nothing is sent")
def test_a_read_that_finds_all_alike_is_told_at_once(lab: CassandraLab) -> None:
    cells = ((NAME, lab.Cell("Oslo", 5)),)
    node = Alone(lab.Coordinator)
    (read, *_) = [message for _, message in sent(node.does(lab.Get("ann")))]
    assert told(node.gets("n2", lab.Found(read.round, cells))) == []
    second = node.gets("n3", lab.Found(read.round, cells))
    assert told(second) == [Ok((lab.Shown("profile", "city", "Oslo", 5),))]
    assert sent(second) == sent(node.gets("n1", lab.Found(read.round, cells))) == []


@graded(points=2, title="Too few", requirement="a write may have happened, a read has failed")
def test_what_too_few_replicas_answer_ends_once_and_truly(lab: CassandraLab) -> None:
    node = Alone(lab.Coordinator, patience=70 * MS)
    begun = node.does(put(lab, "ann", "Oslo"))
    (wait,) = effects_of(SetTimer, begun)
    assert wait.after == 70 * MS
    round = sent(begun)[0][1].round
    assert told(node.gets("n2", lab.Mutated(round))) == []
    assert told(node.gets("n2", lab.Mutated(round))) == [], "it is one replica, twice"
    why = "1 replicas have it for certain, 2 are needed"
    assert told(node.fires(lab.TimeIsOver(round))) == [Unknown(why)]
    assert node.gets("n3", lab.Mutated(round)) == []
    silent = sent(node.does(put(lab, "ann", "Rome")))[0][1].round
    why = "0 replicas have it for certain, 2 are needed"
    assert told(node.fires(lab.TimeIsOver(silent))) == [Unknown(why)], "no word is no no"
    read = sent(node.does(lab.Get("ann")))[0][1].round
    node.gets("n2", lab.Found(read, ()))
    node.gets("n3", lab.Found(read, ((NAME, lab.Cell("Oslo", 5)),)))
    why = "what the replicas have differently could not be repaired in time, 2 are needed"
    assert told(node.fires(lab.TimeIsOver(read))) == [Failed(why)]
    assert node.gets("n2", lab.Mutated(read)) == node.fires(lab.TimeIsOver(read)) == []
    for answers, end in (((), Failed), (("n2", "n3"), Ok)):
        read = sent(node.does(lab.Get("ann")))[0][1].round
        ends = [told(node.gets(sender, lab.Found(read, ()))) for sender in answers]
        ends += [told(node.gets("n1", lab.TooMuch(read))) for _ in range(2)]
        assert [type(each) for several in ends for each in several] == [end], "it ends once"


@graded(points=1, title="No such level", requirement="bad input: one sentence, and nothing is done")
def test_a_level_that_there_is_not_has_failed_and_nothing_is_sent(lab: CassandraLab) -> None:
    node = Alone(lab.Coordinator)
    why = "there is no consistency level 'MOST': it is ONE, QUORUM or ALL"
    for asked in (put(lab, "ann", "Oslo", level="MOST"), lab.Get("ann", level="MOST")):
        refused = node.does(asked)
        assert told(refused) == [Failed(why)]
        assert sent(refused) == []


@graded(points=1, title="Too late", requirement="an answer of an earlier life counts for nothing")
def test_an_answer_to_a_round_of_an_earlier_life_counts_for_no_round_of_this_one(
    lab: CassandraLab,
) -> None:
    saved: dict[Any, object] = {}
    rounds: list[int] = []
    for _ in range(3):
        node = Alone(lab.Coordinator, saved)
        rounds.append(sent(node.does(put(lab, "ann", "Oslo")))[0][1].round)
        for old in rounds[:-1]:
            for sender in ("n2", "n3"):
                assert node.gets(sender, lab.Mutated(old)) == []
        saved = node.disk
    assert len(set(rounds)) == 3


@graded(points=1, title="On disk", requirement="what is said to be kept is saved in that step")
def test_a_replica_saves_what_it_says_it_has_and_is_silent_where_nobody_waits(
    lab: CassandraLab,
) -> None:
    node = Alone(lab.Coordinator)
    cells = ((NAME, lab.Cell("Oslo", 5)),)
    kept = node.gets("n2", lab.Mutate(7, cells))
    assert sent(kept) == [("n2", lab.Mutated(7))]
    assert effects_of(Save, kept)
    quiet = node.gets("n2", lab.Mutate(0, ((NAME, lab.Cell("Rome", 6)),)))
    assert sent(quiet) == []
    again = Alone(lab.Coordinator, node.disk)
    found = sent(again.gets("n2", lab.Read(1, ("ann", "", ""), ("ann\0", "", ""))))
    assert found == [("n2", lab.Found(1, ((NAME, lab.Cell("Rome", 6)),)))]
    (_, own), *_ = sent(again.does(put(lab, "ann", "Bonn", timestamp=7)))
    assert effects_of(Save, again.gets("n1", own)), "its own cells come to it as a message, too"


@graded(points=2, title="Deleted for good", requirement="a tombstone outlives those who missed it")
def test_what_is_deleted_stays_deleted_though_a_replica_missed_it(lab: CassandraLab) -> None:
    for strategy in ("size-tiered", "levelled"):
        simulation = cluster(lab, tiny(lab, strategy=strategy), many=THREE)
        ask_ok(simulation, "n1", put(lab, "ann", "Oslo", level="ALL"))
        crash(simulation, "n3")
        ask_ok(simulation, "n1", put(lab, "ann", None))
        for number in range(40):
            ask_ok(simulation, "n1", put(lab, f"key {number}", "v"))
        restart(simulation, "n3")
        crash(simulation, "n2")
        assert shown(lab, simulation, "n1", "ann") is None
        restart_all(simulation)
        assert shown(lab, simulation, "n3", "ann", level="ALL") is None
        assert shown(lab, simulation, "n2", "key 7", level="ALL") == "v"
