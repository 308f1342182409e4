"""What a lab declares once: ``WORLDS`` in ``LAB/worlds.py``."""

from typing import TYPE_CHECKING

from common.course.base.lab import Lab
from common.course.base.naming import find
from common.values.errors import BadInput

if TYPE_CHECKING:
    from common.worlds import Worlds


def worlds_of(lab: Lab) -> "Worlds":
    """How a lab runs in all worlds.

    Where a workspace lies over the course (:mod:`common.course.base.implementation`), the classes
    in it are the student's.

    Raises:
        BadInput: the lab is no cluster; the text says what to do instead.
    """
    if not lab.worlds:
        raise BadInput(
            f"lab {lab.id} is no cluster of nodes: try lab demo {lab.id}, or lab show {lab.id}"
        )
    worlds: Worlds = find(lab.worlds, f"lab {lab.id}")
    return worlds
