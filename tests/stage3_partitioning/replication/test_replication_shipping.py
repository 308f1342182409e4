"""Graded suite of the lab ``replication``, first part: the leader ships its log."""

from common.contract.effects import Broadcast, SetTimer
from common.contract.events import Fire
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    ask,
    ask_ok,
    crash_and_restart,
    effects_of,
    must_be_ok,
    must_end,
)
from common.sim.simulation import Simulation
from common.values.faults import Crash, Restart
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage3_partitioning.replication.lab import ReplicationLab
from tests.stage3_partitioning.replication.room import (
    ROUGH,
    SEVERAL,
    THREE,
    acknowledged,
    busy,
    cluster,
    cut_off,
    entry,
    follower_with,
    hand,
    log_of,
    saves,
    to,
    values_of,
)

LAB = "replication"


@graded(points=1, title="At the end", requirement="a write is taken right behind the last one")
def test_a_follower_takes_what_comes_right_behind_its_log_and_says_so(lab: ReplicationLab) -> None:
    follower = follower_with(lab, lab.Member, 1)
    sent = follower.hears("n1", lab.Ship(1, (1, 1), (entry(lab, 2), entry(lab, 3))))
    assert sent == [("n1", lab.Have(1, 3))]
    assert [each.number for each in follower.log()] == [1, 2, 3]
    assert follower.hears("n1", lab.Ship(1, (1, 3), ())) == [("n1", lab.Have(1, 3))]


@graded(points=2, title="No gap", requirement="nothing else is taken; the follower asks")
def test_a_follower_takes_nothing_that_comes_behind_another_position(lab: ReplicationLab) -> None:
    for after in ((1, 3), (1, 1), (2, 2), (0, 0)):
        follower = follower_with(lab, lab.Member, 1, 1)
        sent = follower.hears("n1", lab.Ship(1, after, (entry(lab, 9),)))
        assert sent == [("n1", lab.Ask(1, (1, 2)))], f"it came behind {after}"
        assert saves(follower) == []
        assert len(follower.log()) == 2


@graded(points=1, title="One shipment", requirement="a write is shipped once to each follower")
def test_the_leader_saves_a_write_ships_it_with_its_place_and_answers(lab: ReplicationLab) -> None:
    leader = hand(lab, lab.Member)
    for number in (1, 2):
        sent = leader.hears("c1", lab.PutRequest(number, "x", f"1.{number}"))
        made = entry(lab, number)
        before = (1, number - 1) if number > 1 else (0, 0)
        for id in ("n2", "n3"):
            assert (id, lab.Ship(1, before, (made,))) in sent
        assert to(sent, lab.PutDone) == [lab.PutDone(number, (1, number))]
        assert leader.log()[-1] == made


@graded(points=1, title="Only the leader", requirement="others say who leads")
def test_a_follower_writes_nothing_and_says_who_leads(lab: ReplicationLab) -> None:
    follower = follower_with(lab, lab.Member, 1)
    sent = follower.hears("c1", lab.PutRequest(7, "x", "a"))
    assert sent == [("c1", lab.NotLeader(7, "n1"))]
    again = follower.hears("c1", lab.PutRequest(1, "x", "1.1"))
    assert again == [("c1", lab.NotLeader(1, "n1"))], "it has that write, and promises nothing"
    assert len(follower.log()) == 1
    assert follower.hears("n3", lab.Ask(1, (0, 0))) == [], "a follower ships nothing"


@graded(points=2, title="Once", requirement="a request that is repeated is not written again")
def test_a_repeated_request_is_written_once_and_answered_with_its_old_position(
    lab: ReplicationLab,
) -> None:
    leader = hand(lab, lab.Member)
    for number in (3, 4):
        leader.hears("c1", lab.PutRequest(number, "x", f"{number}"))
    leader.hears("c2", lab.PutRequest(1, "x", "other"))
    again = leader.hears("c1", lab.PutRequest(4, "x", "4"))
    assert again == [("c1", lab.PutDone(4, (1, 2)))]
    assert leader.hears("c1", lab.PutRequest(3, "x", "3")) == [], "nobody waits for that"
    assert len(leader.log()) == 3
    back = hand(lab, lab.Member, saved=leader.disk)
    assert back.hears("c1", lab.PutRequest(4, "x", "4")) == [("c1", lab.PutDone(4, (1, 2)))]


