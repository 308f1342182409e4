"""Graded suite of the lab ``shards``, second part: routers that are behind, shards that refuse."""

from functools import partial
from typing import Any

from common.contract.effects import Save
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, effects_of
from common.sim.simulation import Simulation
from common.values.faults import Crash, Fault, Restart, Schedule
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage3_partitioning.shards.lab import ShardsLab
from tests.stage3_partitioning.shards.room import (
    CLIENTS,
    KEYS,
    ROUGH,
    SEVERAL,
    STEADY,
    Bench,
    busy,
    documents,
    fill,
    must_be_right,
    table,
)

LAB = "shards"
SHARDS = ("n1", "n2")
OLD = (("", "n1", (2, 1)), ("m", "n2", (2, 0)))
NEW = (("", "n1", (2, 1)), ("d", "n1", (3, 1)), ("g", "n2", (3, 0)), ("m", "n2", (2, 0)))


def shard(lab: ShardsLab, *parts: Any, id: str = "n1", node: str = "Shard") -> Bench:
    """A shard by hand, with this table on its disk; n0 is the config server."""
    made = partial(getattr(lab, node), id, ("n0", "n1", "n2"), shards=("n0", *SHARDS))
    return Bench(made, {"table": table(lab, *parts)})


def router(lab: ShardsLab, *parts: Any, **options: Any) -> Bench:
    """A router by hand, likewise."""
    made = partial(lab.Router, "c1", ("n0", *SHARDS), shards=("n0", *SHARDS), **options)
    return Bench(made, {"table": table(lab, *parts)})


@graded(points=2, title="Served", requirement="the same major version: both know the same owners")
def test_a_shard_serves_who_means_its_major_version_though_a_split_lies_between(
    lab: ShardsLab,
) -> None:
    bench = shard(lab, *OLD)
    for number, version in enumerate([(2, 1), (2, 0), (2, 9)], 1):
        (answer,) = bench.hears(
            "c1", lab.Request(number, "c1/0", version, lab.Append("a", f"{number};"))
        )
        assert answer == ("c1", lab.Written(number, True)), f"version {version}"
        assert set(bench.saved()) == {("session", "c1/0"), ("document", "a")}
    asked = lab.Request(9, "", (2, 1), lab.Get("a"))
    assert bench.hears("c2", asked) == [("c2", lab.Found(9, "1;2;3;"))]


@graded(points=3, title="Refused", requirement="another major version: StaleConfig, nothing done")
def test_a_shard_refuses_who_means_another_major_version_and_does_nothing(lab: ShardsLab) -> None:
    bench = shard(lab, *NEW)
    bench.hears("c1", lab.Request(1, "c1/0", (3, 1), lab.Put("a", "1")))
    disk = dict(bench.disk)
    for version, behind in (((2, 1), False), ((0, 0), False), ((4, 0), True)):
        for asked in (
            lab.Request(2, "c1/0", version, lab.Put("a", "2")),
            lab.Request(2, "", version, lab.Get("a")),
            lab.Look(2, version, "a", "c", 0),
        ):
            sent = bench.hears("c1", asked)
            assert ("c1", lab.StaleConfig(2, (3, 1))) in sent, f"{asked}"
            assert (("n0", lab.TableAsked()) in sent) == behind, "who is behind asks"
            assert len(sent) == 1 + behind
    assert bench.disk == disk, "nothing has happened"


@graded(points=1, title="Nothing here", requirement="a shard without chunks serves nobody")
def test_a_shard_that_owns_nothing_refuses_who_believes_that_it_has_something(
    lab: ShardsLab,
) -> None:
    bench = shard(lab, ("", "n2", (3, 0)))
    asked = lab.Request(1, "", (2, 0), lab.Get("a"))
    assert ("c1", lab.StaleConfig(1, (0, 0))) in bench.hears("c1", asked)
    (answer,) = bench.hears("c1", lab.Look(2, (0, 0), "a", "b", 0))
    assert answer == ("c1", lab.StaleConfig(2, (0, 0))), "nor does it say that there is nothing"


