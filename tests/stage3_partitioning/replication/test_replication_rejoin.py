"""Graded suite of the lab ``replication``, fifth part: an old leader rejoins."""

from collections.abc import Sequence
from random import Random
from typing import Any

from common.check.convergence import check_convergence
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    ask,
    ask_ok,
    crash_and_restart,
    must_hold,
    restart_all,
    trouble,
)
from common.sim.simulation import Simulation
from common.values.faults import Fault
from common.values.units import MS, SECOND
from tests.stage3_partitioning.replication.lab import ReplicationLab
from tests.stage3_partitioning.replication.room import (
    CLIENTS,
    ROUGH,
    SEVERAL,
    THREE,
    Hand,
    acknowledged,
    busy,
    cluster,
    cut_off,
    entry,
    follower_with,
    hand,
    log_of,
    log_with,
    lost_of,
    to,
    values_of,
)

LAB = "replication"


def leader_of_two(lab: ReplicationLab, **config: Any) -> Hand:
    """n1, which led epoch 1 with two writes, and leads epoch 3, with its mark and two writes."""
    node = hand(lab, lab.Replica, **config)
    for number in (1, 2):
        node.hears("c1", lab.PutRequest(number, "x", f"1.{number}"))
    node.hears("op", lab.Fence(3))
    node.hears("op", lab.Promote(3, (1, 2)))
    for number in (3, 4):
        node.hears("c1", lab.PutRequest(number, "x", f"3.{number}"))
    return node


@graded(points=2, title="The fork", requirement="KIP-279: the last epoch that both may know")
def test_two_logs_come_to_their_last_common_write_by_asking_each_other(
    lab: ReplicationLab, sweep: Sweep
) -> None:
    for seed in sweep(60):
        random = Random(f"fork/{seed}")
        common = random.randrange(4)
        epochs = [sorted(random.choices(range(1, 9), k=random.randrange(6))) for _ in range(2)]
        shared = sorted(random.choices((1, 2), k=common))
        mine = [*shared, *(each * 2 + 3 for each in epochs[0])]
        other = [*shared, *(each * 2 + 4 for each in epochs[1])]
        leader, follower = log_with(lab, *mine), log_with(lab, *other)
        for _ in range(len(other) + 1):
            if leader.has(follower.position):
                break
            fork = leader.fork(follower.position)
            assert fork[1] >= common, f"{mine} and {other}: {fork} is before what both have"
            follower.cut(follower.fork(fork)[1])
        assert follower.offset == common, f"{mine} and {other} are the same up to {common}"


@graded(points=2, title="Another history", requirement="P5, redis#4407: not beyond its end")
def test_a_follower_is_continued_only_from_a_position_of_the_leaders_history(
    lab: ReplicationLab,
) -> None:
    node = leader_of_two(lab)
    for position in ((0, 0), (1, 1), (1, 2), (3, 3), (3, 5)):
        (sent,) = to(node.hears("n2", lab.Ask(3, position)), lab.Ship)
        assert sent.after == position
        assert len(sent.entries) == 5 - position[1]
    forks = {(1, 3): (1, 2), (1, 9): (1, 2), (2, 1): (1, 1), (2, 4): (1, 2), (3, 2): (1, 2)}
    for position, fork in forks.items():
        sent = node.hears("n2", lab.Ask(3, position))
        assert sent == [("n2", lab.Truncate(3, fork))], f"a follower at {position}"


