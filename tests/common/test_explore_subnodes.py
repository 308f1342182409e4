"""Nodes within nodes in the explorer: the same protocol there has the same states and failures."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from common.check.explorer import (
    Answer,
    Bounds,
    Instance,
    NodeSystem,
    WorldView,
    explore_instance,
    replay,
)
from common.contract import Node, NodeId
from common.values.history import History, Ok
from tests.common.explore_nodes import (
    Coordinator,
    ForgetfulVoter,
    HastyCoordinator,
    Participant,
    Pinger,
    Voter,
)
from tests.common.subnode_nodes import Begin, Drop, House, Make
from tests.common.test_explore_instances import VOTERS, election, two_phase_commit
from tests.common.test_explore_replay import Witness

PARTICIPANTS = ("p1", "p2", "p3")


class Shell(Node):
    """A node that does nothing itself: all is in its subnode, and in that one's subnode."""

    subnodes = (Coordinator, Participant, Voter, Pinger)

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], make: Any) -> None:
        super().__init__(id, peers)
        self.core = self.subnode("core", make(id, peers))


class DoubleShell(Node):
    """A shell within a shell."""

    subnodes = (Shell,)

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], make: Any) -> None:
        super().__init__(id, peers)
        self.shell = self.subnode("shell", Shell(id, peers, make))
        self.core = self.shell.core


def in_shells(instance: Instance, shell: Any) -> Instance:
    """The same instance with each node in a shell; properties still look at what is in there."""

    def shelled(make: Any) -> Callable[[NodeId, tuple[NodeId, ...]], Node]:
        return lambda id, peers: shell(id, peers, make)

    def looking(check: Any) -> Any:
        def look(world: Any) -> Any:
            return check({id: node.core for id, node in world.items()})

        look.__doc__ = check.__doc__ or check.__name__
        return look

    return replace(
        instance,
        nodes={id: shelled(make) for id, make in instance.nodes.items()},
        always=[looking(check) for check in instance.always],
        sometimes=[looking(check) for check in instance.sometimes],
    )


INSTANCES = {
    "two-phase commit": two_phase_commit(2, losses=1),
    "two-phase commit, symmetric": replace(two_phase_commit(3), symmetric=(PARTICIPANTS,)),
    "two-phase commit, hasty": two_phase_commit(3, HastyCoordinator),
    "voting, with crashes": replace(
        election(Voter, crashes=1, losses=1), symmetric=(VOTERS,), network="ordered"
    ),
    "voting twice": replace(election(ForgetfulVoter, crashes=1), symmetric=(VOTERS,)),
}


@pytest.mark.parametrize("shell", [Shell, DoubleShell])
@pytest.mark.parametrize("name", INSTANCES)
def test_a_protocol_in_a_subnode_has_the_same_states_as_alone(name: str, shell: Any) -> None:
    alone = explore_instance(INSTANCES[name])
    inside = explore_instance(in_shells(INSTANCES[name], shell))
    assert (inside.states, inside.transitions) == (alone.states, alone.transitions)
    assert [one.answer for one in inside.findings] == [one.answer for one in alone.findings]
    for one, other in zip(inside.findings, alone.findings, strict=True):
        assert (one.path and len(one.path)) == (other.path and len(other.path))


def test_timers_that_a_subnode_sets_for_ever_make_no_new_states() -> None:
    pinging = Instance(nodes={"n1": Pinger, "n2": Pinger}, bounds=Bounds(in_flight=2))
    alone = explore_instance(pinging)
    assert alone.limit is None
    inside = explore_instance(in_shells(pinging, Shell))
    assert (inside.states, inside.limit) == (alone.states, None)


# A subnode that is dropped and made again.


def begun(history: History) -> list[object]:
    """The numbers that the pings were answered with, in the order of their beginnings."""
    ended = [one.outcome for one in history if one.function == "begin"]
    return [outcome.value for outcome in ended if isinstance(outcome, Ok)]


def numbers_never_repeat(world: WorldView) -> str | None:
    """No two pings have the same number."""
    numbers = begun(world.history)
    return f"the pings have the numbers {numbers}" if len(set(numbers)) < len(numbers) else None


def both_are_answered(world: WorldView) -> bool:
    """The first subnode's ping is answered, and the second one's too."""
    return len(begun(world.history)) == 2


def moving(forget: bool) -> Instance:
    there_and_back = (Make("b"), Begin("b"), Drop("b", forget), Make("b"), Begin("b"))
    return Instance(
        nodes={"n1": House, "n2": House},
        operations={"n1": there_and_back, "n2": (Make("b"),)},
        bounds=Bounds(crashes=1, restarts=1, timers=1, losses=1, duplicates=1, in_flight=4),
        always=(numbers_never_repeat,),
        sometimes=(both_are_answered,),
        history=True,
    )


def test_a_subnode_that_keeps_its_number_over_drops_and_crashes_never_repeats_one() -> None:
    found = explore_instance(moving(forget=False))
    assert found.answer is Answer.YES, found.summary()


def test_one_that_forgets_it_repeats_it_in_a_few_choices() -> None:
    found = explore_instance(moving(forget=True))
    assert found.answer is Answer.NO
    assert found.broken is not None
    assert found.broken.sentence == "the pings have the numbers [1, 1]"


def test_the_path_to_it_names_the_subnode_and_can_be_replayed() -> None:
    path = explore_instance(moving(forget=True)).counter_example
    assert path is not None
    assert any("n2 receives b/Ping(number=1) from n1" in str(choice) for choice in path)
    witness = Witness()
    end = replay(moving(forget=True), path, [witness])
    assert numbers_never_repeat(end) is not None


def test_a_dropped_subnodes_timer_never_fires() -> None:
    operations = (Make("b"), Begin("b"), Drop("b", forget=False))
    instance = replace(moving(forget=False), operations={"n1": operations})
    system = NodeSystem(instance)
    waiting, seen = list(system.initial()), set(system.initial())
    while waiting:
        world = waiting.pop()
        view = system.view(world)
        node = view.get("n1")
        assert isinstance(node, House | None)
        fires = [str(move) for move, _ in system.successors(world) if move[0] == "fire"]
        assert not fires or (node is not None and "b" in node.pingers)
        new = {after for _, after in system.successors(world)} - seen
        seen |= new
        waiting += new
    assert len(seen) > 10
