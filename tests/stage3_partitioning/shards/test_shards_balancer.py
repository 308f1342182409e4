"""Graded suite of the lab ``shards``, fourth part: splits, and shards that become even."""

from functools import partial
from random import Random
from typing import Any

from common.contract.effects import SetTimer
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, effects_of, run_until, trouble
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage3_partitioning.shards.lab import ShardsLab
from tests.stage3_partitioning.shards.room import (
    CLIENTS,
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
)

LAB = "shards"
MANY = tuple(f"key{number:02}" for number in range(24))


def config(lab: ShardsLab, *parts: Any, **options: Any) -> Bench:
    """The config server by hand, with this table on its disk."""
    return Bench(partial(lab.Server, "n1", ("n2", "n3"), **options), {"table": table(lab, *parts)})


@graded(points=1, title="The middle", requirement="two halves with as many documents")
def test_a_chunk_is_split_in_the_middle_of_what_is_in_it(lab: ShardsLab) -> None:
    assert lab.middle(["d", "a", "c", "b"]) == "c"
    assert lab.middle(["c", "b", "a"]) == "b"
    assert lab.middle(["b", "a"]) == "b"


@graded(points=2, title="Most to fewest", requirement="the first chunk of the shard with most")
def test_the_next_move_is_from_the_shard_with_most_chunks_to_the_one_with_fewest(
    lab: ShardsLab,
) -> None:
    made = table(
        lab,
        *(("", "n2", (1, 0)), ("b", "n1", (1, 1)), ("c", "n2", (1, 2))),
        *(("d", "n2", (1, 3)), ("e", "n1", (1, 4))),
    )
    assert lab.next_move(made, THREE) == (made.chunks[0], "n3")
    assert lab.next_move(made, ("n1", "n2")) is None, "three and two: as even as can be"
    assert lab.next_move(made, ("n2", "n1", "n3")) == (made.chunks[0], "n3")
    assert lab.next_move(made, ("n1", "n3")) == (made.chunks[1], "n3")
    even = table(lab, ("", "n1", (1, 0)), ("m", "n3", (1, 1)))
    assert lab.next_move(even, THREE) is None


@graded(points=2, title="It stops", requirement="each move makes it better, and then there is none")
def test_the_balancer_comes_to_an_end_from_whatever_table_and_the_shards_are_even(
    lab: ShardsLab, sweep: Sweep
) -> None:
    for seed in sweep(8):
        random = Random(f"balancer/{seed}")
        owners = [random.choice(THREE[: random.randint(1, 3)]) for _ in range(12)]
        made = table(lab, *((" abcdefghijk"[n].strip(), owners[n], (1, n)) for n in range(12)))
        for _ in range(12):
            move = lab.next_move(made, THREE)
            if move is None:
                break
            made = lab.moved(made, move[0].low, move[1])
        counts = [sum(chunk.shard == shard for chunk in made.chunks) for shard in THREE]
        assert counts == [4, 4, 4], f"{owners} became {counts}"


@graded(points=2, title="Too large", requirement="one document more than a chunk may have")
def test_a_shard_says_which_chunk_is_too_large_at_each_tick_until_it_is_split(
    lab: ShardsLab,
) -> None:
    parts = (("", "n1", (1, 0)), ("d", "n2", (1, 1)), ("m", "n2", (1, 2)), ("r", "n2", (1, 3)))
    node = partial(lab.Splitting, "n2", ("n1", "n3"), most_documents=3)
    disk: dict[Any, object] = {("document", place): "x" for place in "defabcmnopqrstuv"}
    bench = Bench(node, {"table": table(lab, *parts), **disk})
    for _ in range(2):
        assert bench.ticks(lab.MigrationTick) == [("n1", lab.TooLarge("o"))]
    bench.hears("n1", lab.TableIs(lab.split(table(lab, *parts), "o")))
    assert bench.ticks(lab.MigrationTick) == [("n1", lab.TooLarge("t"))], "one at a tick"
    assert sorted(documents(bench.disk)) == list("defmnopqrstuv"), "and its orphans are gone"
    many: dict[Any, object] = {("document", f"m{number:02}"): "x" for number in range(64)}
    few = {("document", place): "x" for place in "de"}
    node = partial(lab.Splitting, "n2", ("n1", "n3"), most_documents=1)
    bench = Bench(node, {"table": table(lab, *parts[:3]), **many, **few})
    told = bench.ticks(lab.MigrationTick)
    assert told == [("n1", lab.TooLarge("m32"))], "of 66 documents two are not too many for a chunk"


@graded(points=2, title="Not meanwhile", requirement="a split would end the migration")
def test_nothing_is_split_while_a_chunk_moves_and_everything_afterwards(lab: ShardsLab) -> None:
    parts = (("", "n1", (1, 0)), ("m", "n2", (1, 1)))
    bench = config(lab, *parts, balance=False)
    bench.hears("c1", lab.MoveAsked(1, "z", "n3"))
    assert bench.hears("c1", lab.SplitAsked(2, "c")) == []
    assert bench.hears("n2", lab.TooLarge("p")) == [("n2", lab.TableIs(table(lab, *parts)))]
    assert bench.hears("c1", lab.SplitAsked(3, "m")) == [("c1", lab.Changed(3))], "it is there"
    bench.hears("n2", lab.Commit((1, 1), "m", "n3"))
    sent = bench.hears("c1", lab.SplitAsked(2, "c"))
    assert sent[-1] == ("c1", lab.Changed(2))
    assert {to for to, message in sent if isinstance(message, lab.TableIs)} == {"n2", "n3"}
    assert bench.hears("n3", lab.TooLarge("p"))[-1] == ("n3", lab.TableIs(bench.disk["table"]))
    made: Any = bench.disk["table"]
    assert [chunk.low for chunk in made.chunks] == ["", "c", "m", "p"]


