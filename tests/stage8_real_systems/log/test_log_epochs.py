"""Graded suite of the lab ``log``: leader epochs, and where two logs part."""

from random import Random
from typing import Any

from common.contract.effects import Forget, Save, Send
from common.contract.events import Invoke, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, crash, effects_of, names, restart, trouble
from common.values.faults import Block, Crash, Heal, Restart
from common.values.history import Ok
from common.values.units import MS, SECOND
from stage8_real_systems.log.batches import Batch
from tests.stage8_real_systems.log.cluster import CALM, append, fence, leads, replicas, texts
from tests.stage8_real_systems.log.lab import LogLab

LAB = "log"

PATIENT = 100 * SECOND
"""A lag time after which nobody falls out of sync in these tests: the controller fences."""


def log_of(lab: LogLab, *epochs: int) -> list[Batch]:
    """Batches of one record each, of these epochs."""
    return [
        lab.Batch(offset, epoch, 1, -1, -1, -1, 0, f"{epoch}/{offset}".encode())
        for offset, epoch in enumerate(epochs)
    ]


@graded(points=2, title="The end of an epoch", requirement="KIP-101: the start of the next one")
def test_an_epoch_ends_where_the_next_one_in_the_log_starts(lab: LogLab, sweep: Sweep) -> None:
    for seed in sweep(20):
        random = Random(f"ends/{seed}")
        epochs = sorted(random.choice((1, 2, 4, 7)) for _ in range(random.randrange(1, 9)))
        known = lab.Epochs(log_of(lab, *epochs))
        for asked in range(9):
            below = [each for each in epochs if each <= asked]
            expected = (below[-1], len(below)) if below else (-1, 0)
            assert known.end_of(asked, len(epochs)) == expected, (epochs, asked)
    assert lab.Epochs().end_of(3, 5) == (-1, 5), "nothing is left of a log that starts at 5"
    later = lab.Epochs([lab.batch_of(("k", "v")).placed(5, 3)])
    assert later.end_of(1, 6) == (-1, 5), "what was before 5 is gone by retention"
    cut = lab.Epochs(log_of(lab, 1, 1, 3, 3))
    cut.begin_at(3)
    assert cut.end_of(3, 4) == (3, 4), "epoch 3 goes on where the log begins now"
    assert cut.end_of(2, 4) == (-1, 3), "and epoch 1 is gone"


def cut_where_they_part(lab: LogLab, leader: list[int], follower: list[int]) -> tuple[int, int]:
    """Let a follower ask until its log agrees: how much of it is left, and how often it asked."""
    of_leader = lab.Epochs(log_of(lab, *leader))
    of_follower = lab.Epochs(log_of(lab, *follower))
    asking: int | None = follower[-1]
    end, rounds = len(follower), 0
    while asking is not None and asking != -1:
        epoch, end_offset = of_leader.end_of(asking, len(leader))
        end, asking = lab.where_to_cut(of_follower, end, epoch, end_offset)
        of_follower.truncate(end)
        rounds += 1
        assert rounds < 10, "each answer names a lower epoch"
    return end, rounds


@graded(points=3, title="Where two logs part", requirement="KIP-279: cut to the common prefix")
def test_a_follower_keeps_just_what_the_two_logs_have_in_common(lab: LogLab, sweep: Sweep) -> None:
    asked_twice = cut_where_they_part(lab, leader=[1, 4, 4], follower=[1, 3, 3, 5])
    assert asked_twice == (1, 2), "the leader knows no 5, and then no 3"
    for seed in sweep(60):
        random = Random(f"part/{seed}")
        logs: list[list[int]] = [[0] * random.randrange(1, 4)]
        for epoch in range(1, 7):  # a leader has the beginning of some log, and goes on
            before = random.choice(logs)
            kept = before[: random.randrange(len(before) + 1)]
            logs.append(kept + [epoch] * random.randrange(4))
        leader = random.choice(logs)
        follower = random.choice([each for each in logs if each])
        common = 0
        while leader[common : common + 1] == follower[common : common + 1] != []:
            common += 1
        end, _ = cut_where_they_part(lab, leader, follower)
        assert end == common, f"leader {leader}, follower {follower}: kept {end}"


