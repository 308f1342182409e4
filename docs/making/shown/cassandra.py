"""A deleted key comes back, because a compaction has dropped its tombstone too early."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from common.check.verdict import Verdict
from common.sim import LinkModel
from common.values.history import Ok
from common.values.units import MS
from common.worlds import Scene
from docs.making.shown import told
from stage3_partitioning.cassandra.checks import COLUMN, ROW
from stage3_partitioning.cassandra.light import Cassandra
from stage3_partitioning.cassandra.replica import ALL, Get, Put, Value

THREE = ("n1", "n2", "n3")
STEADY = LinkModel(latency=(5 * MS, 5 * MS))
GRACE = 100 * MS
"""Short, and no replica is ever away: so nobody has missed the deletion when it is over."""


def same_level() -> tuple[Scene, Verdict]:
    """All tables are on level 0. The large one has the old value, and small ones are merged."""
    return _deleted({"strategy": "size-tiered"}, before=8, after=8)


def level_below() -> tuple[Scene, Verdict]:
    """The old value has gone down to level 2, and the tombstone's table is merged into level 1."""
    return _deleted({"strategy": "levelled", "table_cells": 2}, before=32, after=8)


def _deleted(options: Mapping[str, Any], before: int, after: int) -> tuple[Scene, Verdict]:
    node = partial(Cassandra, memtable_cells=2, grace=GRACE, **options)
    scene = Scene("cassandra", dict.fromkeys(THREE, node), seed=1, link=STEADY)
    scene.ask("n1", _put("ann", "Oslo"))
    for number in range(before - 1):
        scene.ask("n1", _put(f"old {number}", "v"))
    scene.ask("n1", _put("ann", None))
    gone = _shown(scene)
    scene.run(scene.now + 2 * GRACE)
    for number in range(after - 1):
        scene.ask("n1", _put(f"new {number}", "v"))
    asked = scene.ask("n2", Get("ann", level=ALL))
    found = _value(asked.outcome)
    sentence = (
        f"ann's city was Oslo, and was deleted; a read showed {gone}. Then the tables were "
        f"compacted. Now a read at all replicas shows {found}."
    )
    return told(scene, "what is deleted stays deleted", found == "nothing", sentence, asked)


def _put(key: str, value: str | None) -> Put:
    return Put(key, (Value(ROW, COLUMN, value),), ALL)


def _shown(scene: Scene) -> str:
    return _value(scene.ask("n2", Get("ann", level=ALL)).outcome)


def _value(outcome: object) -> str:
    """The city that a read has found."""
    assert isinstance(outcome, Ok), f"nothing fails in this scene, and a read ended with {outcome}"
    found: Any = outcome.value
    return (found[0].value if found else None) or "nothing"
