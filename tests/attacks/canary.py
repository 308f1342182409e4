"""A canary: whatever one side of a full partition is told, the other side must not know.

Not a part of any lab. ``test_channels.py`` has it judged on submissions that share what they know.
"""

import secrets

from common.course.suites.grading import graded
from common.values.faults import Partition
from common.values.history import Ok
from common.values.units import SECOND
from tests.stage1_foundations.cap.cluster import cluster
from tests.stage1_foundations.cap.lab import CapLab

LAB = "cap"


@graded(points=1, title="Canary", requirement="nothing crosses a full partition")
def test_a_token_does_not_cross_a_full_partition(lab: CapLab) -> None:
    token = secrets.randbits(48)
    sides = (("n1", "c1"), ("n2", "c2"), ("n3", "c3"))
    simulation = cluster(lab, lab.ConsistentReplica, 1, [Partition(0, sides)])
    told = simulation.call("c1", lab.Write(token))
    simulation.run(1 * SECOND)
    assert isinstance(told.outcome, Ok), "the cheat takes every write"
    asked = [simulation.call(client, lab.Read()) for client in ("c2", "c3")]
    simulation.run(2 * SECOND)
    answers = [each.outcome.value for each in asked if isinstance(each.outcome, Ok)]
    assert len(answers) == 2, "the cheat answers every read"
    assert token not in answers, "the token has crossed a full partition"