@graded(points=2, title="Taken back", requirement="P4: the divergent suffix goes, and is listed")
def test_an_old_leader_takes_back_what_the_new_one_has_not_and_lists_it(
    lab: ReplicationLab,
) -> None:
    node = hand(lab, lab.Replica)
    for number in (1, 2, 3):
        node.hears("c1", lab.PutRequest(number, "xyz"[number - 1], f"1.{number}"))
    mark = lab.Entry(2, "", 0, "", None)
    assert node.hears("n2", lab.Ship(2, (1, 1), (mark,))) == [("n2", lab.Ask(2, (1, 3)))]
    assert node.hears("n2", lab.Truncate(2, (1, 1))) == [("n2", lab.Ask(2, (1, 1)))]
    assert [each.value for each in node.log()] == ["1.1"]
    gone = (entry(lab, 2, key="y"), entry(lab, 3, key="z"))
    assert node.disk["lost", 0] == gone
    assert node.hears("n2", lab.Truncate(2, (1, 1))) == [("n2", lab.Ask(2, (1, 1)))]
    assert ("lost", 1) not in node.disk, "the word came twice, and nothing went"
    assert to(node.hears("c9", lab.GetRequest(1, "z", (0, 0))), lab.Got)[0].value is None
    for again in (node, hand(lab, lab.Replica, saved=node.disk, mode="async")):
        assert again.node.status()["lost"] == 2
        assert again.hears("n2", lab.Ship(2, (1, 1), (mark,))) == [("n2", lab.Have(2, 2))]
        again.hears("op", lab.Fence(3))
        again.hears("op", lab.Promote(3, (2, 2)))
        again.hears("c1", lab.PutRequest(3, "z", "1.3"))
        assert [each.value for each in again.log()] == ["1.1", None, None, "1.3"], (
            "what was taken back is not done: who asks for it again gets it"
        )
    led = hand(lab, lab.Replica, mode="semi-sync")
    for number in (1, 2, 3):
        led.hears("c1", lab.PutRequest(number, "x", f"1.{number}"))
    led.hears("n2", lab.Have(1, 3))
    led.hears("n3", lab.Truncate(2, (1, 1)))
    led.hears("op", lab.Fence(3))
    led.hears("op", lab.Promote(3, (1, 1)))
    told = led.hears("c2", lab.PutRequest(1, "x", "new"))
    assert to(told, lab.PutDone) == [], "n2 had three writes, of which two were taken back"


@graded(points=1, title="Its own fork", requirement="epochs that the leader has not go, too")
def test_a_follower_takes_back_epochs_that_end_before_the_leaders_fork(lab: ReplicationLab) -> None:
    node = follower_with(lab, lab.Replica, 1, 2, 2, 2)
    sent = node.hears("n3", lab.Truncate(5, (1, 3)))
    assert sent == [("n3", lab.Ask(5, (1, 1)))], "its own epoch 1 ends at 1"
    assert [each.epoch for each in node.disk["lost", 0]] == [2, 2, 2]
    node.hears("n3", lab.Ship(5, (1, 1), (entry(lab, 7, 5),)))
    assert node.disk["epoch"] == (5, "n3")
    for old in (lab.Truncate(4, (0, 0)), lab.Replace(4, (0, 0), lab.Copy())):
        assert node.hears("n2", old) == [("n2", lab.Outdated(5))]
        assert len(node.log()) == 2, "an older leader's word"


@graded(points=2, title="An empty leader", requirement="redis#6434: emptiness is not copied")
def test_a_follower_takes_back_no_write_of_the_epoch_of_the_leader_that_tells_it_to(
    lab: ReplicationLab,
) -> None:
    nothing = lab.Copy()
    words = [
        make
        for at in ((0, 0), (1, 1))
        for make in (lab.Truncate(1, at), lab.Replace(1, at, nothing))
    ]
    for word in words:
        node = follower_with(lab, lab.Replica, 1, 1)
        assert node.hears("n1", lab.Ship(1, (0, 0), ())) == [("n1", lab.Ask(1, (1, 2)))]
        assert node.hears("n1", word) == []
        assert [each.value for each in node.log()] == ["1.1", "1.2"]
        assert not any(key[0] == "lost" for key in node.disk)