@graded(points=2, title="Newer only", requirement="messages overtake each other")
def test_only_a_newer_table_is_taken_over_and_it_is_on_disk(lab: ShardsLab) -> None:
    bench = shard(lab, *OLD)
    bench.hears("n0", lab.TableIs(table(lab, *NEW)))
    assert bench.saved() == ["table"]
    for same in (OLD, NEW):
        bench.hears("n0", lab.TableIs(table(lab, *same)))
        assert effects_of(Save, bench.effects) == []
    for _ in range(2):
        asked = lab.Request(1, "", (3, 0), lab.Get("a"))
        assert bench.hears("c1", asked) == [("c1", lab.Found(1, None))]
        bench.restart()


@graded(points=3, title="Once", requirement="a change that comes again is answered as it was")
def test_a_change_that_comes_again_is_not_carried_out_again_after_a_crash_neither(
    lab: ShardsLab,
) -> None:
    bench = shard(lab, *OLD)
    first = lab.Request(5, "c1/0", (2, 1), lab.Append("a", "x"))
    second = lab.Request(6, "c1/0", (2, 1), lab.Delete("b"))
    other = lab.Request(5, "c2/0", (2, 1), lab.Append("a", "y"))
    for _ in range(2):
        assert bench.hears("c1", first) == [("c1", lab.Written(5, True))]
        assert bench.hears("c2", other) == [("c2", lab.Written(5, True))]
        bench.restart()
    assert bench.hears("c1", second) == [("c1", lab.Written(6, False))]
    bench.hears("c2", lab.Request(6, "c2/0", (2, 1), lab.Put("b", "there")))
    assert bench.hears("c1", second) == [("c1", lab.Written(6, False))], "as it was answered then"
    assert bench.hears("c1", first) == [], "the session has left it behind"
    assert bench.disk["document", "a"] == "xy"
    assert bench.disk["document", "b"] == "there"


@graded(points=2, title="What a change does", requirement="each command, on disk, with its answer")
def test_each_command_changes_the_document_and_says_whether_it_did(lab: ShardsLab) -> None:
    bench = shard(lab, *OLD)
    steps: list[tuple[Any, bool, str | None]] = [
        (lab.Delete("a"), False, None),
        (lab.CompareAndSet("a", "x", "y"), False, None),
        (lab.CompareAndSet("a", None, "y"), True, "y"),
        (lab.CompareAndSet("a", None, "z"), False, "y"),
        (lab.Append("a", "z"), True, "yz"),
        (lab.Put("a", "yz"), True, "yz"),
        (lab.CompareAndSet("a", "yz", None), True, None),
        (lab.Append("a", ""), True, ""),
        (lab.Delete("a"), True, None),
    ]
    for number, (command, done, left) in enumerate(steps, 1):
        before = bench.disk.get(("document", "a"))
        asked = lab.Request(number, "c1/0", (2, 1), command)
        assert bench.hears("c1", asked) == [("c1", lab.Written(number, done))], f"{command}"
        assert bench.disk.get(("document", "a")) == left, f"{command}"
        if left == before:
            assert bench.saved() == [("session", "c1/0")], "the document is as it was"


@graded(points=3, title="No orphans", requirement="what another shard owns is not shown")
def test_a_look_shows_what_is_this_shards_own_and_ends_where_that_ends(lab: ShardsLab) -> None:
    parts = (("", "n1", (2, 1)), ("c", "n1", (3, 1)), ("g", "n2", (3, 0)), ("m", "n1", (2, 0)))
    bench = shard(lab, *parts)
    for place in "hbdfnz":
        bench.disk["document", place] = place.upper()
    bench.restart()

    def look(low: str, high: str, limit: int = 0) -> Any:
        ((_, answer),) = bench.hears("c1", lab.Look(1, (3, 1), low, high, limit))
        return answer

    assert look("", "z") == lab.Seen(1, (("b", "B"), ("d", "D"), ("f", "F")), "g")
    assert look("b", "f") == lab.Seen(1, (("b", "B"), ("d", "D")), "f")
    assert look("m", "z") == lab.Seen(1, (("n", "N"),), "z"), "up to high and not with it"
    assert look("", "z", 2) == lab.Seen(1, (("b", "B"), ("d", "D")), "f"), "cut short by the limit"
    assert look("", "z", 3) == lab.Seen(1, (("b", "B"), ("d", "D"), ("f", "F")), "g")
    assert look("", "e", 3) == lab.Seen(1, (("b", "B"), ("d", "D")), "e")
    assert look("h", "i") == lab.StaleConfig(1, (3, 1)), "that is another shard's"
    for number in range(501):
        bench.disk["document", f"n{number:03}"] = "N"
    bench.restart()
    for limit in (0, 500, 501):
        seen = look("n0", "z", limit)
        assert (len(seen.documents), seen.upto) == (500, "n500"), "more are not shown at once"


