"""The worlds that the experiments can run in, by name, behind two functions."""

from collections.abc import Sequence

import msgspec

from common.values.errors import BadInput
from stage1_foundations.netem import experiment
from stage1_foundations.netem.containers import Containers
from stage1_foundations.netem.experiment import Answer, Cluster, Findings
from stage1_foundations.netem.fault_layer import measure_live, measure_simulated, part_live
from stage1_foundations.netem.namespaces import Namespaces
from stage1_foundations.netem.shape import Shape
from stage1_foundations.netem.user_mode_linux import run_inside

NETWORKS = {
    "docker": "containers, shaped by tc netem where the machine's kernel has it",
    "uml": "network namespaces in a Linux kernel of their own, with tc netem, without root",
    "namespaces": "network namespaces, shaped by tc netem where the machine's kernel has it",
    "links": "processes, shaped by the runtime's own fault layer; runs anywhere",
    "sim": "the simulator: virtual time, nothing real, and therefore exact",
}
"""What each world is made of."""

TWO_NODES = ("n1", "n2")


class _Measured(msgspec.Struct):
    findings: Findings


class _Parted(msgspec.Struct):
    answers: list[Answer]


def measure(world: str, shape: Shape, count: int) -> Findings:
    """Measure round trips between two nodes.

    Args:
        world: one of ``NETWORKS``.
        shape: what happens to each packet, or message, on each way.
        count: how many round trips to time under that shape.

    Raises:
        MissingTool: this machine lacks what the world needs.
    """
    if world == "links":
        return measure_live(shape, count)
    if world == "sim":
        return measure_simulated(shape, count)
    if world == "uml":
        delay, jitter = f"{shape.delay}us", f"{shape.jitter}us"
        options = ("--delay", delay, "--jitter", jitter, "--loss", str(shape.loss))
        printed = _inside("measure", *options, "--count", str(count))
        inner = msgspec.json.decode(printed, type=_Measured).findings
        return Findings(world, inner.shape, inner.baseline, inner.times)
    with _cluster(world, TWO_NODES) as cluster:
        return experiment.measure(cluster, world, shape, count)


def part(
    world: str, nodes: Sequence[str], groups: Sequence[Sequence[str]], *, by_tc: bool
) -> list[Answer]:
    """Make a partition and heal it; the first node asks all others before, during and after.

    Args:
        world: one of ``NETWORKS`` but ``sim``.
        nodes: the names of the nodes, two at least.
        groups: the sides of the partition; a node that none names is alone.
        by_tc: let the kernel drop the packets; otherwise nodes are unplugged.

    Raises:
        MissingTool: this machine lacks what the world needs.
        BadInput: the groups are none of these nodes, or the world cannot do this.
    """
    if world == "sim" or (world == "links" and by_tc):
        raise BadInput(f"the world {world!r} has no packets to drop: choose another one")
    if world == "links":
        return part_live(nodes, groups)
    if world == "uml":
        sides = [text for group in groups for text in ("--side", ",".join(group))]
        how = ("--by", "tc" if by_tc else "unplugging")
        printed = _inside("part", "--nodes", ",".join(nodes), *sides, *how)
        return msgspec.json.decode(printed, type=_Parted).answers
    with _cluster(world, nodes) as cluster:
        return experiment.part(cluster, groups, by_tc=by_tc)


def _cluster(world: str, nodes: Sequence[str]) -> Cluster:
    if world == "docker":
        return Containers(nodes)
    if world == "namespaces":
        return Namespaces(nodes)
    raise BadInput(f"there is no world {world!r}: choose one of {', '.join(NETWORKS)}")


def _inside(verb: str, *options: str) -> str:
    """Run the command of this lab in user-mode Linux, in network namespaces there."""
    module = ("-m", "stage1_foundations.netem")
    return run_inside((*module, verb, "--world", "namespaces", "--json", *options))