@graded(points=2, title="It notices", requirement="who has less than a follower leads no more")
def test_a_leader_that_has_less_of_its_own_epoch_than_a_follower_leads_no_longer(
    lab: ReplicationLab,
) -> None:
    longer = {("entry", 1): entry(lab, 1), ("entry", 2): entry(lab, 2), "epoch": (2, "n1")}
    lost = {**longer, "epoch": (3, "n1")}
    for epoch, saved, position in ((1, {}, (1, 2)), (2, longer, (2, 1)), (3, lost, (2, 1))):
        node = hand(lab, lab.Replica, saved=saved)
        assert node.hears("n2", lab.Ask(epoch, position)) == []
        sent = node.hears("c1", lab.PutRequest(9, "x", "a"))
        assert sent == [("c1", lab.NotLeader(9, None))]
        assert node.disk["epoch"] == (epoch, None), "the operator names the next one"
    node = hand(lab, lab.Replica)
    node.hears("n2", lab.Ask(1, (1, 2)))
    node.hears("op", lab.Fence(2))
    assert to(node.hears("op", lab.Promote(2, (0, 0))), lab.Promoted), "the operator decides"


@graded(points=2, title="Too far behind", requirement="P5: not in the backlog, so a copy of all")
def test_a_follower_gets_writes_while_the_backlog_has_them_and_else_a_copy(
    lab: ReplicationLab,
) -> None:
    node = hand(lab, lab.Replica, backlog=3)
    for number in range(1, 8):
        node.hears("c1", lab.PutRequest(number, "x", f"1.{number}"))
    assert len(node.log()) == 3, "the rest is in the base"
    for offset in (4, 5, 7):
        (sent,) = to(node.hears("n2", lab.Ask(1, (1, offset))), lab.Ship)
        assert [each.number for each in sent.entries] == list(range(offset + 1, 8))
    for offset in (3, 1):
        ((_, sent),) = node.hears("n2", lab.Ask(1, (1, offset)))
        assert isinstance(sent, lab.Replace)
        assert (sent.epoch, sent.fork) == (1, (1, offset))
        assert sent.copy == lab.Copy(((1, 7),), (("x", "1.7"),), (("c1", 7, (1, 7)),))
    old = leader_of_two(lab, backlog=1)
    ((_, sent),) = old.hears("n2", lab.Ask(3, (1, 9)))
    assert isinstance(sent, lab.Replace)
    assert sent.fork == (1, 2), "what is folded is still known of: the follower lacks no more"
    back = hand(lab, lab.Replica, saved=node.disk, backlog=3, mode="async")
    assert back.hears("c1", lab.PutRequest(7, "x", "1.7")) == [("c1", lab.PutDone(7, (1, 7)))]
    assert back.hears("c2", lab.GetRequest(1, "x", (0, 0))) == [("c2", lab.Got(1, "1.7", (1, 7)))]


@graded(points=1, title="Folded now and then", requirement="at twice the backlog, and on disk")
def test_the_oldest_writes_are_folded_into_the_base_at_twice_the_backlog(
    lab: ReplicationLab,
) -> None:
    node = hand(lab, lab.Replica, backlog=3)
    lengths = []
    for number in range(1, 15):
        node.hears("c1", lab.PutRequest(number, "x", f"1.{number}"))
        lengths.append(len(node.log()))
    assert lengths == [1, 2, 3, 4, 5, 6, 3, 4, 5, 6, 3, 4, 5, 6]