@graded(points=2, title="To the owner", requirement="with the version that the router believes")
def test_a_router_sends_a_request_to_the_owner_with_that_shards_version(lab: ShardsLab) -> None:
    bench = router(lab, *NEW)
    for key, to, version in (("a", "n1", (3, 1)), ("f", "n1", (3, 1)), ("g", "n2", (3, 0))):
        ((sent_to, request),) = bench.asks(lab.Get(key))
        assert (sent_to, request.version) == (to, version)
        bench.hears(sent_to, lab.Found(request.number, None))
    ((sent_to, request),) = bench.asks(lab.Put("g", "x"))
    assert (sent_to, request.version, request.session) == ("n2", (3, 0), "c1/0")
    bench.hears(sent_to, lab.Written(request.number, True))
    ((sent_to, look),) = bench.asks(lab.Scan("e", "f"))
    assert (sent_to, look.version, look.low, look.high) == ("n1", (3, 1), "e", "f")


@graded(points=3, title="A detour", requirement="a stale router asks, and sends the request on")
def test_a_refused_router_asks_for_the_table_and_sends_the_same_request_on(lab: ShardsLab) -> None:
    bench = router(lab, *OLD)
    for ask in (lab.Append("h", "x"), lab.Scan("h", "i")):
        if lab.Append("h", "x") != ask:
            bench = router(lab, *OLD)
        ((to, request),) = bench.asks(ask)
        assert (to, request.version) == ("n1", (2, 1))
        assert bench.hears("n1", lab.StaleConfig(request.number, (3, 1))) == [
            ("n0", lab.TableAsked())
        ]
        ((to, again),) = bench.hears("n0", lab.TableIs(table(lab, *NEW)))
        assert (to, again.number, again.version) == ("n2", request.number, (3, 0))
        assert bench.hears("n0", lab.TableIs(table(lab, *NEW))) == [], "once"
        split = lab.split(table(lab, *NEW), "k")
        assert bench.hears("n0", lab.TableIs(split)) == [], "a split sends nothing on"
    assert bench.hears("n1", lab.StaleConfig(7, (3, 1))) == [], "nobody waits for that one"


@graded(points=2, title="Only what must", requirement="a newer table that changes nothing for it")
def test_a_newer_table_sends_on_what_goes_elsewhere_or_means_another_version_and_nothing_else(
    lab: ShardsLab,
) -> None:
    new = lab.TableIs(table(lab, *NEW))
    split = lab.TableIs(lab.split(table(lab, *OLD), "c"))
    for key, told, expected in (
        ("h", new, [("n2", (3, 0))]),
        ("a", new, [("n1", (3, 1))]),
        ("z", new, [("n2", (3, 0))]),
        ("a", split, []),
        ("z", split, []),
    ):
        bench = router(lab, *OLD)
        bench.asks(lab.Put(key, "x"))
        sent = bench.hears("n0", told)
        assert [(to, request.version) for to, request in sent] == expected, f"{key} {told}"
    bench = router(lab, *OLD)
    for key in ("a", "b", "h"):
        bench.asks(lab.Put(key, "x"))
    assert [to for to, _ in bench.hears("n0", new)] == ["n1", "n1", "n2"], "all of them"


@graded(points=1, title="Silence", requirement="before another attempt, the table")
def test_an_attempt_that_follows_silence_asks_for_the_table_too(lab: ShardsLab) -> None:
    from common.contract.asking import AskAgain

    bench = router(lab, *OLD, attempts=2)
    ((_, first),) = bench.asks(lab.Get("a"))
    assert sorted(to for to, _ in bench.ticks(AskAgain)) == ["n0", "n1"]
    bench.hears("n1", lab.Found(first.number, "x"))
    assert bench.ends == {1: Ok("x")}
    ((to, asked),) = bench.asks(lab.MoveTo("a", "n2"))
    assert (to, asked) == ("n0", lab.MoveAsked(first.number + 1, "a", "n2"))