@graded(points=1, title="From there", requirement="what is asked for, and so many at most")
def test_the_leader_ships_what_comes_behind_the_followers_end(lab: ReplicationLab) -> None:
    leader = hand(lab, lab.Member)
    for number in range(1, 71):
        leader.hears("c1", lab.PutRequest(number, "x", f"1.{number}"))
    (sent,) = to(leader.hears("n2", lab.Ask(1, (1, 68))), lab.Ship)
    assert sent == lab.Ship(1, (1, 68), (entry(lab, 69), entry(lab, 70)))
    (sent,) = to(leader.hears("n2", lab.Ask(1, (0, 0))), lab.Ship)
    assert sent.after == (0, 0)
    assert [each.number for each in sent.entries] == list(range(1, 65))
    (sent,) = to(leader.hears("n2", lab.Ask(1, (1, 70))), lab.Ship)
    assert sent == lab.Ship(1, (1, 70), ())


@graded(points=1, title="More of it", requirement="after a full shipment the follower asks")
def test_a_follower_asks_for_more_after_a_full_shipment_only(lab: ReplicationLab) -> None:
    full = tuple(entry(lab, number) for number in range(1, 65))
    follower = follower_with(lab, lab.Member)
    sent = follower.hears("n1", lab.Ship(1, (0, 0), full))
    assert sent == [("n1", lab.Have(1, 64)), ("n1", lab.Ask(1, (1, 64)))]
    follower = follower_with(lab, lab.Member)
    assert to(follower.hears("n1", lab.Ship(1, (0, 0), full[:63])), lab.Ask) == []


@graded(points=1, title="Now and then", requirement="the leader says where its log ends")
def test_the_leader_says_again_and_again_where_its_log_ends_and_a_follower_does_not(
    lab: ReplicationLab,
) -> None:
    for id in ("n1", "n2"):
        member = hand(lab, lab.Member, id, ship_every=7 * MS)
        member.hears("c1", lab.PutRequest(1, "x", "a"))
        for at in (100, 200):
            effects = member.node.step(Fire(at, at, lab.ShipAgain()))
            said = [each.message for each in effects_of(Broadcast, effects)]
            assert said == ([lab.Ship(1, (1, 1), ())] if id == "n1" else [])
            assert [each.after for each in effects_of(SetTimer, effects)] == [7 * MS]


@graded(points=1, title="Anybody answers", requirement="a read is answered from what is here")
def test_each_member_answers_reads_with_its_value_and_its_position(lab: ReplicationLab) -> None:
    follower = follower_with(lab, lab.Member, 1, 1)
    assert follower.hears("c2", lab.GetRequest(5, "x", (0, 0))) == [
        ("c2", lab.Got(5, "1.2", (1, 2)))
    ]
    assert follower.hears("c2", lab.GetRequest(6, "y", (0, 0))) == [
        ("c2", lab.Got(6, None, (1, 2)))
    ]


@graded(points=2, title="A restart", requirement="redis#6434: a leader comes back with its log")
def test_a_leader_that_restarts_has_all_that_it_had(lab: ReplicationLab) -> None:
    simulation = cluster(lab, lab.Member, lab.Client)
    must_be_ok(*(ask(simulation, "c1", lab.Put("menu", f"{number}")) for number in range(5)))
    crash_and_restart(simulation, "n1")
    simulation.run(simulation.now + SECOND)
    must_be_ok(ask(simulation, "c2", lab.Put("menu", "last")))
    simulation.run(simulation.now + SECOND)
    for id in THREE:
        assert [each.value for each in log_of(simulation, id)] == [*"01234", "last"]


