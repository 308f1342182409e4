"""Graded suite of the lab ``mapreduce``: clusters whose workers die, whose network loses."""

from random import Random

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, crash, restart, run_until, wait_for
from common.sim import LinkModel
from common.values.history import Ok
from common.values.units import MS
from tests.stage6_compute.mapreduce.cluster import (
    WORKERS,
    Assigned,
    cluster,
    must_be_right,
    some_job,
    sweep_once,
)
from tests.stage6_compute.mapreduce.lab import MapreduceLab

LAB = "mapreduce"

PLAIN = {"backup_after": None}
"""No backups: they are a later part."""


@graded(points=2, title="On a calm day", requirement="OSDI'04, 3.1")
def test_on_a_calm_day_every_task_is_done_once(lab: MapreduceLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        seen = Assigned()
        simulation = cluster(lab, seed, observers=[seen], config=PLAIN)
        job = some_job(lab, Random(f"calm/{seed}"), "out", maps=6, placed=False)
        must_be_right(job, ask_ok(simulation, "c1", lab.Compute(job)))
        assert len(seen.given) == 6 + job.partitions, "nothing was done twice"


@graded(points=4, title="Though workers die", requirement="P1: the output is that of one process")
def test_the_output_is_right_whichever_workers_die(lab: MapreduceLab, sweep: Sweep) -> None:
    again = 0
    for seed in sweep(8):
        kinds = ("crash", "crash", "pause")
        seen = sweep_once(lab, seed, kinds, hit=WORKERS, placed=False, config=PLAIN)
        again += seen.again("map")
    assert sweep.partial or again > 0, "somebody died in the middle of a job"


@graded(points=3, title="In a bad network", requirement="loss, copies, delays, partitions")
def test_the_output_is_right_when_messages_are_lost_doubled_and_late(
    lab: MapreduceLab, sweep: Sweep
) -> None:
    for seed in sweep(6):
        kinds = ("partition", "block", "link", "link")
        sweep_once(lab, seed, kinds, hit=WORKERS, placed=False, config=PLAIN)


@graded(points=2, title="All of them at once", requirement="progress: every task finishes")
def test_a_job_finishes_although_every_worker_dies_once(lab: MapreduceLab) -> None:
    seen = Assigned()
    simulation = cluster(lab, 1, observers=[seen], config=PLAIN)
    job = some_job(lab, Random("all die"), "out", maps=4, placed=False)
    asked = simulation.call("c1", lab.Compute(job))
    run_until(simulation, lambda: any(task.phase == "reduce" for task, _, _ in seen.given))
    crash(simulation, *WORKERS)
    simulation.run(simulation.now + 300 * MS)
    assert asked.returned_at is None, "nobody is there to do it"
    restart(simulation, *WORKERS)
    wait_for(simulation, asked)
    assert isinstance(asked.outcome, Ok)
    must_be_right(job, asked.outcome.value)
    assert seen.again("map") >= 4, "what maps had made was lost with their workers"


@graded(points=2, title="Loss alone loses no time", requirement="what is lost is said again")
def test_no_map_is_done_twice_because_a_message_was_lost(lab: MapreduceLab, sweep: Sweep) -> None:
    lossy = LinkModel(latency=(1 * MS, 3 * MS), loss=0.03, duplicate=0.1)
    for seed in sweep(3):
        seen = Assigned()
        simulation = cluster(
            lab,
            seed,
            observers=[seen],
            link=lossy,
            config={"backup_after": None, "most_missed": 50},
        )
        job = some_job(lab, Random(f"lossy/{seed}"), "out", maps=6, placed=False)
        must_be_right(job, ask_ok(simulation, "c1", lab.Compute(job), within=10_000 * MS))
        assert seen.again("map") == 0, "a map that is done again costs more than a message"
