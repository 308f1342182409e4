"""Small instances for the explorer: one partition, its three replicas, every order of messages.

A write has reached n1 alone, and its coordinator is gone. n2 looks twice. :data:`TWO_LOOKS`: the
second look never shows less than the first. :data:`HASTY`: a reader is told before what it was
shown is on a quorum of disks, and the explorer finds a second look that shows nothing where the
first one has shown the value.
"""

from common.check.explorer import Bounds, Instance, WorldView
from common.check.verdict import Answer
from common.values.history import Ok
from stage3_partitioning.cassandra.broken import Hasty
from stage3_partitioning.cassandra.checks import reads_see_writes
from stage3_partitioning.cassandra.lsm import Cell
from stage3_partitioning.cassandra.quorum import Coordinator
from stage3_partitioning.cassandra.replica import Get

THREE = ("n1", "n2", "n3")
WRITTEN = ((("ann", "profile", "city"), Cell("Oslo", 1)),)


class Partly(Coordinator):
    """A write has reached n1, and nobody else."""

    def on_start(self) -> None:
        super().on_start()
        if self.id == "n1":
            self.keep(WRITTEN)


class PartlyHasty(Hasty, Partly):
    """The same, and readers are told too early."""


def no_look_goes_back(world: WorldView) -> str | None:
    """no look shows what is older than what was told before it"""
    verdict = reads_see_writes(world.history)
    return None if verdict.answer is Answer.YES else verdict.sentence


def _shown(world: WorldView) -> list[object]:
    return [each.outcome.value for each in world.history if isinstance(each.outcome, Ok)]


def both_show_it(world: WorldView) -> bool:
    """both looks show the value"""
    return len([each for each in _shown(world) if each]) == 2


def first_shows_nothing(world: WorldView) -> bool:
    """the first look misses it, and the second shows it"""
    shown = _shown(world)
    return len(shown) == 2 and not shown[0] and bool(shown[1])


def _instance(node: type[Coordinator]) -> Instance:
    return Instance(
        nodes=dict.fromkeys(THREE, node),
        operations={"n2": (Get("ann"), Get("ann"))},
        bounds=Bounds(losses=1, timers=0),
        history=True,
        always=(no_look_goes_back,),
        sometimes=(both_show_it, first_shows_nothing),
    )


TWO_LOOKS = _instance(Partly)
HASTY = _instance(PartlyHasty)