@graded(points=2, title="A copy", requirement="it takes the place of all; what it lacks is listed")
def test_a_copy_replaces_the_log_on_disk_and_lists_what_went_another_way(
    lab: ReplicationLab,
) -> None:
    copy = lab.Copy(((1, 2), (3, 9)), (("x", "new"),), (("c1", 9, (3, 9)),))
    longer = (1,) * 12
    for epochs, lost in (((1, 1), 0), ((1,), 0), ((1, 1, 1), 1), ((1, 2, 2), 2), (longer, 10)):
        node = follower_with(lab, lab.Replica, *epochs)
        fork = (1, min(2, len(epochs)))
        assert node.hears("n3", lab.Replace(3, fork, copy)) == [("n3", lab.Ask(3, (3, 9)))]
        assert node.log() == []
        assert node.disk["base"] == copy
        assert len(node.disk.get(("lost", 0), ())) == lost, epochs
        assert (("lost", 0) in node.disk) == (lost > 0), "nothing is no entry of the list"
        assert node.disk["epoch"] == (3, "n3")
        back = hand(lab, lab.Replica, "n2", node.disk)
        read = back.hears("c9", lab.GetRequest(1, "x", (0, 0)))
        assert read == [("c9", lab.Got(1, "new", (3, 9)))]
        assert back.hears("n3", lab.Ship(3, (3, 9), ())) == [("n3", lab.Have(3, 9))]
    twice = follower_with(lab, lab.Replica, 1, 1)
    twice.hears("n3", lab.Truncate(2, (1, 1)))
    twice.hears("n3", lab.Ship(2, (1, 1), (entry(lab, 7, 2),)))
    twice.hears("n3", lab.Replace(3, (1, 1), copy))
    twice.hears("n3", lab.Ship(3, (3, 9), (entry(lab, 8, 3),)))
    twice.hears("n1", lab.Truncate(5, (3, 9)))
    lists = [[each.number for each in twice.disk["lost", number]] for number in range(3)]
    assert lists == [[2], [7], [8]], "one list for each time, and none in the place of another"
    assert twice.log() == [], "what was taken back is on disk no more"


@graded(points=1, title="Only late", requirement="a copy is taken in the same epoch, too")
def test_a_follower_that_is_only_late_takes_a_copy_in_its_own_epoch(lab: ReplicationLab) -> None:
    copy = lab.Copy(((1, 9),), (("x", "new"),), (("c1", 9, (1, 9)),))
    node = follower_with(lab, lab.Replica, 1, 1)
    assert node.hears("n1", lab.Replace(1, (1, 2), copy)) == [("n1", lab.Ask(1, (1, 9)))]
    assert node.disk["base"] == copy


@graded(points=1, title="Before the base", requirement="what is folded cannot be taken back")
def test_a_follower_whose_base_is_beyond_the_fork_asks_for_a_copy(lab: ReplicationLab) -> None:
    node = hand(lab, lab.Replica, "n2", backlog=2)
    for number in range(1, 6):
        after = (1, number - 1) if number > 1 else (0, 0)
        node.hears("n1", lab.Ship(1, after, (entry(lab, number),)))
    assert len(node.log()) == 2
    assert node.hears("n3", lab.Truncate(2, (1, 1))) == [("n3", lab.AskAll(2, (1, 5)))]
    assert len(node.log()) == 2
    copy = lab.Copy(((1, 2), (2, 9)), (), ())
    assert node.hears("n3", lab.Replace(2, (1, 2), copy)) == [("n3", lab.Ask(2, (2, 9)))]
    assert len(node.disk["lost", 0]) == 2, "all of its backlog is behind the fork"
    leader = leader_of_two(lab)
    ((_, sent),) = leader.hears("n2", lab.AskAll(3, (1, 5)))
    assert isinstance(sent, lab.Replace)
    assert sent.fork == (1, 2)
    assert leader.hears("n2", lab.AskAll(2, (1, 5))) == [], "it does not follow this leader"


def replicas(
    lab: ReplicationLab, seed: int | str, mode: str, faults: Sequence[Fault] = (), **options: Any
) -> Simulation:
    """Three replicas and an operator of one mode; a short backlog."""
    made = {"mode": mode}
    config = {"backlog": 1000, **made, **options.pop("config", {})}
    return cluster(
        lab, lab.Replica, lab.Operator, seed, faults, config=config, client_config=made, **options
    )


