"""A counter-example of the explorer as a trace: the run that breaks a property, to be looked at."""

from collections.abc import Iterable, Sequence

from common.check.explorer import Choice, Finding, Instance, WorldView, replay
from common.check.explorer.replay import CHOICE_TAKES
from common.check.verdict import Answer
from common.contract.events import NodeId
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.worlds.scene import Check, calls_of


def trace_of(
    lab: str,
    instance: Instance,
    path: Sequence[Choice],
    broken: Finding[Choice] | None = None,
    node: NodeId | None = None,
    checks: Iterable[Check] = (),
) -> tuple[WorldView, str]:
    """Take the choices of a path once more.

    Args:
        lab: the lab's id.
        instance: what was explored.
        path: the choices.
        broken: what the explorer said of a property, to be written at the end of the trace.
        node: where, if it is about one node.
        checks: of histories; the first that says no tells which operations are to blame. Else it
            is the last choice: the path is the shortest there is.

    Returns:
        The world at the end, and the trace.
    """
    lines: list[str] = []
    nodes, clients = instance.members, tuple(instance.clients)
    recorder = Recorder(lines.append, Meta(lab=lab, nodes=nodes, clients=clients, world="explorer"))
    world = replay(instance, path, [recorder])
    if broken is not None:
        verdicts = (check(world.history) for check in checks)
        proof = next((said.window for said in verdicts if said.answer is Answer.NO), ())
        recorder.verdict(
            len(path) * CHOICE_TAKES,
            node,
            broken.title,
            broken.answer.value,
            broken.sentence,
            calls=calls_of(proof, world.history),
        )
    return world, "".join(lines)
