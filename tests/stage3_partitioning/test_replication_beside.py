"""What shows the lab ``replication``: the explorer, the demonstration, late followers."""

from functools import partial
from itertools import permutations

import pytest

from common.check.explorer import Answer, Instance, explore_instance
from common.contract.effects import Return
from common.course.suites.kit import Alone, ask_ok, effects_of
from common.sim.simulation import Simulation
from common.values.faults import Block, Schedule
from common.values.history import Failed, Ok, Outcome
from common.values.report import Table
from stage3_partitioning.replication import small
from stage3_partitioning.replication.acknowledging import Mode, needed
from stage3_partitioning.replication.demo import demo
from stage3_partitioning.replication.fronted import (
    FULL,
    TOO_LARGE,
    Change,
    Fronted,
    Write,
    in_pieces,
)
from stage3_partitioning.replication.operator import Failover, Operator
from stage3_partitioning.replication.rejoin import Replica
from stage3_partitioning.replication.shipping import Get, Put
from stage3_partitioning.replication.small import THREE


@pytest.mark.parametrize(("instance", "choices"), [(small.ASYNC, 8), (small.HASTY, 10)])
def test_the_explorer_finds_the_shortest_way_to_a_loss(instance: Instance, choices: int) -> None:
    found = explore_instance(instance)
    assert found.answer is Answer.NO
    assert found.counter_example is not None
    assert len(found.counter_example) == choices, "the lab's page says how many"


@pytest.mark.parametrize("members", [1, 2, 3, 5])
@pytest.mark.parametrize("mode", ["semi-sync", "sync"])
def test_any_members_that_are_enough_have_one_with_each_write_that_is_done(
    mode: Mode, members: int
) -> None:
    servers = tuple(f"n{number}" for number in range(1, members + 1))
    enough = Operator("op", servers, mode=mode).enough
    copies = 1 + needed(mode, members - 1)
    assert enough + copies == members + 1, "so many that they must have one in common, no more"


def test_the_demonstration_says_what_its_page_says() -> None:
    tables = [part for part in demo(7).parts if isinstance(part, Table)]
    lag, cost, emptied = ([tuple(row) for row in table.rows] for table in tables)
    assert [set(row[2:]) for row in lag] == [{"no"}, {"yes"}]
    assert all(int(row[1]) > 3 for row in lag), "n3 lags all the time"
    assert cost == [("async", "5", "6", "yes"), ("semi-sync", "0", "1", "yes")]
    assert [row[1:] for row in emptied] == [("0", "0", "0"), ("0", "6", "6")]


def test_an_old_leader_that_is_cut_off_shows_old_values_but_not_to_who_knows_of_new_ones() -> None:
    cut = [Block(0, *pair) for other in ("n2", "n3", "op") for pair in permutations(("n1", other))]
    member = partial(Replica, mode="semi-sync")
    clients = {
        "op": partial(Operator, servers=("n2", "n3")),
        "knows": partial(Operator, servers=THREE, leader="n2"),
        "new": partial(Operator, servers=("n1",)),
    }
    members = dict.fromkeys(THREE, member)
    simulation = Simulation(members, clients, seed=1, schedule=Schedule(cut))
    assert ask_ok(simulation, "op", Failover())[1] == 2
    ask_ok(simulation, "knows", Put("x", "new"))
    assert ask_ok(simulation, "new", Get("x")) is None, "n1 does not know that it is deposed"
    assert {ask_ok(simulation, "knows", Get("x")) for _ in range(9)} == {"new"}


def fronted() -> Alone:
    """n1, which leads and waits for nobody."""
    return Alone(Fronted("n1", ("n2", "n3"), mode="async"))


def outcome(node: Alone, *changes: Change) -> Outcome:
    """How a write of a front ends."""
    (ended,) = effects_of(Return, node.does(Write(changes)))
    told: Outcome = ended.outcome
    return told


def test_what_would_not_fit_one_message_is_not_written() -> None:
    node, large = fronted(), "x" * 1_000_000
    assert outcome(node, *(Change(key, large) for key in "abc")) == Failed(TOO_LARGE)
    for key in "abc":
        assert isinstance(outcome(node, Change(key, large)), Ok)
    assert outcome(node, Change("d", large)) == Failed(FULL)
    assert isinstance(outcome(node, Change("a", "small"), Change("e", "small")), Ok)
    assert isinstance(outcome(node, Change("b", None)), Ok)
    assert isinstance(outcome(node, Change("d", large)), Ok), "there is room again"
    assert len(node.node.log.copy().data) == 4


def test_a_shipment_and_a_write_are_no_larger_than_a_message() -> None:
    node = fronted()
    for number in range(6):
        node.does(Write((Change("a", "ä" * 450_000 + str(number)),)))
    pieces = [len(node.node.log.since(offset, 64)) for offset in range(6)]
    assert pieces == [2, 2, 2, 2, 2, 1]
    changes = [Change(str(number), "x" * 900_000) for number in range(5)]
    assert [len(piece) for piece in in_pieces(changes, 500)] == [2, 2, 1]
    assert [len(piece) for piece in in_pieces(changes, 1)] == [1] * 5
    assert not list(in_pieces([], 500))
