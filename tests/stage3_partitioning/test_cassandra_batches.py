"""CQL's front of the lab ``cassandra``: what is about many rows: batches, pages, whole tables."""

import pytest

from stage3_partitioning.cassandra.front import wire
from stage3_partitioning.cassandra.front.wire import CqlError
from tests.support.cql_desk import (
    SCHEMA_CHANGE,
    VOID,
    Desk,
    desk_of_a_shop,
    number,
    refusal,
)


@pytest.fixture
def desk() -> Desk:
    """A keyspace, and a table with two clustering columns."""
    return desk_of_a_shop()


def test_a_batch_is_one_write_of_one_partition(desk: Desk) -> None:
    add = "INSERT INTO cart (who, day, place, n) VALUES ('ann', {}, 'x', {})"
    ann = "SELECT day, n FROM cart WHERE who = 'ann'"
    desk.query(f"BEGIN BATCH {add.format(1, 1)}; {add.format(2, 2)} APPLY BATCH;")
    assert desk.query(ann) == [(number(1), number(1)), (number(2), number(2))]
    away = "DELETE FROM cart WHERE who = 'ann' AND day = ? AND place = 'x'"
    id, *_ = desk.prepare(add.format("?", "?"))
    assert desk.batch((away, (number(1),)), (id, (number(3), number(3)))) == VOID
    assert desk.query(ann) == [(number(2), number(2)), (number(3), number(3))]
    desk.query(f"BEGIN UNLOGGED BATCH USING TIMESTAMP 1 {add.format(2, 9)} APPLY BATCH")
    assert desk.query(ann)[0] == (number(2), number(2)), "an older write changes nothing"
    desk.query(f"BEGIN BATCH {add.format(2, 7)} {add.format(2, 5)} APPLY BATCH")
    assert desk.query(ann)[0] == (number(2), number(7)), "one time, so the order means nothing"
    bob = add.format(9, 9).replace("ann", "bob")
    for refused, why in (
        (f"{add.format(9, 9)} {bob}", "a batch is about one partition"),
        (f"{add.format(9, 9)} IF NOT EXISTS", "no change in a batch says IF, or a timestamp"),
        (f"{add.format(9, 9)} USING TIMESTAMP 7", "no change in a batch says IF, or a timestamp"),
        (f"{add.format(9, 9)} INSERT INTO nothing (a) VALUES (1)", "unconfigured table"),
    ):
        code, said = refusal(desk, f"BEGIN BATCH {refused} APPLY BATCH")
        assert code == wire.INVALID
        assert said.startswith(why), said
    with pytest.raises(CqlError, match="a batch has INSERT, UPDATE and DELETE"):
        desk.batch((add.format(9, 9), ()), (ann, ()))
    assert len(desk.query(ann)) == 2, "and nothing of them is there"
    assert desk.batch() == desk.query("BEGIN BATCH APPLY BATCH") == VOID


def test_pages_follow_each_other_and_a_limit_is_for_all_of_them(desk: Desk) -> None:
    for day in range(7):
        desk.query(f"INSERT INTO cart (who, day, place, n) VALUES ('ann', {day}, 'x', {day})")

    def pages(cql: str, size: int) -> list[list[int]]:
        found, state = [], None
        while True:
            rows = desk.page(f"SELECT n FROM cart WHERE who = 'ann' {cql}", size, state)
            found.append([int.from_bytes(n) for (n,) in rows])
            if (state := desk.next_page) is None:
                return found

    assert pages("", 3) == [[0, 1, 2], [3, 4, 5], [6]]
    for size in (7, 100, 0, -1):
        assert pages("", size) == [[0, 1, 2, 3, 4, 5, 6]], size
    assert pages("LIMIT 5", 2) == [[0, 1], [2, 3], [4]]
    assert pages("LIMIT 4", 2) == [[0, 1], [2, 3]]
    assert pages("AND day > 1 AND day < 5", 2) == [[2, 3], [4]]
    desk.page("SELECT n FROM cart WHERE who = 'ann'", 2)
    state = desk.next_page
    for day in (1, 2):
        desk.query(f"DELETE FROM cart WHERE who = 'ann' AND day = {day} AND place = 'x'")
    assert desk.page("SELECT n FROM cart WHERE who = 'ann'", 2, state) == [
        (number(3),),
        (number(4),),
    ], "no row comes twice, and none is left out"
    for bad in (b"", b"x", b"-1:", b"1", b"\xff:", b"1" * 99 + b":"):
        with pytest.raises(CqlError, match="this paging state was not given by this server"):
            desk.page("SELECT n FROM cart WHERE who = 'ann'", 2, bad)


def test_a_table_that_is_dropped_or_truncated_has_lost_its_rows_for_all_nodes() -> None:
    desk = Desk(kept=0.0)
    desk.query("CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy'}")
    desk.query("CREATE TABLE shop.names (who text PRIMARY KEY)")
    there = "SELECT who FROM shop.names WHERE who = 'ann'"
    here, other = desk.requests, desk.at("n2")
    for changed in ("TRUNCATE shop.names", "TRUNCATE TABLE shop.names", "DROP TABLE shop.names"):
        desk.requests = here
        desk.query("INSERT INTO shop.names (who) VALUES ('ann')")
        desk.requests = other
        assert desk.query(there) == [(b"ann",)]
        assert desk.query(changed) == (SCHEMA_CHANGE if changed.startswith("DROP") else VOID)
        desk.requests = here
        if changed.startswith("DROP"):
            assert refusal(desk, there) == (wire.INVALID, "unconfigured table shop.names")
        else:
            assert desk.query(there) == []
    assert refusal(desk, "DROP TABLE shop.names")[1] == "unconfigured table shop.names"
    assert refusal(desk, "TRUNCATE shop.names")[1] == "unconfigured table shop.names"
    assert refusal(desk, "DROP TABLE names")[1].startswith("no keyspace is in use")
    assert desk.query("DROP TABLE IF EXISTS shop.names") == VOID
    desk.query("CREATE TABLE shop.names (who text PRIMARY KEY, n int)")
    assert desk.query(there) == [], "another table of that name has none of the old rows"


def test_a_partition_that_fits_no_message_is_refused_and_its_parts_are_read(desk: Desk) -> None:
    big = "x" * 700_000
    for day in range(4):
        desk.query("INSERT INTO cart (who, day, place, item) VALUES ('ann', ?, 'x', ?)",
                   number(day), big.encode())  # fmt: skip
    code, said = refusal(desk, "SELECT day FROM cart WHERE who = 'ann'")
    assert code == wire.INVALID
    assert said == "these rows have more than 2050000 bytes: read fewer of the partition"
    few = desk.query("SELECT day FROM cart WHERE who = 'ann' AND day >= 2")
    assert few == [(number(2),), (number(3),)]