@graded(points=3, title="Piece by piece", requirement="each key once, at its owner, in order")
def test_a_scan_goes_on_where_a_piece_ends_until_it_has_what_it_wants(lab: ShardsLab) -> None:
    bench = router(lab, *NEW)
    ((to, first),) = bench.asks(lab.Scan("b", "p"))
    assert (to, first.low, first.high, first.limit) == ("n1", "b", "p", 0)
    ((to, second),) = bench.hears("n1", lab.Seen(first.number, (("c", "C"), ("f", "F")), "g"))
    assert (to, second.low, second.high, second.version) == ("n2", "g", "p", (3, 0))
    assert bench.hears("n1", lab.Seen(first.number, (("c", "C"),), "g")) == [], "came twice"
    assert bench.hears("n2", lab.Seen(second.number, (("n", "N"),), "p")) == []
    assert bench.ends == {1: Ok((("c", "C"), ("f", "F"), ("n", "N")))}
    for limit, pieces in ((1, 1), (2, 1), (3, 2)):
        bench = router(lab, *NEW)
        sent = bench.asks(lab.Scan("b", "p", limit))
        for number in range(pieces):
            ((to, look),) = sent
            assert look.limit == limit - 2 * number
            found = (("c", "C"), ("f", "F")) if to == "n1" else (("n", "N"),)
            sent = bench.hears(to, lab.Seen(look.number, found[: look.limit], "gp"[number]))
        assert sent == []
        wanted = (("c", "C"), ("f", "F"), ("n", "N"))
        assert bench.ends == {1: Ok(wanted[:limit])}, f"limit {limit}"


def still(
    lab: ShardsLab, hashed: bool, seed: int = 0, faults: list[Fault] | None = None, **options: Any
) -> Simulation:
    """Two shards under a table that never changes, and two routers."""
    node = partial(lab.Shard, hashed=hashed)
    client = partial(lab.Router, hashed=hashed, ask_again_after=50 * MS)
    options = {"link": STEADY, "schedule": Schedule(faults or []), **options}
    nodes, clients = dict.fromkeys(SHARDS, node), dict.fromkeys(CLIENTS, client)
    return lab.simulation(nodes, clients, seed=seed, **options)


@graded(points=2, title="By hash", requirement="a scan in the order of keys, though places are not")
def test_a_scan_over_hashes_is_in_the_order_of_the_keys_and_its_limit_too(lab: ShardsLab) -> None:
    for hashed in (True, False):
        simulation = still(lab, hashed)
        keys = [*KEYS, "p1", "p2"]
        fill(lab, simulation, keys)
        everything = tuple((key, f"of {key}") for key in sorted(keys))
        assert ask_ok(simulation, "c2", lab.Scan("", "z")) == everything
        assert ask_ok(simulation, "c2", lab.Scan("k2", "p2")) == everything[2:-1]
        assert ask_ok(simulation, "c2", lab.Scan("k2", "p2", 3)) == everything[2:5]
        assert ask_ok(simulation, "c2", lab.Scan("", "z", 9)) == everything[:9]
        held = [len(documents(simulation.on_disk(node))) for node in SHARDS]
        assert (min(held) > 1) == hashed, "by hash both have some"


@graded(points=3, title="Crashes", requirement="each key is one register")
def test_each_key_is_a_register_though_shards_crash_and_messages_are_lost(
    lab: ShardsLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL):
        faults: list[Fault] = [
            *(Crash(300 * MS, "n1"), Restart(500 * MS, "n1")),
            *(Crash(700 * MS, "n2"), Restart(SECOND, "n2")),
        ]
        simulation = still(lab, bool(seed % 2), seed, faults, link=ROUGH)
        work = busy(lab, simulation, 14, moves=False)
        assert simulation.run_until(lambda work=work: work.done, 60 * SECOND)  # type: ignore[misc]
        must_be_right(simulation.history)
        ok = [each for each in simulation.history if isinstance(each.outcome, Ok)]
        assert len(ok) >= 25, "operations are carried out"
