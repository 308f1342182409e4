"""Graded suite of the lab ``netem``, second part: which links a partition cuts."""

from itertools import permutations

import pytest

from common.course.suites.grading import graded
from common.values.errors import BadInput
from tests.stage1_foundations.netem.lab import NetemLab

LAB = "netem"


NODES = ("n1", "n2", "n3", "n4")


@graded(points=2, title="Islands", requirement="a node that no group names is alone")
def test_each_node_is_on_exactly_one_island(lab: NetemLab) -> None:
    assert lab.islands(NODES, [["n1", "n3"]]) == [("n1", "n3"), ("n2",), ("n4",)]
    assert lab.islands(NODES, []) == [("n1",), ("n2",), ("n3",), ("n4",)]
    assert lab.islands(NODES, [["n4", "n1"], ["n2", "n3"]]) == [("n4", "n1"), ("n2", "n3")]


@graded(points=1, title="No such islands", requirement="bad input is one sentence")
def test_a_stranger_or_a_node_on_two_islands_is_refused(lab: NetemLab) -> None:
    for groups in ([["n1", "n9"]], [["n1"], ["n2", "n1"]]):
        with pytest.raises(BadInput, match=r"n[19]"):
            lab.islands(NODES, groups)


@graded(points=3, title="A partition cuts both ways", requirement="between islands, and only there")
def test_links_are_cut_between_islands_in_both_directions_and_never_within(lab: NetemLab) -> None:
    groups = [["n1", "n3"], ["n2"]]
    cut = lab.cut_links(NODES, groups)
    assert sorted(cut) == list(NODES)
    island = {"n1": 0, "n3": 0, "n2": 1, "n4": 2}
    for source, target in permutations(NODES, 2):
        apart = island[source] != island[target]
        assert (target in cut[source]) == apart, f"from {source} to {target}"
    assert all(node not in others for node, others in cut.items()), "a node reaches itself"