@graded(points=4, title="KIP-101", requirement="KIP-101, scenario 1")
def test_a_follower_that_restarts_keeps_what_it_does_not_know_to_be_committed(
    lab: LogLab,
) -> None:
    """It has a batch, and has not heard that it is committed. It restarts, and the leader dies
    before it is asked. Had the follower cut its log at its high watermark, it would be lost."""
    simulation = replicas(lab, 2, lag_time=PATIENT)
    for text in ("a", "b"):
        append(lab, simulation, "n1", text)
    crash(simulation, "n2")  # at the moment when the producer is told, and nobody else
    simulation.inject(Block(simulation.now, "n1", "n2"))
    restart(simulation, "n2")
    simulation.run(simulation.now + 60 * MS)
    crash(simulation, "n1")
    fence(lab, simulation, "n1")
    simulation.inject(Heal(simulation.now))
    restart(simulation, "n1")
    assert leads(lab, simulation, "n2", "c", 2 * SECOND)
    assert texts(lab, simulation, "n2") == ["a", "b", "c"], "a and b were acknowledged"


@graded(points=4, title="KIP-279", requirement="KIP-279: an epoch that the leader never saw")
def test_a_follower_cuts_off_an_epoch_that_its_leader_never_saw(lab: LogLab) -> None:
    """The leader has more of the epoch before than the follower has. An answer that names only an
    offset would let the follower keep batches of its own where the leader has others."""
    simulation = replicas(lab, lag_time=PATIENT)
    append(lab, simulation, "n1", "a")
    simulation.inject(Block(simulation.now, "n2", "n1"))
    for text in ("b1", "b2", "b3"):
        append(lab, simulation, "n1", text, acks=1)
    simulation.run(simulation.now + 50 * MS)
    crash(simulation, "n1")
    for one, other in (("n2", "n3"), ("n3", "n2")):
        simulation.inject(Block(simulation.now, one, other))
    fence(lab, simulation, "n1")
    for text in ("c1", "c2"):
        append(lab, simulation, "n2", text, acks=1)
    crash(simulation, "n2")
    fence(lab, simulation, "n2")
    simulation.inject(Heal(simulation.now))
    append(lab, simulation, "n3", "d", acks=1)
    restart(simulation, "n2", "n1")
    assert leads(lab, simulation, "n3", "e", 2 * SECOND)
    simulation.run(simulation.now + 300 * MS)
    for node in names(3):
        assert texts(lab, simulation, node) == ["a", "b1", "b2", "b3", "d", "e"], node


def started(lab: LogLab, *epochs: int, epoch: int, leader: str) -> tuple[Any, list[Any]]:
    """A replica n2 with such a log, to which the controller has just said who leads."""
    replica = lab.LoneReplica("n2", ("n1", "n3"))
    saved: dict[Any, Batch] = {("batch", each.base_offset): each for each in log_of(lab, *epochs)}
    replica.step(Start(0, saved))
    state = lab.PartitionState(("n1", "n2", "n3"), ("n1", "n2", "n3"), leader, epoch, 1)
    return replica, replica.step(Receive(1, "ctl", lab.Appoint(1, state)))


@graded(points=3, title="Asking first", requirement="KIP-101: before it fetches, a follower asks")
def test_a_follower_asks_where_its_last_epoch_ends_and_cuts_there(lab: LogLab) -> None:
    replica, effects = started(lab, 1, 1, 3, 3, epoch=5, leader="n1")
    assert effects_of(Send, effects) == [Send("n1", lab.WhereDoesItEnd(5, 3))]
    for stale in (lab.ItEnds(4, 3, 1, 1), lab.ItEnds(5, 2, 1, 1)):
        effects = replica.step(Receive(2, "n1", stale))
        assert effects_of(Forget, effects) == [], "an answer to another question cuts nothing"
        assert effects_of(Send, effects) == []
    effects = replica.step(Receive(2, "n1", lab.LogPart(5, 4, (), 4, 0)))
    assert effects_of(Send, effects) == [], "nor does it fetch before it knows"
    effects = replica.step(Receive(3, "n1", lab.ItEnds(5, 3, 2, 2)))
    assert {each.key for each in effects_of(Forget, effects)} == {("batch", 2), ("batch", 3)}
    assert effects_of(Send, effects) == [Send("n1", lab.WhereDoesItEnd(5, 1))], "it has no epoch 2"
    effects = replica.step(Receive(4, "n1", lab.ItEnds(5, 1, 1, 1)))
    assert [each.key for each in effects_of(Forget, effects)] == [("batch", 1)]
    assert effects_of(Send, effects) == [Send("n1", lab.FetchLog(5, 1, 0))], "now they agree"
    part = lab.LogPart(5, 1, (log_of(lab, 1, 5)[1],), 1, 0)
    effects = replica.step(Receive(5, "n1", part))
    assert [each.key for each in effects_of(Save, effects)] == [("batch", 1)]


