"""Graded suite of the lab ``raft``, part 2: replication in a cluster on which troubles fall."""

from common.check.models import KEY_VALUE
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    ask_ok,
    crash,
    must_be_linearizable,
    must_end,
    restart,
)
from common.values.units import MS, SECOND
from stage4_consensus.raft.checks_outside import elect, others
from tests.stage4_consensus.raft.cluster import (
    CLIENTS,
    cluster,
    sweep_once,
    trouble,
    work,
)
from tests.stage4_consensus.raft.lab import RaftLab

LAB = "raft"


@graded(
    points=3,
    title="Any minority may be down",
    requirement="section 5.1: five servers allow the system to tolerate two failures",
)
def test_two_of_five_may_be_down_and_come_back(lab: RaftLab, sweep: Sweep) -> None:
    for seed in sweep(4):
        simulation = cluster(lab, seed, count=5)
        down = [elect(simulation).id]
        down.append(others(simulation, *down)[0].id)
        crash(simulation, *down)
        for number in range(25):
            ask_ok(simulation, CLIENTS[number % 3], lab.Append("x", f"{number};"))
        restart(simulation, *down)
        simulation.run(simulation.now + SECOND)
        leader = elect(simulation)
        assert {each.last_index for each in others(simulation)} == {leader.commit_index}
        ask_ok(simulation, "c1", lab.Get("x"))
        must_be_linearizable(simulation.history, KEY_VALUE)


@graded(
    points=5,
    title="Linearizable on a bad network",
    requirement="section 5.3: with messages lost, doubled, overtaken and cut off, one way too",
)
def test_it_is_linearizable_when_the_network_fails(lab: RaftLab, sweep: Sweep) -> None:
    for seed in sweep(12):
        sweep_once(lab, seed, 5, ("partition", "block", "link"))


@graded(
    points=4,
    title="Followers keep up with a fast leader on a bad network",
    requirement="section 5.3: with pipelining, entries overtake each other and are lost in rows",
)
def test_pipelined_entries_survive_a_bad_network(lab: RaftLab, sweep: Sweep) -> None:
    for seed in sweep(6):
        faults = trouble(seed, 3, "link", "pause", "disk", until=SECOND)
        config = {"max_entries": 2, "max_in_flight": 5}
        simulation = cluster(lab, seed, 3, faults, config)
        workload = work(lab, simulation, count=60, think=(0, 2 * MS))
        must_end(simulation, workload, limit=10 * SECOND)
        must_be_linearizable(simulation.history, KEY_VALUE)
