"""The demonstration of the lab ``netem``, where nothing but Python is needed: in the simulator."""

from common.values.report import Report
from common.values.units import MS
from stage1_foundations.netem.fault_layer import measure_simulated
from stage1_foundations.netem.pictures import report
from stage1_foundations.netem.shape import Shape

SHAPE = Shape(delay=50 * MS, jitter=10 * MS, loss=0.02)
COUNT = 1000


def demo(seed: int) -> Report:
    """Round trips on a bad network against what was configured, in virtual time."""
    made = report(measure_simulated(SHAPE, COUNT, seed))
    made.say(
        "This was the simulator, which is exact. Let the kernel do it, with tc netem: python -m "
        "stage1_foundations.netem measure --world docker, or --world uml where the kernel of "
        "this machine has no netem, or --world links for the runtime's own fault layer."
    )
    return made