@graded(points=1, title="Lost on the way", requirement="a follower notices that it lacks something")
def test_a_follower_that_was_cut_off_has_all_writes_soon_after(lab: ReplicationLab) -> None:
    simulation = cluster(lab, lab.Member, lab.Client, 0, cut_off("n3", 0, 20 * SECOND))
    must_be_ok(*(ask(simulation, "c1", lab.Put("menu", f"{number}")) for number in range(150)))
    assert log_of(simulation, "n3") == []
    simulation.run(20 * SECOND + 300 * MS)
    assert len(log_of(simulation, "n3")) == 150


@graded(points=3, title="A prefix", requirement="P1: a follower has what the leader had")
def test_the_log_of_a_follower_is_always_a_prefix_of_the_leaders(
    lab: ReplicationLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL):
        simulation = stormy(lab, seed)
        workload = busy(lab, simulation, looks=0.2)
        for stop in range(50, 3000, 50):
            simulation.run(stop * MS)
            leaders = log_of(simulation, "n1")
            for id in THREE:
                mine = log_of(simulation, id)
                assert mine == leaders[: len(mine)], f"{id} is no prefix at {stop} ms"
        must_end(simulation, workload, limit=8 * SECOND)


@graded(points=2, title="All of it", requirement="in the calm every follower has every write once")
def test_in_the_calm_all_have_each_acknowledged_write_once(
    lab: ReplicationLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL):
        simulation = stormy(lab, seed)
        busy(lab, simulation, looks=0.2)
        simulation.run(6 * SECOND)
        logs = [log_of(simulation, id) for id in THREE]
        assert logs[0] == logs[1] == logs[2]
        values = [each.value for each in logs[0]]
        assert len(set(values)) == len(values), "a request was carried out twice"
        assert acknowledged(simulation.history) <= values_of(logs[0])
        assert len(values) > 5


def stormy(lab: ReplicationLab, seed: int) -> Simulation:
    """Messages are lost and doubled; the leader and a follower crash; then it is calm."""
    faults = [
        *cut_off("n3", 200 * MS, 500 * MS),
        Crash(250 * MS, "n1"),
        Restart(400 * MS, "n1"),
        Crash(600 * MS, "n2"),
        Restart(800 * MS, "n2"),
    ]
    return cluster(lab, lab.Member, lab.Client, seed, faults, link=ROUGH)


@graded(points=1, title="How far behind", requirement="lag can be seen")
def test_a_follower_knows_how_many_writes_it_lacks(lab: ReplicationLab) -> None:
    follower = hand(lab, lab.look_into("Member"), "n2")
    follower.hears("n1", lab.Ship(1, (0, 0), (entry(lab, 1),)))
    lacks = []
    for ship in (
        lab.Ship(1, (1, 4), (entry(lab, 5), entry(lab, 6))),
        lab.Ship(1, (1, 6), ()),
        lab.Ship(1, (0, 0), ()),
        lab.Ship(1, (1, 3), ()),
        lab.Ship(1, (1, 1), (entry(lab, 2), entry(lab, 3))),
    ):
        follower.hears("n1", ship)
        lacks.append(follower.node.behind)
    assert lacks == [5, 5, 0, 2, 0]


@graded(points=1, title="Lag", requirement="asynchronous: a follower shows an older state")
def test_a_client_may_miss_its_own_write_at_a_follower(lab: ReplicationLab) -> None:
    simulation = cluster(lab, lab.Member, lab.Client, 0, cut_off("n3", 0, 5 * SECOND))
    ask_ok(simulation, "c1", lab.Put("menu", "soup"))
    shown = {ask(simulation, "c1", lab.Get("menu")).outcome for _ in range(60)}
    assert shown == {Ok("soup"), Ok(None)}, "some member has it, and the one that lags has not"
