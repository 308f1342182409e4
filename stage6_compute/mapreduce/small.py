"""One small job for the explorer: every order of messages, timers and a crash.

A coordinator, two workers, one map and one reduce.

* :data:`A_WORKER_DIES`: one of the workers may crash at any moment. Timers fire at any time, so a
  worker may also be taken for dead that is not, and a task be done twice.
* :data:`THE_COORDINATOR_DIES`: one worker, a message that may be lost, and a coordinator that may
  crash and come back.

In every state, what the client is told, and what the journal has as the result, is what one process
makes of the job, with every record counted once.
"""

from collections.abc import Sequence
from dataclasses import replace

from common.check.explorer import Bounds, Instance, WorldView
from common.contract import InnerKey, NodeId
from common.contract.asking import NUMBERS_OF_A_LIFE
from common.contract.node import Node
from stage6_compute.mapreduce.checks import counted, expected
from stage6_compute.mapreduce.client import JobClient
from stage6_compute.mapreduce.machine import Machine
from stage6_compute.mapreduce.messages import Compute, Finished, Job, JobResult, Split

JOB = Job("word-count", "out", (Split("a b a"),), partitions=1)
"""A job with one map and one reduce."""


def machine(id: NodeId, peers: Sequence[NodeId]) -> Node:
    """A machine; who misses one ping is dead, who is not faster is slow."""
    return Machine(id, tuple(peers), most_missed=1, backup_after=0, slow=0)


def client(id: NodeId, peers: Sequence[NodeId]) -> Node:
    """A client that asks once."""
    return JobClient(id, tuple(peers), attempts=1)


def results(world: WorldView) -> list[JobResult]:
    """The result on the coordinator's disk, and what is on its way to the client."""
    saved = world.saved["n1"].get(InnerKey("mapreduce", ("result", 1)))
    told = [each.message for each in world.in_flight if isinstance(each.message, Finished)]
    return [each.result for each in told] + ([saved] if isinstance(saved, JobResult) else [])


def as_one_process_would(world: WorldView) -> str | None:
    """the result is that of one process"""
    for result in results(world):
        if result.parts != expected(JOB) or dict(result.counters) != counted(JOB):
            return f"the result is {result}"
    return None


def a_job_is_done(world: WorldView) -> bool:
    """the job is done"""
    return bool(results(world))


def a_task_has_two_attempts(world: WorldView) -> bool:
    """two workers work on one task"""
    at_work = [
        task
        for node in world.values()
        if isinstance(node, Machine) and node.worker is not None
        for task in node.worker.running.values()
    ]
    return len(set(at_work)) < len(at_work)


def another_life_ends_it(world: WorldView) -> bool:
    """the job is done in the coordinator's second life"""
    node = world.get("n1")
    coordinator = node.coordinator if isinstance(node, Machine) else None
    again = coordinator is not None and coordinator.last_attempt >= NUMBERS_OF_A_LIFE
    return again and bool(results(world))


A_WORKER_DIES = Instance(
    nodes=dict.fromkeys(("n1", "n2", "n3"), machine),
    clients={"c1": client},
    operations={"c1": (Compute(JOB),)},
    bounds=Bounds(timers=4, crashes=1, restarts=0, in_flight=3),
    may_crash=("n2",),
    always=(as_one_process_would,),
    sometimes=(a_job_is_done, a_task_has_two_attempts),
)

THE_COORDINATOR_DIES = replace(
    A_WORKER_DIES,
    nodes=dict.fromkeys(("n1", "n2"), machine),
    bounds=Bounds(timers=3, crashes=1, restarts=1, losses=1, in_flight=3),
    may_crash=("n1",),
    sometimes=(a_job_is_done, another_life_ends_it),
)
