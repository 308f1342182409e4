"""A counter-example of the explorer as a trace: the run that breaks a property, to be looked at."""

from collections.abc import Sequence

from common.check.explorer import Choice, Finding, Instance, WorldView, replay
from common.contract.events import NodeId
from common.trace.format import Meta
from common.trace.recorder import Recorder


def trace_of(
    lab: str,
    instance: Instance,
    path: Sequence[Choice],
    broken: Finding[Choice] | None = None,
    node: NodeId | None = None,
) -> tuple[WorldView, str]:
    """Take the choices of a path once more.

    Args:
        lab: the lab's id.
        instance: what was explored.
        path: the choices.
        broken: what the explorer said of a property, to be written at the end of the trace.
        node: where, if it is about one node.

    Returns:
        The world at the end, and the trace.
    """
    lines: list[str] = []
    nodes, clients = instance.members, tuple(instance.clients)
    recorder = Recorder(lines.append, Meta(lab=lab, nodes=nodes, clients=clients, world="explorer"))
    world = replay(instance, path, [recorder])
    if broken is not None:
        answer = broken.answer.value
        recorder.verdict(len(path), node, broken.title, answer, broken.sentence)
    return world, "".join(lines)
