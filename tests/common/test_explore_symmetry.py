"""Symmetry: fewer states, the same verdicts, and counts that a second way of counting confirms."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations

import pytest

from common.check.explorer import Answer, Bounds, Instance, NodeSystem, explore_instance, replay
from common.check.explorer.canonical import canonical, rename
from common.contract.events import NodeId
from tests.common.explore_nodes import ForgetfulVoter, HastyCoordinator, LockServer, Voter
from tests.common.test_explore_instances import (
    VOTERS,
    election,
    lock,
    one_leader,
    two_phase_commit,
)

PARTICIPANTS = ("p1", "p2", "p3")

INSTANCES = {
    "two-phase commit": (two_phase_commit(3), PARTICIPANTS),
    "two-phase commit, hasty": (two_phase_commit(3, HastyCoordinator), PARTICIPANTS),
    "two-phase commit, messages last": (two_phase_commit(3, duplicates=None), PARTICIPANTS),
    "voting": (election(Voter, crashes=1, losses=1), VOTERS),
    "voting twice": (election(ForgetfulVoter, crashes=1), VOTERS),
    "a lock": (lock(LockServer), ("c1", "c2")),
    "a lock with a history": (lock(LockServer, history=True, losses=1), ("c1", "c2")),
    "a lock on ordered links": (replace(lock(LockServer), network="ordered"), ("c1", "c2")),
}


@pytest.mark.parametrize("name", INSTANCES)
def test_symmetry_makes_fewer_states_and_the_same_verdicts(name: str) -> None:
    plain, group = INSTANCES[name]
    whole = explore_instance(plain)
    folded = explore_instance(replace(plain, symmetric=(group,)))
    assert folded.states < whole.states
    assert folded.answer is whole.answer
    assert [one.answer for one in folded.findings] == [one.answer for one in whole.findings]
    for one, other in zip(folded.findings, whole.findings, strict=True):
        assert (one.path is None) == (other.path is None)
        assert one.path is None or other.path is None or len(one.path) == len(other.path)
    if whole.answer is Answer.YES:
        assert folded.depth == whole.depth


def orbits(instance: Instance, group: tuple[NodeId, ...]) -> int:
    """How many classes of worlds there are, by renaming what a view shows of each."""
    system = NodeSystem(instance)
    waiting = list(system.initial())
    seen = set(waiting)
    while waiting:
        new = {world for _, world in system.successors(waiting.pop())} - seen
        seen |= new
        waiting += new
    classes = set()
    for world in seen:
        view = system.view(world)
        shares = {
            id: system.shares.values[one][1:] for id, one in zip(VOTERS, world[0], strict=True)
        }
        mail = tuple(sorted((p.source, p.target, repr(p.message)) for p in view.in_flight))
        versions = []
        for chosen in permutations(group):
            names: Mapping[str, str] = dict(zip(group, chosen, strict=True))
            moved = sorted((names[id], repr(rename(share, names))) for id, share in shares.items())
            sent = sorted((names[one], names[two], text) for one, two, text in mail)
            versions.append((tuple(moved), tuple(sent), world[3]))
        classes.add(min(versions))
    return len(classes)


def test_one_state_of_each_class_is_visited() -> None:
    instance = Instance(dict.fromkeys(VOTERS, Voter), bounds=Bounds(crashes=1))
    folded = explore_instance(replace(instance, symmetric=(VOTERS,)))
    assert folded.states == orbits(instance, VOTERS)


def test_a_counter_example_found_with_symmetry_is_a_real_run() -> None:
    plain = election(ForgetfulVoter, crashes=1)
    path = explore_instance(replace(plain, symmetric=(VOTERS,))).counter_example
    assert path is not None
    assert one_leader(replay(plain, path)) is not None


def test_the_reader_is_told_that_worlds_were_taken_for_one() -> None:
    found = explore_instance(replace(election(Voter), symmetric=(VOTERS,)))
    assert "which of n1, n2, n3 is which were taken for one" in found.summary()


def test_names_are_renamed_wherever_they_stand_and_sets_are_sorted_again() -> None:
    form = canonical({"n1": ["n2", 7], "other": {"n1", "n2"}, "n2": ("x", "n1")})
    swapped = canonical({"n2": ["n1", 7], "other": {"n1", "n2"}, "n1": ("x", "n2")})
    assert rename(form, {"n1": "n2", "n2": "n1"}) == swapped
    assert rename(form, {"n3": "n1"}) == form