@graded(points=1, title="Nothing in common", requirement="KIP-279: then all of it goes")
def test_a_follower_without_any_epoch_of_its_leader_begins_anew(lab: LogLab) -> None:
    replica, effects = started(lab, 3, 3, epoch=5, leader="n1")
    assert effects_of(Send, effects) == [Send("n1", lab.WhereDoesItEnd(5, 3))]
    effects = replica.step(Receive(2, "n1", lab.ItEnds(5, 3, 1, 2)))
    assert [each.key for each in effects_of(Forget, effects)] == [("batch", 0), ("batch", 1)]
    assert effects_of(Send, effects) == [Send("n1", lab.FetchLog(5, 0, 0))]


@graded(points=2, title="Answering", requirement="the leader of that epoch, and nobody else")
def test_a_leader_tells_the_greatest_epoch_that_is_not_above_the_asked_one(lab: LogLab) -> None:
    leader, _ = started(lab, 1, 1, 3, epoch=6, leader="n2")
    for asked, epoch, end in ((0, -1, 0), (1, 1, 2), (2, 1, 2), (3, 3, 3), (5, 3, 3)):
        effects = leader.step(Receive(2, "n3", lab.WhereDoesItEnd(6, asked)))
        assert effects_of(Send, effects) == [Send("n3", lab.ItEnds(6, asked, epoch, end))]
    for epoch in (5, 7):
        effects = leader.step(Receive(2, "n3", lab.WhereDoesItEnd(epoch, 1)))
        assert effects_of(Send, effects) == [], "it was said of another leader"
    leader.step(Invoke(3, 1, lab.Append("more", 1)))
    effects = leader.step(Receive(4, "n3", lab.WhereDoesItEnd(6, 6)))
    ends = [Send("n3", lab.ItEnds(6, 6, 6, 4))]
    assert effects_of(Send, effects) == ends, "committed or not: n3 may have said that it has it"
    follower, _ = started(lab, 1, 1, 3, epoch=6, leader="n1")
    effects = follower.step(Receive(2, "n3", lab.WhereDoesItEnd(6, 1)))
    assert effects_of(Send, effects) == [], "a follower's log may be cut"


@graded(points=3, title="Tails that go", requirement="copies agree in the end, whatever fails")
def test_copies_agree_though_leaders_die_with_what_only_they_have(
    lab: LogLab, sweep: Sweep
) -> None:
    for seed in sweep(10):
        random = Random(f"tails/{seed}")
        faults = trouble(seed, ("crash", "crash", "block"), hit=names(3), until=CALM)
        simulation = replicas(lab, seed=seed, schedule=faults, lag_time=PATIENT)
        asked = []
        for number in range(40):
            node = random.choice(names(3))
            acks = random.choice((1, 1, -1))
            asked.append((acks, simulation.call(node, lab.Append(f"m{number}", acks))))
            if random.random() < 0.3:
                simulation.call("ctl", lab.FenceBroker(random.choice(names(3))))
            simulation.run(simulation.now + 25 * MS)
        for node in names(3):
            simulation.inject(Crash(simulation.now, node))
            simulation.inject(Restart(simulation.now, node))
        simulation.run(simulation.now + 1 * SECOND)
        assert any(leads(lab, simulation, node, f"last.{node}", 500 * MS) for node in names(3))
        simulation.run(simulation.now + 500 * MS)
        copies = [ask_ok(simulation, node, lab.Contents()) for node in names(3)]
        assert copies[0] == copies[1] == copies[2]
        there = dict(copies[0])
        for acks, each in asked:
            if acks == -1 and isinstance(each.outcome, Ok):
                assert there.get(each.outcome.value) == each.argument[0], each  # type: ignore[index]
