"""The search itself, on systems that know nothing of nodes: every state, the shortest way first."""

from collections.abc import Iterable

import pytest

from common.check.explorer import Answer, Limits, Progress, Properties, TransitionSystem, explore
from common.values.errors import BadInput
from tests.common.explore_two_phase_commit import (
    ABORTED,
    COMMITTED,
    PREPARED,
    PROPERTIES,
    WORKING,
    Commitment,
    TwoPhaseCommit,
)


class Counters(TransitionSystem[tuple[int, int], str]):
    """Two counters, each of which can be raised up to a limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def initial(self) -> Iterable[tuple[int, int]]:
        """Both are 0."""
        return ((0, 0),)

    def actions(self, state: tuple[int, int]) -> Iterable[str]:
        """Whichever is below the limit can be raised."""
        return [name for name, value in zip("ab", state, strict=True) if value < self.limit]

    def next(self, state: tuple[int, int], action: str) -> tuple[int, int]:
        """Raise one."""
        return (state[0] + (action == "a"), state[1] + (action == "b"))


@pytest.mark.parametrize(("managers", "states"), [(3, 288), (5, 8_832)])
def test_two_phase_commit_has_as_many_states_as_in_stateright(managers: int, states: int) -> None:
    """Stateright's ``examples/2pc.rs`` reports these two numbers for the same specification."""
    found = explore(TwoPhaseCommit(managers), PROPERTIES)
    assert found.states == states
    assert found.answer is Answer.YES


def orbit(state: Commitment) -> tuple[object, ...]:
    """The state up to renaming: how many managers are in which situation."""
    each = sorted(
        (own, n in state.prepared, f"prepared {n}" in state.sent)
        for n, own in enumerate(state.managers)
    )
    return (tuple(each), state.coordinator, "commit" in state.sent, "abort" in state.sent)


def all_states(system: TwoPhaseCommit) -> set[Commitment]:
    """Every state, found the dumb way."""
    found = set(system.initial())
    waiting = list(found)
    while waiting:
        state = waiting.pop()
        new = {system.next(state, action) for action in system.actions(state)} - found
        found |= new
        waiting += new
    return found


@pytest.mark.parametrize(("managers", "states"), [(3, 80), (5, 314)])
def test_with_symmetry_each_class_of_states_is_visited_once(managers: int, states: int) -> None:
    found = explore(TwoPhaseCommit(managers, symmetric=True), PROPERTIES)
    assert found.states == states
    assert found.states == len({orbit(one) for one in all_states(TwoPhaseCommit(managers))})
    assert found.answer is Answer.YES


def test_stateright_counts_665_because_its_representative_sorts_by_one_part_only() -> None:
    """With symmetry and 5 managers Stateright reports 665 states, where we visit 314.

    Its representative sorts the managers by their own state and leaves ties as they are, so that
    one class of states can have several representatives; how many of them a search meets depends
    on its order. This is that representative with a depth-first search. Ours is exact: the least
    over all renamings, 314 classes, which the test above counts in another way.
    """
    order = (WORKING, PREPARED, COMMITTED, ABORTED)

    def representative(state: Commitment) -> object:
        old = sorted(range(5), key=lambda n: order.index(state.managers[n]))
        new = {manager: place for place, manager in enumerate(old)}
        votes = {new[n] for n in range(5) if f"prepared {n}" in state.sent}
        decisions = frozenset(state.sent & {"commit", "abort"})
        managers = tuple(state.managers[n] for n in old)
        prepared = frozenset(new[n] for n in state.prepared)
        return (managers, state.coordinator, prepared, frozenset(votes), decisions)

    system = TwoPhaseCommit(5)
    waiting = list(system.initial())
    seen = {representative(state) for state in waiting}
    while waiting:
        state = waiting.pop()
        for action in system.actions(state):
            after = system.next(state, action)
            if representative(after) not in seen:
                seen.add(representative(after))
                waiting.append(after)
    assert len(seen) == 665


