"""Graded suite of the lab ``cap``, second part: writes that reached one replica and no other."""

from common.check.linearizability import check_linearizability
from common.check.models import Register
from common.course.suites.grading import graded
from common.course.suites.kit import ask, must_hold
from common.values.faults import Block, Heal, Link, Partition
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage1_foundations.cap.cluster import INSTANTS, REPLICAS, THREE_MS, attached, cluster
from tests.stage1_foundations.cap.lab import CapLab

LAB = "cap"


@graded(points=3, title="Write-back", requirement="ABD: a read tells a majority what it found")
def test_what_one_read_returned_no_later_read_misses(lab: CapLab) -> None:
    """At some instant the write is at n1 alone. c2 reads it there; c3 reads where n1 is not heard.

    n1's messages to n2 are lost for two milliseconds, tried at every time of the write.
    """
    found = 0
    for start in (now for now in range(24) if now % 3 != 1):  # then nothing is sent within 2 ms
        faults = [
            Link(0, "n1", "n3", loss=1.0),
            Link(start * MS, "n1", "n2", loss=1.0),
            Link((start + 2) * MS, "n1", "n2", loss=0.0),
        ]
        simulation = cluster(lab, lab.ConsistentReplica, 1, faults, link=THREE_MS)
        simulation.call("c1", lab.Write(7))
        simulation.run((start + 2) * MS)
        first = ask(simulation, "c2", lab.Read(), within=1 * SECOND)
        found += first.outcome == Ok(7)
        simulation.run(simulation.now + 1 * MS)
        ask(simulation, "c3", lab.Read(), within=1 * SECOND)
        must_hold(check_linearizability(simulation.history, Register()))
    assert found, "no read ever found the write"


@graded(
    points=3,
    title="Write-back of the own copy",
    requirement="ABD: a read tells a majority what it found, also what it found at its own replica",
)
def test_what_a_read_finds_at_its_own_replica_is_on_a_majority_afterwards(lab: CapLab) -> None:
    """n1 is not heard as soon as it holds a write itself, tried at every time, until it gives up.

    Then c3 reads the write at n1, and n1 is cut off; c2 reads where n1 is not heard.
    """
    found = 0
    for start in INSTANTS[:16]:
        clients = {"c1": attached(lab, "n1"), "c2": attached(lab, "n2"), "c3": attached(lab, "n1")}
        simulation = lab.simulation(
            dict.fromkeys(REPLICAS, lab.ConsistentReplica), clients, seed=1, link=THREE_MS
        )
        simulation.call("c1", lab.Write(7))
        simulation.run(start)
        for deaf in ("n2", "n3"):
            simulation.inject(Block(simulation.now, "n1", deaf))
        simulation.run(simulation.now + 400 * MS)
        simulation.inject(Heal(simulation.now))
        first = ask(simulation, "c3", lab.Read(), within=SECOND)
        found += first.outcome == Ok(7)
        apart = (("n1", "c1", "c3"), ("n2", "n3", "c2"))
        simulation.inject(Partition(simulation.now, apart))
        simulation.run(simulation.now + 1 * MS)  # so that one read begins after the other's end
        second = ask(simulation, "c2", lab.Read(), within=SECOND)
        assert isinstance(second.outcome, Ok), f"{second}, though n2 and n3 are a majority"
        must_hold(check_linearizability(simulation.history, Register()))
    assert found, "no read ever found the write"
