"""What shows the lab ``replication``: the explorer, the demonstration, late followers."""

import pytest

from common.check.explorer import Answer, Instance, explore_instance
from common.values.report import Table
from stage3_partitioning.replication import small
from stage3_partitioning.replication.acknowledging import Mode, needed
from stage3_partitioning.replication.demo import demo
from stage3_partitioning.replication.operator import Operator


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