@graded(points=2, title="One at a time", requirement="said again until the table is newer")
def test_the_balancer_says_a_move_again_and_begins_the_next_when_it_is_over(
    lab: ShardsLab,
) -> None:
    lows = ("", "b", "c", "d")
    bench = config(lab, *((low, "n2", (1, number)) for number, low in enumerate(lows)))
    first = ("n2", lab.MoveChunk(bench.disk["table"], "", "n1"))
    for _ in range(3):
        assert bench.ticks(lab.BalancerTick) == [first]
    bench.hears("n2", lab.Commit((1, 3), "", "n1"))
    second = ("n2", lab.MoveChunk(bench.disk["table"], "b", "n3"))
    assert bench.ticks(lab.BalancerTick) == [second]
    bench.restart()
    assert bench.ticks(lab.BalancerTick) == [second], "the same, for the table is the same"
    bench.hears("n2", lab.Commit((2, 1), "b", "n3"))
    for _ in range(3):
        assert bench.ticks(lab.BalancerTick) == [], "it is even"


@graded(points=1, title="By a person's word", requirement="a balancer that is off moves nothing")
def test_a_balancer_that_is_off_moves_nothing_but_what_a_person_wants_and_says_it_again(
    lab: ShardsLab,
) -> None:
    lows = ("", "b", "c", "d")
    parts = [(low, "n2", (1, n)) for n, low in enumerate(lows)]
    bench = config(lab, *parts, balance=False, balance_every=7)
    assert bench.ticks(lab.BalancerTick) == []
    assert [each.after for each in effects_of(SetTimer, bench.effects)] == [7], "as often as told"
    order = ("n2", lab.MoveChunk(bench.disk["table"], "c", "n3"))
    assert bench.hears("c1", lab.MoveAsked(1, "cc", "n3")) == [order]
    assert bench.hears("c2", lab.MoveAsked(1, "a", "n3")) == [], "one at a time"
    assert bench.ticks(lab.BalancerTick) == [order]
    assert bench.hears("c1", lab.MoveAsked(1, "cc", "n3")) == [order]


@graded(points=3, title="Even, and quiet", requirement="converges, and stops")
def test_documents_at_one_shard_are_split_and_spread_and_then_nothing_moves(
    lab: ShardsLab,
) -> None:
    simulation = cluster(lab, partial(lab.Server, most_documents=4, batch=3))
    fill(lab, simulation, MANY)
    settle(simulation, 10 * SECOND)
    made: Any = simulation.on_disk("n1")["table"]
    counts = [sum(chunk.shard == shard for chunk in made.chunks) for shard in THREE]
    assert max(counts) - min(counts) <= 1
    assert len(made.chunks) >= 6
    settle(simulation, 5 * SECOND)
    assert simulation.on_disk("n1")["table"] == made, "nothing has moved since"
    held = [documents(simulation.on_disk(node)) for node in THREE]
    for chunk in made.chunks:
        inside = [place for place in MANY if chunk.low <= place < chunk.high]
        assert len(inside) <= 4
        assert set(inside) <= set(held[THREE.index(chunk.shard)])
    assert sum(map(len, held)) == len(MANY), "each at one shard"
    everything = tuple((key, f"of {key}") for key in MANY)
    assert ask_ok(simulation, "c2", lab.Scan("", "z")) == everything


@graded(points=2, title="A person splits", requirement="a chunk begins where a person wants it")
def test_a_person_splits_and_moves_by_way_of_a_router(lab: ShardsLab) -> None:
    simulation = cluster(lab, partial(lab.Server, balance=False))
    fill(lab, simulation, MANY)
    ask_ok(simulation, "c1", lab.SplitAt("key10"))
    ask_ok(simulation, "c2", lab.SplitAt("key20"))
    ask_ok(simulation, "c1", lab.MoveTo("key15", "n3"))
    settle(simulation, 500 * MS)
    at_third = sorted(documents(simulation.on_disk("n3")))
    assert at_third == list(MANY[10:20])
    everything = tuple((key, f"of {key}") for key in MANY)
    assert ask_ok(simulation, "c2", lab.Scan("", "z")) == everything


@graded(points=3, title="Trouble, then calm", requirement="right throughout, and even in the end")
def test_under_trouble_each_key_is_a_register_and_in_the_calm_the_shards_become_even(
    lab: ShardsLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL):
        kinds = ("crash", "crash", "partition")
        faults = trouble(seed, kinds, hit=THREE, others=CLIENTS, until=2 * SECOND)
        node = partial(lab.Server, most_documents=1, batch=1 + seed % 2)
        simulation = cluster(lab, node, seed, faults, link=ROUGH)
        work = busy(lab, simulation, 12)
        assert simulation.run_until(lambda work=work: work.done, 60 * SECOND)  # type: ignore[misc]
        must_be_right(simulation.history)
        ok = [each for each in simulation.history if isinstance(each.outcome, Ok)]
        assert len(ok) > len(simulation.history) // 2, "operations are carried out"

        def is_even(simulation: Any = simulation) -> bool:
            made = simulation.on_disk("n1").get("table")
            if made is None:
                return False
            counts = [sum(chunk.shard == shard for chunk in made.chunks) for shard in THREE]
            return bool(max(counts) - min(counts) <= 1)

        run_until(simulation, is_even, 20 * SECOND)
