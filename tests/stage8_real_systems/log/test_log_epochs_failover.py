"""Graded suite of the lab ``log``: leaders that change while brokers die."""

from random import Random

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    ask_ok,
    crash,
    has_ended,
    names,
    restart,
    run_until,
    trouble,
    wait_for,
)
from common.values.faults import Block, Crash, Heal, Partition, Restart
from common.values.history import Ok
from common.values.units import MS, SECOND
from stage8_real_systems.log.requests import Error
from tests.stage8_real_systems.log.cluster import (
    CALM,
    Said,
    append,
    brokers,
    fence,
    leader_of,
    leads,
    replicas,
    texts,
    with_topic,
)
from tests.stage8_real_systems.log.lab import LogLab

LAB = "log"


@graded(points=2, title="Back in sync", requirement="KIP-497: in again with all that is committed")
def test_a_follower_that_has_caught_up_is_in_sync_again(lab: LogLab) -> None:
    said = Said()
    simulation = replicas(lab, observers=[said])
    simulation.inject(Block(simulation.now, "n3", "n1"))
    for text in "abc":
        append(lab, simulation, "n1", text)
    simulation.inject(Block(simulation.now, "n2", "n1"))
    asked = simulation.call("n1", lab.Append("d"))
    assert not has_ended(simulation, asked, 200 * MS)
    simulation.inject(Heal(simulation.now))
    wait_for(simulation, asked)
    simulation.run(simulation.now + 300 * MS)
    crash(simulation, "n1", "n2")
    fence(lab, simulation, "n1")
    fence(lab, simulation, "n2")
    assert texts(lab, simulation, "n3") == ["a", "b", "c", "d"], "it may lead, and has everything"
    restart(simulation, "n1", "n2")
    assert leads(lab, simulation, "n3", "e", 2 * SECOND)


@graded(points=1, title="Which epoch", requirement="KIP-320: who reads says which epoch it knows")
def test_a_leader_refuses_who_reads_by_an_epoch_that_is_over(lab: LogLab) -> None:
    simulation = brokers(lab)
    with_topic(lab, simulation)
    first = leader_of(lab, simulation)
    ask_ok(simulation, first, lab.Produce("t", 0, lab.batch_of(("k", "v"))))
    other = next(each for each in names(3) if each != first)
    crash(simulation, first)
    run_until(simulation, lambda: leader_of(lab, simulation, other) not in ("", first))
    leader = leader_of(lab, simulation, other)

    def read(epoch: int) -> Error:
        part = lab.FetchPart("t", 0, 0, current_epoch=epoch)
        found: Error = ask_ok(simulation, leader, lab.Fetch((part,))).parts[0].error
        return found

    assert read(0) is lab.Error.FENCED_LEADER_EPOCH
    assert read(1) is lab.Error.NONE


@graded(points=4, title="No shrinking alone", requirement="KIP-497: the controller's word counts")
def test_a_leader_that_is_cut_off_from_the_controller_acknowledges_nothing(lab: LogLab) -> None:
    """It cannot put its followers out of sync by itself: one of them leads by now."""
    simulation = replicas(lab)
    append(lab, simulation, "n1", "a")
    simulation.inject(Partition(simulation.now, (("n1",), ("n2", "n3", "ctl"))))
    asked = simulation.call("n1", lab.Append("lost"))
    fence(lab, simulation, "n1")
    assert leads(lab, simulation, "n2", "b", 2 * SECOND)
    assert not has_ended(simulation, asked, 2 * SECOND), "only the old leader has it"
    simulation.inject(Heal(simulation.now))
    wait_for(simulation, asked)
    assert not isinstance(asked.outcome, Ok)
    crash(simulation, "n1")
    restart(simulation, "n1")
    simulation.run(simulation.now + 1 * SECOND)
    for node in names(3):
        assert texts(lab, simulation, node) == ["a", "b"]


@graded(points=3, title="Who joins counts", requirement="KIP-497: the maximal in-sync replicas")
def test_a_replica_that_may_have_been_taken_in_already_has_to_have_everything(
    lab: LogLab,
) -> None:
    simulation = replicas(lab, min_isr=1)
    append(lab, simulation, "n1", "a")
    for node in ("n2", "n3"):
        simulation.inject(Crash(simulation.now, node))
        fence(lab, simulation, node)
    append(lab, simulation, "n1", "b")
    simulation.inject(Block(simulation.now, "ctl", "n1"))  # what is decided does not arrive
    simulation.inject(Restart(simulation.now, "n2"))
    simulation.run(simulation.now + 300 * MS)  # it has caught up, and is in sync by now
    simulation.inject(Partition(simulation.now, (("n1",), ("n2", "n3", "ctl"))))
    asked = simulation.call("n1", lab.Append("c"))
    has_ended(simulation, asked, 1 * SECOND)
    simulation.inject(Crash(simulation.now, "n1"))
    simulation.inject(Heal(simulation.now))
    fence(lab, simulation, "n1")
    assert leads(lab, simulation, "n2", "d", 2 * SECOND), "it is in sync"
    found = texts(lab, simulation, "n2")
    assert found == ["a", "b", "d"], found
    assert not isinstance(asked.outcome, Ok), "the one that leads next may not have it"


@graded(points=4, title="Chaos among replicas", requirement="P1: no acknowledged loss")
def test_what_is_acknowledged_is_in_every_copy_whatever_fails(lab: LogLab, sweep: Sweep) -> None:
    acknowledged = 0
    for seed in sweep(8):
        kinds = ("crash", "partition", "block", "link", "pause")
        faults = trouble(seed, kinds, hit=names(3), others=("ctl",), until=CALM)
        simulation = replicas(lab, seed=seed, schedule=faults, min_isr=2)
        random = Random(f"fences/{seed}")
        told: dict[int, str] = {}
        asked = []
        number = 0
        while simulation.now < CALM:
            for node in names(3):
                number += 1
                asked.append((f"m{number}", simulation.call(node, lab.Append(f"m{number}"))))
            if random.random() < 0.2:
                simulation.call("ctl", lab.FenceBroker(random.choice(names(3))))
            simulation.run(simulation.now + 30 * MS)
        for node in names(3):  # who was fenced comes back in another life
            simulation.inject(Crash(simulation.now, node))
            simulation.inject(Restart(simulation.now, node))
        simulation.run(simulation.now + 1 * SECOND)
        assert any(leads(lab, simulation, node, f"last.{node}", 500 * MS) for node in names(3))
        simulation.run(simulation.now + 500 * MS)
        copies = [ask_ok(simulation, node, lab.Contents()) for node in names(3)]
        assert copies[0] == copies[1] == copies[2], "the copies agree in the end"
        for text, each in asked:
            if isinstance(each.outcome, Ok):
                told[each.outcome.value] = text  # type: ignore[index]
        there = dict(copies[0])
        lost = {offset: text for offset, text in told.items() if there.get(offset) != text}
        assert not lost, f"acknowledged, and not there: {lost}"
        acknowledged += len(told)
    assert sweep.partial or acknowledged, "something was acknowledged"
