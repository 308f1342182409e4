"""Exploring nodes: what can happen to them, which bugs are found, and what a bound does."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from common.check.explorer import (
    Answer,
    Bounds,
    Exploration,
    Instance,
    WorldView,
    choices,
    explore_instance,
)
from common.contract.events import NodeId
from common.contract.node import Node
from common.values.errors import BadInput, ContractError
from common.values.history import Ok, Unknown
from tests.common.explore_nodes import (
    Acquire,
    Coordinator,
    Counter,
    ForgetfulVoter,
    Gambler,
    GenerousLockServer,
    HastyCoordinator,
    Hole,
    InOrder,
    LockClient,
    LockServer,
    Numberer,
    Participant,
    Pinger,
    Reader,
    Resetter,
    Unmade,
    Voter,
)

VOTERS = ("n1", "n2", "n3")


def agreement(world: WorldView) -> str | None:
    """No participant commits what another aborts."""
    states = {id: node.state for id, node in world.items() if isinstance(node, Participant)}
    if {"committed", "aborted"} <= set(states.values()):
        return f"the participants disagree: {states}"
    return None


def all_commit(world: WorldView) -> bool:
    states = [node.state for node in world.values() if isinstance(node, Participant)]
    return all(state == "committed" for state in states)


def one_leader(world: Mapping[NodeId, Node]) -> str | None:
    """At most one leader."""
    leaders = [id for id, node in world.items() if isinstance(node, Voter) and node.leader]
    return f"{' and '.join(leaders)} are leaders at once" if len(leaders) > 1 else None


def some_leader(world: Mapping[NodeId, Node]) -> bool:
    """Some node becomes leader."""
    return any(isinstance(node, Voter) and node.leader for node in world.values())


def mutual_exclusion(world: WorldView) -> str | None:
    """One client at a time holds the lock."""
    holders = [id for id, node in world.items() if isinstance(node, LockClient) and node.holds]
    return f"{' and '.join(holders)} hold the lock at once" if len(holders) > 1 else None


def all_served(world: WorldView) -> str | None:
    """Every client got the lock."""
    waiting = [one for one in world.history if one.outcome != Ok()]
    return f"{waiting[0]} and nothing can happen any more" if waiting else None


def two_phase_commit(
    participants: int, coordinator: type[Coordinator] = Coordinator, **bounds: Any
) -> Instance:
    def participant(id: NodeId, _: tuple[NodeId, ...]) -> Participant:
        return Participant(id, ("c",))

    ids = [f"p{number}" for number in range(1, participants + 1)]
    return Instance(
        nodes={"c": coordinator, **dict.fromkeys(ids, participant)},
        bounds=Bounds(**bounds),
        always=(agreement,),
        sometimes=(all_commit,),
    )


def election(voter: type[Voter], **bounds: Any) -> Instance:
    return Instance(
        nodes=dict.fromkeys(VOTERS, voter),
        bounds=Bounds(**bounds),
        always=(one_leader,),
        sometimes=(some_leader,),
    )


def lock(server: type[LockServer], history: bool = False, **bounds: Any) -> Instance:
    return Instance(
        nodes={"s": server},
        clients={"c1": LockClient, "c2": LockClient},
        operations={"c1": (Acquire(),), "c2": (Acquire(),)},
        bounds=Bounds(**bounds),
        always=(mutual_exclusion,),
        eventually=(all_served,) if history else (),
        history=history,
    )


def counter_example(found: Exploration[choices.Choice]) -> list[str]:
    assert found.counter_example is not None
    return [str(choice) for choice in found.counter_example]


# Two-phase commit.


def test_two_phase_commit_between_nodes_is_safe_and_has_a_count_of_its_own() -> None:
    """The same protocol as 288 states of Stateright's, here as message handlers: 5,911 states.

    There are more because more is told apart. The coordinator has to ask before it is answered,
    and its three requests are under way; each participant gets a decision of its own, which can be
    under way to one and have arrived at another, while in the specification one "commit" is there
    for all; a participant that aborted alone is silent in the specification and votes no here.
    Where messages last (``duplicates=None``), as they do in the specification, any of them may
    also never arrive or arrive again, and there are 8,653 states.
    """
    found = explore_instance(two_phase_commit(3))
    assert (found.states, found.answer) == (5_911, Answer.YES)
    lasting = explore_instance(two_phase_commit(3, duplicates=None))
    assert (lasting.states, lasting.answer) == (8_653, Answer.YES)


def test_a_coordinator_that_commits_at_the_first_yes_is_found_in_four_choices() -> None:
    found = explore_instance(two_phase_commit(3, HastyCoordinator))
    assert found.answer is Answer.NO
    assert counter_example(found) == [
        "p1 receives Prepare() from c (message 1)",
        "c receives Vote(yes=True) from p1 (message 4)",
        "p1 receives Decide(commit=True) from c (message 5)",
        "the timer GiveUp() of p2 fires",
    ]
    assert found.broken is not None
    assert found.broken.title == "No participant commits what another aborts"
    assert "'p1': 'committed', 'p2': 'aborted'" in found.broken.sentence


def test_a_participant_that_forgets_its_vote_in_a_crash_breaks_agreement() -> None:
    found = explore_instance(two_phase_commit(2, crashes=1))
    assert found.answer is Answer.NO
    assert "crashes" in "".join(counter_example(found))
    assert explore_instance(two_phase_commit(2, crashes=1, restarts=0)).answer is Answer.YES


# Voting.


def test_voters_that_save_their_vote_elect_one_leader_whatever_is_lost_doubled_or_crashes() -> None:
    found = explore_instance(election(Voter, losses=1, duplicates=1, crashes=1))
    assert found.answer is Answer.YES
    assert "29,321 states" in found.summary()
    assert (
        "up to 1 lost message, up to 1 duplicate, up to 1 crash, any number of restarts"
        in found.summary()
    )


def test_a_node_that_votes_twice_after_a_restart_is_found_by_the_shortest_path() -> None:
    found = explore_instance(election(ForgetfulVoter, crashes=1))
    assert found.answer is Answer.NO
    assert counter_example(found) == [
        "the timer Election() of n1 fires",
        "n2 receives Candidacy() from n1 (message 1)",
        "n1 receives Granted() from n2 (message 3)",
        "n2 crashes",
        "n2 restarts",
        "the timer Election() of n2 fires",
        "n3 receives Candidacy() from n2 (message 5)",
        "n2 receives Granted() from n3 (message 6)",
    ]
    assert explore_instance(election(ForgetfulVoter)).answer is Answer.YES


def test_a_goal_that_needs_more_than_the_bounds_allow_is_never_reached() -> None:
    found = explore_instance(election(Voter, timers=0))
    assert found.answer is Answer.NO
    assert found.findings[-1].title == "Some node becomes leader"
    assert "never reached: none of all 1 states" in found.findings[-1].sentence


def test_a_bound_on_states_that_is_hit_makes_the_verdict_unknown() -> None:
    found = explore_instance(election(Voter, crashes=1, states=1_000))
    assert found.answer is Answer.UNKNOWN
    assert found.limit == "1,000 states"
    assert "stopped at 1,000 states" in found.summary()


# A lock, with clients.


def test_a_lock_that_is_granted_to_one_client_at_a_time_is_safe() -> None:
    assert explore_instance(lock(LockServer, losses=1)).answer is Answer.YES


def test_a_lock_that_is_granted_to_everybody_is_found_in_six_choices() -> None:
    found = explore_instance(lock(GenerousLockServer))
    assert found.answer is Answer.NO
    assert len(counter_example(found)) == 6
    assert found.broken is not None
    assert found.broken.sentence == "c1 and c2 hold the lock at once"


def test_a_client_that_waits_forever_is_found_where_nothing_can_happen_any_more() -> None:
    found = explore_instance(lock(LockServer, history=True))
    assert found.answer is Answer.YES
    found = explore_instance(lock(LockServer, history=True, losses=1))
    assert found.answer is Answer.NO
    assert found.broken is not None
    assert found.broken.kind == "eventually"
    assert "c1 acquire" in found.broken.sentence
    assert any("is lost" in choice for choice in counter_example(found))


def test_a_handler_that_raises_is_a_failure_with_a_path_to_it() -> None:
    found = explore_instance(lock(LockServer, duplicates=1))
    assert found.answer is Answer.NO
    assert found.broken is not None
    assert found.broken.title == "no handler raises or breaks the contract"
    assert found.broken.sentence.startswith("node s raised ")
    assert "when it took Release() from c1" in found.broken.sentence


def test_a_crashed_client_does_not_know_how_its_operation_ended() -> None:
    seen: list[object] = []

    def outcomes(world: WorldView) -> str | None:
        seen.extend(one.outcome for one in world.history)
        return None

    instance = Instance(
        nodes={"s": LockServer},
        clients={"c1": LockClient},
        operations={"c1": (Acquire(),)},
        bounds=Bounds(crashes=1),
        always=(outcomes,),
        may_crash=("c1",),
        history=True,
    )
    explore_instance(instance)
    assert Unknown("the client crashed") in seen
    assert Ok() in seen


@pytest.mark.parametrize("handout", [Hole, Unmade])
def test_a_handout_that_nobody_has_begun_fails_with_a_sentence(handout: type[Node]) -> None:
    found = explore_instance(Instance(nodes={"n1": handout}, sometimes=(some_leader,)))
    assert found.answer is Answer.NO
    assert found.counter_example == ()
    assert found.broken is not None
    assert found.broken.sentence == "node n1 raised NotImplementedError, when it took its start"


def test_a_state_that_nobody_can_compare_is_refused_with_the_name_of_the_node() -> None:
    with pytest.raises(ContractError, match=r"node n1 \(Reader\): its state holds .* neither copy"):
        explore_instance(Instance(nodes={"n1": Reader}))


# What makes a state, and what bounds do.


def test_a_timer_that_is_set_again_and_again_makes_no_new_states() -> None:
    found = explore_instance(Instance(nodes={"n1": Resetter, "n2": Resetter}))
    assert found.answer is Answer.YES
    assert found.states < 20


def test_a_node_that_sends_without_end_needs_a_bound() -> None:
    def pingers(**bounds: Any) -> Exploration[choices.Choice]:
        return explore_instance(
            Instance(nodes={"n1": Pinger, "n2": Pinger}, bounds=Bounds(**bounds))
        )

    assert pingers(states=500).answer is Answer.UNKNOWN
    assert pingers(depth=5).answer is Answer.UNKNOWN
    assert pingers(timers=3).answer is Answer.YES
    assert pingers(in_flight=3).answer is Answer.YES
    assert pingers(duplicates=None).answer is Answer.YES


def test_a_property_of_the_end_says_nothing_where_there_is_no_end() -> None:
    instance = Instance(
        nodes={"n1": Pinger, "n2": Pinger},
        bounds=Bounds(timers=2),
        eventually=(lambda _: "broken",),
    )
    found = explore_instance(instance)
    assert found.answer is Answer.UNKNOWN
    assert "says nothing" in found.findings[-1].sentence


def test_an_ordered_network_keeps_the_order_on_each_link_and_an_unordered_one_does_not() -> None:
    nodes: dict[NodeId, Callable[..., Node]] = {"n1": Numberer, "n2": InOrder}
    ordered = explore_instance(Instance(nodes=nodes, network="ordered"))
    assert ordered.answer is Answer.YES
    unordered = explore_instance(Instance(nodes=nodes))
    assert unordered.answer is Answer.NO
    assert counter_example(unordered) == ["n2 receives Numbered(number=2) from n1 (message 2)"]


def test_random_numbers_are_the_same_in_every_exploration_and_the_reader_is_told() -> None:
    first, second = (explore_instance(Instance(nodes={"n1": Gambler})) for _ in range(2))
    assert first == second
    assert "one draw per step was explored" in first.summary()


def test_the_result_does_not_depend_on_how_python_hashes() -> None:
    code = (
        "from tests.common.test_explore_instances import *\n"
        "print(explore_instance(election(ForgetfulVoter, crashes=1, losses=1)).summary())"
    )
    results = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(results) == 1
    assert b"the shortest counter-example has 8 choices" in results.pop()


def test_what_a_property_sees_besides_the_nodes() -> None:
    seen: list[tuple[object, ...]] = []

    def look(world: WorldView) -> str | None:
        seen.append((tuple(world), tuple(map(str, world.in_flight)), dict(world.saved["n1"])))
        return None

    explore_instance(
        Instance(nodes=dict.fromkeys(VOTERS[:2], Voter), always=(look,), bounds=Bounds(crashes=1))
    )
    assert (("n1", "n2"), (), {}) in seen
    assert (("n2",), (), {}) in seen
    packet = "Packet(source='n1', target='n2', message=Candidacy())"
    assert (("n1", "n2"), (packet,), {"vote": "n1"}) in seen


# Declarations that cannot be used.


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"nodes": {}}, "no nodes"),
        ({"operations": {"n9": (Acquire(),)}}, "operations names 'n9'"),
        ({"operations": {"n1": (Counter,)}}, "no operation"),
        ({"symmetric": (("n1", "n9"),)}, "symmetric names 'n9'"),
        ({"symmetric": (("n1", "n1"),)}, "twice"),
        ({"symmetric": (VOTERS,), "operations": {"n1": (Acquire(),)}}, "differ"),
        ({"may_crash": ("n9",)}, "may_crash names 'n9'"),
        ({"clients": {"n1": Voter}}, "both a node and a client"),
        ({"network": "carrier pigeon"}, "no kind of network"),
        ({"network": "ordered", "bounds": Bounds(duplicates=None)}, "duplicates"),
    ],
)
def test_an_instance_that_does_not_fit_together_is_refused_with_the_reason(
    wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        Instance(**{"nodes": dict.fromkeys(VOTERS, Voter), **wrong})


def test_a_negative_bound_is_refused() -> None:
    with pytest.raises(BadInput, match="losses is -1"):
        Bounds(losses=-1)


def test_a_symmetric_group_of_seven_is_refused() -> None:
    ids = tuple(f"n{number}" for number in range(7))
    with pytest.raises(BadInput, match="5040 permutations"):
        Instance(nodes=dict.fromkeys(ids, Voter), symmetric=(ids,))
