"""The explorer: a model checker for the very node classes that run in every other world.

Small instances, all interleavings: any message may arrive next, be lost or doubled, any timer may
fire, any node may crash and restart, each within a budget (:class:`Bounds`). Two floors:

* :func:`explore` searches any :class:`TransitionSystem`, breadth first;
* :func:`explore_instance` searches the one that an :class:`Instance` of nodes makes, and
  :func:`replay` takes a path that it found through the same nodes again, told to observers.

Reading order: ``search``, ``instance``, ``local``, ``system``, ``symmetry``, ``replay``.
"""

from common.check.explorer.check import explore_instance
from common.check.explorer.choices import Choice
from common.check.explorer.findings import Exploration, Finding, Progress
from common.check.explorer.instance import Bounds, Instance, Packet, WorldView
from common.check.explorer.replay import Run, replay
from common.check.explorer.search import Limits, Properties, TransitionSystem, explore
from common.check.explorer.symmetry import SymmetricSystem
from common.check.explorer.system import NodeSystem
from common.check.verdict import Answer

__all__ = [
    "Answer",
    "Bounds",
    "Choice",
    "Exploration",
    "Finding",
    "Instance",
    "Limits",
    "NodeSystem",
    "Packet",
    "Progress",
    "Properties",
    "Run",
    "SymmetricSystem",
    "TransitionSystem",
    "WorldView",
    "explore",
    "explore_instance",
    "replay",
]
