"""Scenes made for exhibits whose tests leave no run to look at: each shows what users would see.

``SHOWN`` names the scene of an exhibit by its key. A scene runs the lab as it is imported: with the
bug where a workspace with the bug is laid over the course (``showing``), else the reference, of
which the same scene says that all is well.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from common.check.verdict import Answer, Verdict
from common.values.history import Operation
from common.worlds import Scene

Show: TypeAlias = Callable[[], tuple[Scene, Verdict]]
"""Plays a scene; returns it with what it shows, which is in its trace, too."""

SHOWN: Mapping[str, str] = {
    "cassandra-badger-issue-464": "cassandra.same_level",
    "cassandra-leveldb-issue-184": "cassandra.level_below",
    "crdt-automerge-classic-34": "crdt.names",
    "crdt-ygo-160": "crdt.gravestones",
    "kademlia-rust-libp2p-1473": "kademlia.one_path",
    "log-kip-16": "log.burst",
    "log-kip-497": "log.late_wish",
    "log-kip-841": "log.fenced",
    "serialization-protobuf-272": "serialization.handed_on",
}
"""By an exhibit's key: the module here, and the function."""


def told(
    scene: Scene, name: str, is_well: bool, sentence: str, *proof: Operation
) -> tuple[Scene, Verdict]:
    """Write what a scene shows into its trace.

    Args:
        scene: the scene, played to its end.
        name: of the property.
        is_well: whether it holds.
        sentence: what was seen.
        proof: the operations that show it.
    """
    answer = Answer.YES if is_well else Answer.NO
    verdict = scene.judged(name, Verdict(answer, sentence, () if is_well else proof))
    return scene, verdict
