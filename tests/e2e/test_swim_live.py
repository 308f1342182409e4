"""SWIM as processes that send each other datagrams: one is killed, one stands still and refutes."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from common.check.verdict import Answer
from common.runtime.cluster import Cluster
from common.runtime.spec import ClusterSpec
from common.values.history import Ok
from common.values.units import MS
from stage5_fault_tolerance.swim.checks import accurate, i_am_alive
from stage5_fault_tolerance.swim.lifeguard import Lifeguard
from stage5_fault_tolerance.swim.messages import Members
from tests.support.live import eventually, live

FOUR = ("n1", "n2", "n3", "n4")
PERIOD = 100 * MS
SECONDS = 40.0


def cluster(directory: Path) -> Cluster:
    return Cluster(
        ClusterSpec(
            lab="swim",
            node=Lifeguard,
            members=FOUR,
            directory=directory,
            config={"period": PERIOD},
            transport="udp",
            trace=False,
        )
    )


async def believed(running: Cluster, observer: str, member: str) -> tuple[str, int]:
    """What one member believes of another one: its state and its incarnation."""
    outcome = await running.ask(observer, Members())
    assert isinstance(outcome, Ok), outcome
    assert isinstance(outcome.value, tuple)
    found: dict[str, tuple[str, int]] = {
        name: (state, incarnation) for name, state, incarnation in outcome.value
    }
    return found[member]


def is_alive_again(told: tuple[str, int]) -> bool:
    """Whether it has refuted that it is suspected, or dead."""
    return told[0] == "alive" and told[1] > 0


async def until_all_believe(
    running: Cluster, member: str, wanted: Callable[[tuple[str, int]], bool], *without: str
) -> None:
    """Wait until all others believe that of a member; ``without`` are not asked."""

    async def it_is_so() -> bool:
        observers = [name for name in FOUR if name not in (member, *without)]
        told = await asyncio.gather(*(believed(running, each, member) for each in observers))
        return all(map(wanted, told))

    await eventually(it_is_so, SECONDS)


@live
async def test_who_is_killed_is_dead_to_all_and_who_stood_still_refutes(tmp_path: Path) -> None:
    async with cluster(tmp_path) as running:
        for member in FOUR:
            await until_all_believe(running, member, lambda told: told[0] == "alive")
        await running.kill("n2")
        await running.pause("n3")

        async def n3_is_doubted() -> bool:
            return (await believed(running, "n1", "n3"))[0] != "alive"

        await eventually(n3_is_doubted, SECONDS)
        await running.resume("n3")
        await until_all_believe(running, "n3", is_alive_again, "n2")
        await until_all_believe(running, "n2", lambda told: told[0] == "dead")
        await running.restart("n2")
        await until_all_believe(running, "n2", is_alive_again)
        for check in (i_am_alive, accurate(gap=2 * PERIOD, settle=25 * PERIOD)):
            verdict = check(running.history)
            assert verdict.answer is Answer.YES, verdict.sentence