def test_a_broken_invariant_is_shown_by_a_shortest_path() -> None:
    def small(state: tuple[int, int]) -> str | None:
        return f"the sum is {sum(state)}" if state[0] >= 2 and state[1] >= 1 else None

    found = explore(Counters(9), Properties(always=(("small", small),)))
    assert found.answer is Answer.NO
    assert found.counter_example is not None
    assert len(found.counter_example) == 3
    assert found.broken is not None
    assert found.broken.sentence == "the sum is 3"


def test_an_invariant_that_holds_is_answered_yes_with_the_number_of_states() -> None:
    found = explore(Counters(9), Properties(always=(("anything", lambda _: None),)))
    assert (found.answer, found.states, found.depth) == (Answer.YES, 100, 18)
    assert "all 100 states" in found.findings[0].sentence


def test_a_goal_is_reached_by_a_shortest_path() -> None:
    found = explore(Counters(9), Properties(sometimes=(("both", lambda state: min(state) == 2),)))
    assert found.answer is Answer.YES
    assert found.findings[0].path is not None
    assert len(found.findings[0].path) == 4


def test_a_goal_that_no_state_shows_is_answered_no() -> None:
    found = explore(Counters(3), Properties(sometimes=(("far", lambda state: state[0] == 4),)))
    assert found.answer is Answer.NO
    assert "never reached: none of all 16 states" in found.findings[0].sentence
    assert found.counter_example is None


def test_what_must_hold_in_the_end_is_checked_where_nothing_can_happen_any_more() -> None:
    def even(state: tuple[int, int]) -> str | None:
        return None if sum(state) % 2 == 0 else f"it ends at {state}"

    assert explore(Counters(3), Properties(eventually=(("even", even),))).answer is Answer.YES

    def less(state: tuple[int, int]) -> str | None:
        return f"it ends at {state}" if sum(state) == 6 else None

    found = explore(Counters(3), Properties(eventually=(("less", less),)))
    assert found.answer is Answer.NO
    assert found.counter_example is not None
    assert len(found.counter_example) == 6


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(states=50), "50 states"),
        (Limits(depth=4), "4 choices in a row"),
        (Limits(seconds=0.5), "0.5 seconds"),
    ],
)
def test_a_limit_that_was_hit_makes_the_answer_unknown_and_is_named(
    limits: Limits, said: str
) -> None:
    ticks = iter(range(1_000_000))
    properties = Properties(
        always=(("anything", lambda _: None),),
        sometimes=(("far", lambda state: state == (399, 399)),),
    )
    found = explore(Counters(400), properties, limits, clock=lambda: float(next(ticks)))
    assert found.answer is Answer.UNKNOWN
    assert found.limit == said
    assert [one.answer for one in found.findings] == [Answer.UNKNOWN] * 2
    assert all(said in one.sentence for one in found.findings)


def test_a_failure_found_before_a_limit_stays_a_no() -> None:
    broken = Properties(always=(("low", lambda state: "high" if sum(state) > 3 else None),))
    assert explore(Counters(400), broken, Limits(states=50)).answer is Answer.NO


def test_a_limit_in_seconds_without_a_clock_is_refused() -> None:
    with pytest.raises(BadInput, match="clock"):
        explore(Counters(3), Properties(), Limits(seconds=1.0))


def test_progress_is_told_with_numbers_that_grow() -> None:
    told: list[Progress] = []
    ticks = iter(range(1_000_000))
    explore(Counters(150), Properties(), clock=lambda: float(next(ticks)), progress=told.append)
    assert len(told) > 2
    assert [one.states for one in told] == sorted(one.states for one in told)


def test_the_speed_is_reported_if_and_only_if_there_is_a_clock() -> None:
    ticks = iter((0.0, 2.0))
    assert explore(Counters(9), Properties(), clock=lambda: next(ticks)).states_per_second == 50
    assert explore(Counters(9), Properties()).states_per_second is None
