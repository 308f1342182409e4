"""What shows the lab ``cassandra``: the explorer, and the demonstration."""

from common.check.explorer import Answer, explore_instance
from common.values.report import Table
from stage3_partitioning.cassandra import small
from stage3_partitioning.cassandra.demo import demo


def test_the_explorer_finds_the_look_that_goes_back_where_repairs_are_not_waited_for() -> None:
    found = explore_instance(small.HASTY)
    assert found.answer is Answer.NO
    assert found.counter_example is not None
    assert len(found.counter_example) == 10


def test_the_demonstration_says_what_its_page_says() -> None:
    tables = [part for part in demo(7).parts if isinstance(part, Table)]
    cost, levels, back, claim = ([tuple(row) for row in table.rows] for table in tables)
    reads = [float(row[3]) for row in cost]
    assert reads == sorted(reads, reverse=True), "filters, and then fewer tables"
    written = [float(row[4]) for row in cost]
    assert written[1] < written[2] < written[3], "what compaction costs"
    assert levels == [
        ("ONE", "done", "Rome", "done", "Oslo"),
        ("QUORUM", "done", "Rome", "unknown", "Oslo"),
        ("ALL", "unknown", "failed", "unknown", "failed"),
    ]
    assert [row[2:] for row in back] == [("Oslo and Oslo", "no"), ("nothing and nothing", "yes")]
    assert [row[-1] for row in claim] == ["n2", "n1"]
    assert claim[1][3:5] == ("done", "held by n1")
