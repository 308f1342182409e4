"""What a lab declares once, and what comes of it in every world.

* :mod:`common.worlds.declaration`: :class:`Worlds`, which each lab makes in its ``worlds.py``.
  ``lab run``, ``lab sweep``, ``lab explore``, the hash of traces and the smoke test come from it.
* :mod:`common.worlds.scene`: :class:`Scene`, a simulation that is recorded and judged.
* :mod:`common.worlds.troubles`: what goes wrong, by name: ``kill_in_turn``, ``rough_then_calm``.
* :mod:`common.worlds.examples`: a counter-example of the explorer as a trace.
* :mod:`common.worlds.portable`: the hash of a lab's traces, the same on every Python.

It stands on ``sim``, ``check`` and ``trace``, and runs in the browser. Standard library only.
"""

from common.worlds.declaration import Front, Seat, Size, Variant, Worlds
from common.worlds.scene import Scene, Work

__all__ = ["Front", "Scene", "Seat", "Size", "Variant", "Work", "Worlds"]
