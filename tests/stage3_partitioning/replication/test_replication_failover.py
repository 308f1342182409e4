"""Graded suite of the lab ``replication``, fourth part: another member leads."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask, ask_ok, crash, restart, trouble
from common.sim.simulation import Simulation
from common.values.faults import Block, Fault
from common.values.history import Ok
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
    saves,
    to,
    values_of,
)

if TYPE_CHECKING:
    from stage3_partitioning.replication.log import Entry

LAB = "replication"


def mark(lab: ReplicationLab, epoch: int) -> "Entry":
    """What a leader writes first in its epoch."""
    return lab.Entry(epoch, "", 0, "", None)


def replaceable(
    lab: ReplicationLab, seed: int | str, mode: str, faults: Sequence[Fault] = (), **options: Any
) -> Simulation:
    """Three members and an operator of one mode."""
    made = {"mode": mode}
    return cluster(
        lab,
        lab.Replaceable,
        lab.Operator,
        seed,
        faults,
        config=made,
        client_config=made,
        **options,
    )


@graded(points=2, title="A new epoch", requirement="who is fenced follows no older leader")
def test_a_member_that_is_fenced_says_where_its_log_ends_and_takes_nothing_of_an_older_epoch(
    lab: ReplicationLab,
) -> None:
    member = follower_with(lab, lab.Replaceable, 1, 1)
    assert member.hears("op", lab.Fence(3)) == [("op", lab.Fenced(3, (1, 2)))]
    assert member.disk["epoch"] == (3, None)
    sent = member.hears("n1", lab.Ship(1, (1, 2), (entry(lab, 3),)))
    assert sent == [("n1", lab.Outdated(3))]
    assert len(member.log()) == 2
    assert member.hears("op", lab.Fence(3)) == [("op", lab.Fenced(3, (1, 2)))], (
        "the word came twice"
    )
    assert member.hears("op", lab.Fence(2)) == [("op", lab.Outdated(3))]


@graded(points=2, title="A leader with a mark", requirement="a promoted member leads, with a mark")
def test_a_promoted_member_begins_its_epoch_with_a_mark_and_writes_from_then_on(
    lab: ReplicationLab,
) -> None:
    member = follower_with(lab, lab.Replaceable, 1, 1)
    member.hears("op", lab.Fence(3))
    assert to(member.hears("c1", lab.PutRequest(8, "x", "a")), lab.NotLeader) == [
        lab.NotLeader(8, None)
    ]
    sent = member.hears("op", lab.Promote(3, (1, 2)))
    assert to(sent, lab.Promoted) == [lab.Promoted(3, (1, 2))]
    ship = lab.Ship(3, (1, 2), (mark(lab, 3),))
    assert [each for each in sent if each[0] != "op"] == [("n1", ship), ("n3", ship)]
    assert member.log()[-1] == mark(lab, 3)
    member.hears("c1", lab.PutRequest(8, "x", "a"))
    assert member.log()[-1] == lab.Entry(3, "c1", 8, "x", "a")
    again = member.hears("op", lab.Promote(3, (1, 2)))
    assert again == [("op", lab.Promoted(3, (1, 2)))], "the word came twice: there is one mark"
    assert member.hears("op", lab.Fence(3)) == [("op", lab.Outdated(3))]


@graded(points=1, title="Not by itself", requirement="only a member of that epoch leads it")
def test_a_member_that_is_not_in_that_epoch_or_follows_another_leader_does_not_lead(
    lab: ReplicationLab,
) -> None:
    member = follower_with(lab, lab.Replaceable, 1)
    assert member.hears("op", lab.Promote(2, (1, 1))) == [("op", lab.Outdated(1))]
    assert member.hears("op", lab.Promote(1, (1, 1))) == [("op", lab.Outdated(1))], "n1 leads it"
    member.hears("op", lab.Fence(4))
    assert member.hears("op", lab.Promote(2, (1, 1))) == [("op", lab.Outdated(4))]
    member.hears("n3", lab.Ship(4, (1, 1), (mark(lab, 4),)))
    assert member.hears("op", lab.Promote(4, (1, 1))) == [("op", lab.Outdated(4))], "n3 leads it"
    leader = follower_with(lab, lab.Replaceable, 1, 1)
    leader.hears("op", lab.Fence(2))
    leader.hears("op", lab.Promote(2, (1, 2)))
    empty = hand(lab, lab.Replaceable, "n2", saved={})
    empty.hears("n3", lab.Outdated(2))
    late = empty.hears("op", lab.Promote(2, (1, 2)))
    assert late == [("op", lab.Outdated(2))], "it has led epoch 2, and has lost its disk since"
    assert empty.log() == []
    assert empty.disk["epoch"] == (2, None)


@graded(points=1, title="The new leader", requirement="a later epoch is followed")
def test_a_member_follows_the_leader_of_a_later_epoch_and_of_its_own_that_had_none(
    lab: ReplicationLab,
) -> None:
    for fenced in (False, True):
        member = follower_with(lab, lab.Replaceable, 1, 1)
        if fenced:
            member.hears("op", lab.Fence(2))
        sent = member.hears("n3", lab.Ship(2, (1, 2), (mark(lab, 2),)))
        assert sent == [("n3", lab.Have(2, 3))]
        assert member.disk["epoch"] == (2, "n3")
        sent = member.hears("c1", lab.PutRequest(1, "x", "a"))
        assert sent == [("c1", lab.NotLeader(1, "n3"))]
        assert to(member.hears("n1", lab.Ship(1, (1, 2), ())), lab.Outdated) == [lab.Outdated(2)]
        late = member.hears("op", lab.Fence(2))
        assert late == [("op", lab.Outdated(2))], "epoch 2 has its leader by now"
        assert member.disk["epoch"] == (2, "n3")


@graded(points=2, title="The old leader", requirement="who hears of a later epoch leads no longer")
def test_an_old_leader_that_hears_of_a_later_epoch_writes_no_more(lab: ReplicationLab) -> None:
    for word in (lab.Outdated(2), lab.Fence(2)):
        node = hand(lab, lab.Replaceable)
        node.hears("c1", lab.PutRequest(1, "x", "a"))
        for each in (word, lab.Outdated(1)):
            node.hears("n2", each)
            assert node.disk["epoch"] == (2, None), "an older word takes nobody back"
        sent = node.hears("c1", lab.PutRequest(2, "x", "b"))
        assert sent == [("c1", lab.NotLeader(2, None))]
    follower = follower_with(lab, lab.Replaceable, 1)
    follower.hears("n3", lab.Outdated(2))
    assert follower.disk["epoch"] == (2, None), "n1 led epoch 1; who leads this one is not known"
    node = hand(lab, lab.Replaceable)
    node.hears("n2", lab.Outdated(1))
    assert to(node.hears("c1", lab.PutRequest(1, "x", "a")), lab.NotLeader) == []


@graded(points=1, title="A new count", requirement="words to an older leader count no more")
def test_what_followers_said_in_an_earlier_epoch_confirms_nothing_in_a_new_one(
    lab: ReplicationLab,
) -> None:
    node = hand(lab, lab.Replaceable, mode="semi-sync")
    for number in (1, 2, 3):
        node.hears("c1", lab.PutRequest(number, "x", "a"))
    node.hears("n2", lab.Have(1, 2))
    node.hears("op", lab.Fence(2))
    assert to(node.hears("op", lab.Promote(2, (1, 3))), lab.PutDone) == [], "nobody waits any more"
    node.hears("c2", lab.PutRequest(1, "x", "b"))
    assert node.hears("n2", lab.Have(1, 9)) == [], "a word of the old epoch"
    assert node.hears("n2", lab.Have(2, 4)) == []
    assert to(node.hears("n2", lab.Have(2, 5)), lab.PutDone) == [lab.PutDone(1, (2, 5))]


@graded(points=2, title="An old write, asked again", requirement="Raft 5.4.2: its own write")
def test_a_write_of_an_older_epoch_is_done_again_only_with_the_mark_of_this_one(
    lab: ReplicationLab,
) -> None:
    node = hand(lab, lab.Replaceable, mode="semi-sync")
    node.hears("c1", lab.PutRequest(7, "x", "a"))
    node.hears("op", lab.Fence(2))
    node.hears("op", lab.Promote(2, (1, 1)))
    assert node.hears("c1", lab.PutRequest(7, "x", "a")) == []
    assert node.hears("n3", lab.Have(2, 1)) == [], "it is on two disks, and may still be outlived"
    assert node.hears("n3", lab.Have(2, 2)) == [("c1", lab.PutDone(7, (1, 1)))]
    both = hand(lab, lab.Replaceable, mode="semi-sync")
    for client in ("c1", "c2"):
        both.hears(client, lab.PutRequest(7, "x", client))
    both.hears("op", lab.Fence(2))
    both.hears("op", lab.Promote(2, (1, 2)))
    for client in ("c1", "c2"):
        assert both.hears(client, lab.PutRequest(7, "x", client)) == []
    told = both.hears("n3", lab.Have(2, 3))
    assert sorted(to for to, _ in told) == ["c1", "c2"], "both wait for the same mark"


@graded(points=1, title="Its followers", requirement="a leader ships to its own epoch only")
def test_a_leader_ships_nothing_to_a_member_of_another_epoch(lab: ReplicationLab) -> None:
    node = hand(lab, lab.Replaceable)
    node.hears("op", lab.Fence(2))
    node.hears("op", lab.Promote(2, (0, 0)))
    for epoch in (1, 3):
        assert node.hears("n2", lab.Ask(epoch, (0, 0))) == []
    assert len(node.hears("n2", lab.Ask(2, (0, 0)))) == 1


@graded(points=1, title="After a crash", requirement="the epoch and its leader are on disk")
def test_a_member_comes_back_in_the_epoch_in_which_it_was(lab: ReplicationLab) -> None:
    node = hand(lab, lab.Replaceable)
    node.hears("op", lab.Fence(2))
    back = hand(lab, lab.Replaceable, saved=node.disk)
    sent = back.hears("c1", lab.PutRequest(1, "x", "a"))
    assert sent == [("c1", lab.NotLeader(1, None))], "n1 led epoch 1, and that is over"
    back.hears("op", lab.Promote(2, (0, 0)))
    back = hand(lab, lab.Replaceable, saved=back.disk)
    assert to(back.hears("c1", lab.PutRequest(1, "x", "a")), lab.NotLeader) == []
    follower = follower_with(lab, lab.Replaceable, 1)
    follower.hears("n1", lab.Ship(1, (1, 1), ()))
    assert saves(follower) == [], "what is known already is not saved again"


@graded(points=1, title="The furthest", requirement="the epoch first, then the offset")
def test_the_furthest_member_is_the_one_with_the_greatest_position(lab: ReplicationLab) -> None:
    assert lab.furthest({"n1": (1, 9), "n2": (2, 3), "n3": (2, 2)}) == "n2"
    assert lab.furthest({"n3": (1, 4), "n2": (1, 4), "n1": (1, 3)}) == "n2"
    operator = Hand(lab.Operator("op", (), servers=THREE))
    operator.invoke(lab.Failover())
    for member, offset in (("n1", 3), ("n2", 4)):
        operator.hears(member, lab.Fenced(2, (1, offset)))
    told = [(each.to, each.message) for each in operator.wait(150 * MS)]
    assert told == [("n2", lab.Promote(2, (1, 4)))]
    operator.hears("n2", lab.Fenced(2, (0, 0)))
    told = [(each.to, each.message) for each in operator.wait(100 * MS)]
    assert told == [("n2", lab.Promote(2, (1, 4)))], "it was chosen for what it had"


@graded(points=2, title="It goes on", requirement="clients write at the new leader")
def test_after_the_leaders_death_clients_write_at_the_new_one_and_nothing_done_is_lost(
    lab: ReplicationLab,
) -> None:
    simulation = replaceable(lab, 0, "semi-sync", cut_off("n2", 100 * MS, 400 * MS))
    simulation.run(200 * MS)
    ask_ok(simulation, "c1", lab.Put("menu", "soup"))
    crash(simulation, "n1")
    simulation.run(SECOND)
    assert ask_ok(simulation, "op", lab.Failover()) == ("n3", 2), "n2 lacks a write"
    ask_ok(simulation, "c2", lab.Put("menu", "fish"))
    ask_ok(simulation, "c1", lab.Put("price", "10"))
    restart(simulation, "n1")
    assert values_of(log_of(simulation, "n3")) == {"soup", "fish", "10"}
    simulation.run(simulation.now + SECOND)
    assert ask_ok(simulation, "op", lab.Failover())[1] == 3
    ask_ok(simulation, "c1", lab.Put("price", "12"))


@graded(points=3, title="Nothing that was done", requirement="P2: it survives each failover")
def test_the_last_leader_has_every_write_that_was_acknowledged(
    lab: ReplicationLab, sweep: Sweep
) -> None:
    written = 0
    for seed in sweep(SEVERAL):
        for mode in ("semi-sync", "sync"):
            simulation = after_failovers(lab, seed, mode)
            leader = last_leader(simulation)
            kept = values_of(log_of(simulation, leader))
            missing = acknowledged(simulation.history) - kept
            assert not missing, f"{mode}: {leader} leads without {sorted(missing)}"
            written += len(kept)
    assert written > 10, "next to nothing was written: that shows nothing"


@graded(points=1, title="What async costs", requirement="P3: acknowledged, and gone")
def test_in_async_mode_exactly_those_writes_are_lost_that_only_the_old_leader_had(
    lab: ReplicationLab,
) -> None:
    alone = cut_off("n1", 100 * MS, 60 * SECOND)
    simulation = replaceable(lab, 0, "async", [*alone, *blocked_from("op")])
    for number in range(3):
        ask_ok(simulation, "c1", lab.Put("menu", f"kept {number}"))
    simulation.run(200 * MS)
    for number in range(4):
        ask_ok(simulation, "c1", lab.Put("menu", f"lost {number}"))
    leader, _ = ask_ok(simulation, "op", lab.Failover())
    lost = acknowledged(simulation.history) - values_of(log_of(simulation, leader))
    assert leader != "n1"
    assert lost == {f"lost {number}" for number in range(4)}


def blocked_from(client: str) -> list[Fault]:
    """n1 does not hear this client, and is not heard by it."""
    return [Block(0, "n1", client), Block(0, client, "n1")]


def after_failovers(lab: ReplicationLab, seed: int, mode: str) -> Simulation:
    """Members crash, are cut off and slow while an operator fails over; then it is calm."""
    kinds = ("crash", "partition", "link", "pause")
    faults = trouble(seed, kinds, hit=THREE, others=(*CLIENTS, "op"), until=2 * SECOND)
    simulation = replaceable(lab, f"{seed}/{mode}", mode, faults, link=ROUGH)
    busy(lab, simulation, looks=0.1)
    for _ in range(3):
        simulation.run(simulation.now + 300 * MS)
        ask(simulation, "op", lab.Failover(), within=20 * SECOND)
    simulation.run(max(simulation.now, 2 * SECOND) + SECOND)
    ask_ok(simulation, "op", lab.Failover(), within=20 * SECOND)
    return simulation


def last_leader(simulation: Simulation) -> str:
    """Who the operator has made the leader last."""
    told = [each.outcome for each in simulation.history if each.function == "failover"]
    found = [each.value for each in told if isinstance(each, Ok)]
    leader = found[-1]
    assert isinstance(leader, tuple)
    return str(leader[0])