@graded(points=3, title="Counted", requirement="P3, P4: what is lost is exactly what is listed")
def test_after_a_needless_failover_the_old_leader_lists_exactly_the_writes_that_are_lost(
    lab: ReplicationLab,
) -> None:
    away = cut_off("n1", 100 * MS, 3 * SECOND, (*THREE, "op", "c2"))
    simulation = replicas(lab, 0, "async", away)
    ask_ok(simulation, "c1", lab.Put("menu", "kept"))
    simulation.run(300 * MS)
    for number in range(4):
        ask_ok(simulation, "c1", lab.Put("menu", f"lost {number}"))
    leader, _ = ask_ok(simulation, "op", lab.Failover())
    ask_ok(simulation, "c2", lab.Put("price", "10"))
    simulation.run(5 * SECOND)
    assert lost_of(simulation) == {f"lost {number}" for number in range(4)}
    assert values_of(log_of(simulation, "n1")) == {"kept", "10"}
    must_hold(check_convergence({id: log_of(simulation, id) for id in THREE}))
    assert leader != "n1"


def after_the_storm(lab: ReplicationLab, seed: int, mode: str, backlog: int) -> Simulation:
    """Members crash, are cut off and slow while an operator fails over; then all is calm."""
    kinds = ("crash", "partition", "link", "pause")
    faults = trouble(seed, kinds, hit=THREE, others=(*CLIENTS, "op"), until=2 * SECOND)
    made = {"backlog": backlog}
    simulation = replicas(lab, f"{seed}/{mode}", mode, faults, link=ROUGH, config=made)
    busy(lab, simulation, looks=0.1, count=16)
    for _ in range(3):
        simulation.run(simulation.now + 300 * MS)
        ask(simulation, "op", lab.Failover(), within=20 * SECOND)
    simulation.run(max(simulation.now, 2 * SECOND) + SECOND)
    ask_ok(simulation, "op", lab.Failover(), within=20 * SECOND)
    ask_ok(simulation, "c1", lab.Put("menu", "at the end"), within=20 * SECOND)
    simulation.run(simulation.now + 3 * SECOND)
    return simulation


def shown(lab: ReplicationLab, simulation: Simulation, id: str) -> object:
    """What is on the disk of a member: base, entries."""
    disk: Any = simulation.on_disk(id)
    log = lab.Log(disk.get("base") or lab.Copy())
    for each in log_of(simulation, id):
        log.append(each)
    return log.copy()


@graded(points=3, title="All the same again", requirement="copies converge; what was done is there")
def test_in_the_calm_all_copies_are_the_same_and_what_is_missing_is_listed(
    lab: ReplicationLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL):
        for mode in ("semi-sync", "async"):
            simulation = after_the_storm(lab, seed, mode, 1000)
            logs = {id: log_of(simulation, id) for id in THREE}
            must_hold(check_convergence(logs))
            missing = acknowledged(simulation.history) - values_of(logs["n1"])
            if mode == "semi-sync":
                assert not missing, f"done, and gone: {sorted(missing)}"
            assert missing <= lost_of(simulation), "lost, and not listed"


@graded(points=2, title="With copies", requirement="a short backlog changes nothing")
def test_with_a_backlog_of_two_writes_all_copies_are_the_same_too(
    lab: ReplicationLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL):
        simulation = after_the_storm(lab, seed, "semi-sync", 2)
        restart_all(simulation)
        simulation.run(simulation.now + SECOND)
        must_hold(check_convergence({id: shown(lab, simulation, id) for id in THREE}))


@graded(points=1, title="There and back", requirement="leadership moves away and home again")
def test_an_old_leader_may_lead_again_and_nothing_comes_back(lab: ReplicationLab) -> None:
    simulation = replicas(lab, 0, "async", cut_off("n1", 100 * MS, SECOND, (*THREE, "op")))
    simulation.run(200 * MS)
    ask_ok(simulation, "c1", lab.Put("menu", "lost"))
    ask_ok(simulation, "op", lab.Failover())
    simulation.run(3 * SECOND)
    leaders = set()
    for number in range(4):
        leaders.add(ask_ok(simulation, "op", lab.Failover())[0])
        ask_ok(simulation, "c1", lab.Put("menu", f"{number}"))
        crash_and_restart(simulation, "n1")
        simulation.run(simulation.now + SECOND)
    assert values_of(log_of(simulation, "n1")) == {*"0123"}
    must_hold(check_convergence({id: log_of(simulation, id) for id in THREE}))
