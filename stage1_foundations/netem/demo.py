"""The demonstrations of the lab ``netem``: in the simulator, and on the best real network here."""

from common.values.errors import MissingTool
from common.values.report import Report
from common.values.units import MS
from stage1_foundations.netem.fault_layer import measure_simulated
from stage1_foundations.netem.networks import measure
from stage1_foundations.netem.plot import report
from stage1_foundations.netem.shape import Shape

SHAPE = Shape(delay=50 * MS, jitter=10 * MS, loss=0.02)
COUNT = 1000
REAL_COUNT = 400


def demo(seed: int) -> Report:
    """Round trips on a bad network against what was configured, in virtual time."""
    made = report(measure_simulated(SHAPE, COUNT, seed))
    made.say(
        "This was the simulator, which is exact. Let the kernel do it, with tc netem: python -m "
        "stage1_foundations.netem measure --world docker, or --world uml where the kernel of "
        "this machine has no netem, or --world links for the runtime's own fault layer."
    )
    return made


def real(seed: int) -> Report:
    """The same on real sockets: ``tc netem`` in user-mode Linux, or else our own fault layer."""
    del seed  # what the kernel does is not seeded
    try:
        return report(measure("uml", SHAPE, REAL_COUNT))
    except MissingTool as missing:
        made = report(measure("links", SHAPE, REAL_COUNT))
        made.say(f"This was the runtime's own fault layer, on real sockets. {missing}")
        return made
