"""Graded suite of the lab ``etcd``, part 3, fault sweeps: then a calm in which all must end."""

from random import Random

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, value_of
from common.sim.chaos import random_schedule
from common.sim.workload import Workload
from common.values.faults import Schedule
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage5_fault_tolerance.etcd.cluster import (
    CALM,
    SERVERS,
    cluster,
    must_be_linearizable,
    must_end_somehow,
    single_keys,
    sweep_once,
)
from tests.stage5_fault_tolerance.etcd.lab import EtcdLab

LAB = "etcd"


@graded(
    points=5,
    title="Linearizable in a bad network",
    requirement="each key like one register, whichever server is asked: partitions, one-way too, "
    "loss, copies, delays",
)
def test_it_is_linearizable_when_the_network_is_cut_and_loses_messages(
    lab: EtcdLab, sweep: Sweep
) -> None:
    for seed in sweep(8):
        simulation = sweep_once(lab, seed, single_keys(lab), ("partition", "block", "link"))
        must_be_linearizable(simulation)


@graded(
    points=5,
    title="Linearizable through crashes",
    requirement="each key like one register: crashes, slow disks, pauses, clocks that drift",
)
def test_it_is_linearizable_when_servers_crash_and_clocks_drift(lab: EtcdLab, sweep: Sweep) -> None:
    for seed in sweep(8):
        kinds = ("crash", "crash", "disk", "pause", "clock", "link")
        must_be_linearizable(sweep_once(lab, seed, single_keys(lab), kinds))


@graded(
    points=5,
    title="All servers have one history",
    requirement="after everything has failed: the same revisions, events and leases everywhere",
)
def test_all_servers_have_the_same_history_after_everything_has_failed(
    lab: EtcdLab, sweep: Sweep
) -> None:
    for seed in sweep(6):

        def choose(random: Random, server: str, number: int) -> object:
            lease = random.choice((0, 1, 2))
            kinds = [
                lab.Put(random.choice((b"a", b"b")), b"%d" % number, lease),
                lab.LeaseGrant(600, random.randrange(1, 3)),
                lab.LeaseRevoke(random.randrange(1, 3)),
                lab.DeleteRange(b"a", b"\0"),
                lab.Txn((), (lab.Put(b"a"), lab.Put(b"b"))),
                lab.Compact(random.randrange(2, 20)) if random.random() < 0.2 else lab.Put(b"c"),
            ]
            return random.choice(kinds)

        kinds = ("crash", "partition", "block", "link", "disk", "pause", "clock")
        schedule = random_schedule(Random(f"{seed}"), SERVERS, CALM, kinds=kinds)
        simulation = cluster(lab, seed, schedule=Schedule(list(schedule)))
        workload = Workload(
            simulation,
            choose,
            count=25,
            think=(0, 150 * MS),
            patience=8 * SECOND,
            clients=SERVERS,
        )
        must_end_somehow(simulation, workload)
        revision = ask_ok(simulation, "n1", lab.Put(b"last", b"word")).revision
        known = [
            (
                ask_ok(simulation, server, lab.Range(b"\0", b"\0")),
                ask_ok(simulation, server, lab.Changes(revision - 3)),
                ask_ok(simulation, server, lab.LeaseList()),
                ask_ok(simulation, server, lab.HashKV()),
            )
            for server in SERVERS
        ]
        assert known[0] == known[1] == known[2]


@graded(
    points=4,
    title="Revisions agree with real time",
    requirement="the page, *Revisions*: a later answer has no earlier revision, on any server",
)
def test_later_answers_have_no_earlier_revisions(lab: EtcdLab, sweep: Sweep) -> None:
    for seed in sweep(6):
        kinds = ("crash", "partition", "pause", "link")
        simulation = sweep_once(lab, seed, single_keys(lab), kinds)
        answered = [
            (each.invoked_at, each.returned_at or 0, value_of(each).revision)
            for each in simulation.history
            if isinstance(each.outcome, Ok)
        ]
        assert len(answered) > 20
        for _, returned, earlier in answered:
            for invoked, _, later in answered:
                if returned < invoked:
                    assert earlier <= later, f"{earlier} was told at {returned} µs, then {later}"
