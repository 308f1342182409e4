"""What a person writes about stages and labs: ``stage.yaml`` and ``lab.yaml``, and nothing twice.

``stageN_*/stage.yaml`` names the labs of a stage in their order; each has a folder of that name
beside it, its room, with a ``lab.yaml``::

    title: "One register, three replicas, a partition: consistent or available"
    concept: >-
      While a network is cut, ...
    papers:
      - title: "..."
    needs: [echo, failures]                   # labs that it stands on
    parts:                                    # a lab of one piece has one
      - id: consistent
        title: "The consistent register"
        hours: 4
        exercises:
          ConsistentReplica.on_start:         # a function; Class.method; or file.Class.method
            - "three hints,"                  # where two files of the lab have one of that name
            - "each says more"
            - "than the one before"
    slow_suite: "why its graded suite may take ten seconds, not three"      # rarely
    shown: [Client.on_start]     # exercises of which another lab shows the body; rarely

What is not written is where it always is (the suite in ``tests/STAGE/LAB``, the page
``docs/labs/LAB.md``, ``demo.py`` in the room), or is derived: see :mod:`common.course.base.room`.
"""

from typing import Annotated

import msgspec

from common.course.base.lab import Best, Paper, Strict

Some = msgspec.Meta(min_length=1)


class PartEntry(Strict, frozen=True):
    """One part of a lab: its hours, the parts that it needs, and its exercises with three hints."""

    id: str
    title: str
    hours: float
    exercises: Annotated[dict[str, tuple[str, ...]], Some]
    needs: tuple[str, ...] = ()


class LabEntry(Strict, frozen=True):
    """One ``lab.yaml``; the fields are those of :class:`common.course.base.lab.Lab`."""

    title: str
    concept: str
    papers: tuple[Paper, ...]
    parts: Annotated[tuple[PartEntry, ...], Some]
    needs: tuple[str, ...] = ()
    slow_suite: str = ""
    shown: tuple[str, ...] = ()


class StageEntry(Strict, frozen=True):
    """One ``stage.yaml``; the fields are those of :class:`common.course.base.lab.Stage`."""

    number: int
    title: str
    summary: str
    labs: tuple[str, ...] = ()
    best: Best | None = None
