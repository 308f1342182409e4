"""CQL's front of the lab ``cassandra``: statements, types, bad input, in the simulator and raw."""

import asyncio
from collections.abc import Callable
from operator import ge, gt, le, lt
from random import Random
from typing import Any

import pytest

from common.runtime.ports import free_ports
from stage3_partitioning.cassandra.front import wire
from stage3_partitioning.cassandra.front.cql import parse
from stage3_partitioning.cassandra.front.facade import CqlFacade
from stage3_partitioning.cassandra.front.types import TYPES
from stage3_partitioning.cassandra.front.wire import CqlError
from tests.support.cql_desk import (
    QUORUM,
    SERIAL,
    VOID,
    Desk,
    desk_of_a_shop,
    number,
    parameters,
    refusal,
)
from tests.support.live import eventually, live


@pytest.fixture
def desk() -> Desk:
    """A keyspace, and a table with two clustering columns."""
    return desk_of_a_shop()


def test_rows_are_read_in_the_order_of_their_values_and_by_any_range(desk: Desk) -> None:
    random = Random(5)
    days, places = (-(2**31), -7, 0, 3, 20, 2**31 - 1), ("", "a", "a b", "ab", "Ä", "z")
    rows = [(day, place) for day in days for place in places]
    random.shuffle(rows)
    for day, place in rows:
        said = "INSERT INTO cart (who, day, place, n) VALUES ('ann', ?, ?, 1)"
        assert desk.query(said, number(day), place.encode()) == VOID
    for other in ("an", "anna"):
        desk.query(f"INSERT INTO cart (who, day, place) VALUES ('{other}', 1, 'x')")
    rows.sort(key=lambda row: (row[0], row[1]))

    def found(where: str) -> list[tuple[int, str]]:
        told = desk.query(f"SELECT day, place FROM cart WHERE who = 'ann' {where}")
        return [(int.from_bytes(day, signed=True), place.decode()) for day, place in told]

    assert found("") == rows
    assert found("AND day = 3") == [row for row in rows if row[0] == 3]
    assert found("AND day = 3 AND place = 'a'") == [(3, "a")]
    assert found("AND day > -7 AND day <= 20") == [row for row in rows if -7 < row[0] <= 20]
    assert found("AND day >= -7 AND day < 20") == [row for row in rows if -7 <= row[0] < 20]
    signs: dict[str, Callable[[str, str], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le}
    for sign, keeps in signs.items():
        for than in places[1:]:
            wanted = [row for row in rows if row[0] == 0 and keeps(row[1], than)]
            assert found(f"AND day = 0 AND place {sign} '{than}'") == wanted, (sign, than)
    assert found("LIMIT 2") == rows[:2]


def test_a_row_is_changed_column_by_column_and_deleted_whole(desk: Desk) -> None:
    key = "who = 'ann' AND day = 1 AND place = 'x'"
    desk.query("INSERT INTO cart (who, day, place, item, n) VALUES ('ann', 1, 'x', 'it''s', 5)")
    select = f"SELECT item, n FROM cart WHERE {key}"
    assert desk.query(select) == [(b"it's", number(5))]
    desk.query(f"UPDATE cart SET n = 6 WHERE {key}")
    desk.query(f"DELETE item FROM cart WHERE {key}")
    assert desk.query(select) == [(None, number(6))]
    desk.query(f"UPDATE cart USING TIMESTAMP 1 SET n = 7 WHERE {key}")
    assert desk.query(select) == [(None, number(6))], "an older write changes nothing"
    desk.query(f"DELETE FROM cart WHERE {key}")
    assert desk.query(select) == []
    desk.query(f"UPDATE cart SET item = 'back' WHERE {key}")
    assert desk.query(select) == [(b"back", None)]


def test_conditions_are_carried_out_by_transactions_and_tell_what_is_there(desk: Desk) -> None:
    key = "who = 'ann' AND day = 1 AND place = 'x'"
    claim = "INSERT INTO cart (who, day, place, n) VALUES ('ann', 1, 'x', {}) IF NOT EXISTS"
    yes, no = b"\1", b"\0"
    assert desk.query(f"UPDATE cart SET n = 1 WHERE {key} IF EXISTS") == [(no,)]
    assert desk.query(claim.format(1)) == [(yes,)]
    there = (no, b"ann", number(1), b"x", None, number(1))
    assert desk.query(claim.format(2)) == [there]
    assert desk.query(f"UPDATE cart SET n = 3 WHERE {key} IF n = 2") == [(no, number(1))]
    assert desk.query(f"UPDATE cart SET n = 3 WHERE {key} IF n = 1 AND item = null") == [(yes,)]
    select = f"SELECT n FROM cart WHERE {key}"
    assert desk.query(select) == desk.query(select, level=SERIAL) == [(number(3),)]
    assert desk.query(f"DELETE FROM cart WHERE {key} IF EXISTS") == [(yes,)]
    assert desk.query(select, level=SERIAL) == []
    assert desk.query(claim.format(4)) == [(yes,)]


def test_a_prepared_statement_says_what_it_wants_and_serves_every_client(desk: Desk) -> None:
    cql = "SELECT n FROM cart WHERE day >= ? AND who = ? LIMIT ?"
    id, markers, keys = desk.prepare(cql)
    assert markers == [("day", 0x09), ("who", 0x0D), ("[limit]", 0x09)]
    assert keys == [1]
    desk.query("INSERT INTO cart (who, day, place, n) VALUES ('ann', 1, 'x', 5)")
    assert desk.execute(id, number(0), b"ann", number(9)) == [(number(5),)]
    desk.requests = desk.at("n3")
    assert desk.execute(id, number(0), b"ann", number(9)) == [(number(5),)]
    with pytest.raises(CqlError) as error:
        desk.execute(b"0123456789abcdef")
    assert error.value.code == wire.UNPREPARED


def test_what_one_node_creates_all_nodes_know_and_nothing_is_created_twice(desk: Desk) -> None:
    table = "CREATE TABLE {} shop.cart (who text PRIMARY KEY)"
    code, why = refusal(desk, table.format(""))
    assert (code, why) == (wire.ALREADY_EXISTS, "the table shop.cart is there already")
    assert desk.query(table.format("IF NOT EXISTS")) == VOID
    desk.requests = desk.at("n2")
    assert desk.query("SELECT n FROM shop.cart WHERE who = 'ann'") == []
    columns = "SELECT column_name, kind FROM system_schema.columns WHERE table_name = 'cart'"
    assert desk.query(columns) == [
        (b"who", b"partition_key"),
        (b"day", b"clustering"),
        (b"place", b"clustering"),
        (b"item", b"regular"),
        (b"n", b"regular"),
    ]
    assert [len(row) for row in desk.query("SELECT * FROM system.local WHERE key = 'local'")] == [
        15
    ]
    assert len(desk.query("SELECT * FROM system.peers_v2")) == 2
    assert desk.query("SELECT * FROM system_schema.views") == []


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("text", "Ä".encode(), "Ä"),
        ("int", b"\xff\xff\xff\xfe", "-2"),
        ("bigint", b"\x80" + bytes(7), str(-(2**63))),
        ("boolean", b"\1", "true"),
        ("double", b"\x3f\xf8" + bytes(6), "1.5"),
        ("blob", b"\0\xff", "00ff"),
        ("uuid", bytes(range(16)), "00010203-0405-0607-0809-0a0b0c0d0e0f"),
        ("timestamp", bytes(7) + b"\5", "5"),
    ],
)
def test_values_come_back_as_they_were_bound(name: str, data: bytes, text: str) -> None:
    kind = TYPES[name]
    assert kind.bound(data) == text
    assert kind.write(text) == data
    assert kind.bound(None) is None
    if kind.key is not None and kind.from_key is not None:
        assert kind.from_key(kind.key(text)) == text


def test_a_time_may_be_said_as_a_date() -> None:
    assert TYPES["timestamp"].literal("text", "1970-01-02") == "86400000"
    assert TYPES["timestamp"].literal("text", "1970-01-01T00:00:01+00:00") == "1000"


@pytest.mark.parametrize(
    ("cql", "why"),
    [
        ("SELECT 'abc FROM x", "line 1:7 the text that begins here is not closed"),
        ('SELECT\n  "abc FROM x', "line 2:2 the name that begins here is not closed"),
        ("SELECT * FROM x WHERE a ! 1", "line 1:24 no statement has '!' here"),
        ("SELECT * FROM", "line 1:13 a name is expected, not 'the end'"),
        ("SELECT * FROM x; SELECT", "line 1:17 the statement should end here"),
        ("SELECT * FROM x WHERE a 1", "line 1:24 a comparison is expected, not '1'"),
        ("INSERT INTO x (a) VALUES (1, 2)", "line 1:26 2 values are for 1 columns"),
        ("INSERT INTO x (a VALUES (1)", "line 1:17 ')' is expected, not 'values'"),
        ("CREATE TABLE x (a list)", "line 1:18 there is no type 'list' here: text, varchar"),
        ("CREATE TABLE x (a int)", "line 1:16 a table needs one PRIMARY KEY"),
        ("CREATE TABLE x (a int, a int)", "line 1:23 the column a is there twice"),
        ("CREATE TABLE x (a int PRIMARY KEY, PRIMARY KEY (b))", "line 1:16 a table needs one"),
        ("CREATE INDEX x", "line 1:7 KEYSPACE or TABLE is expected, not 'index'"),
        ("DROP KEYSPACE x", "line 1:5 'TABLE' is expected, not 'keyspace'"),
        ("ALTER TABLE x", "line 1:0 no statement that is known here begins with 'alter'"),
        ("BEGIN BATCH SELECT", "line 1:12 INSERT, UPDATE, DELETE or APPLY BATCH is expected, not"),
        ("BEGIN COUNTER BATCH", "line 1:6 'BATCH' is expected, not 'counter'"),
        ("BEGIN BATCH DELETE FROM x WHERE a = 1;", "line 1:38 INSERT, UPDATE, DELETE or APPLY"),
        ("", "line 1:0 no statement that is known here begins with 'the end'"),
        ("UPDATE x SET a = WHERE b = 1", "line 1:23 'WHERE' is expected, not 'b'"),
    ],
)
def test_a_statement_that_is_none_is_told_where_and_what(cql: str, why: str) -> None:
    with pytest.raises(CqlError) as error:
        parse(cql)
    assert error.value.code == wire.SYNTAX_ERROR
    assert error.value.message.startswith(why), error.value.message


def test_comments_and_letters_of_any_case_change_nothing() -> None:
    plain, _ = parse("SELECT a FROM x WHERE b = 'B'")
    assert parse("select A -- so\n from /* there */ X where b='B' ;")[0] == plain
    assert parse('SELECT "A" FROM x')[0] != parse("SELECT A FROM x")[0]


@pytest.mark.parametrize(
    ("cql", "why"),
    [
        ("SELECT * FROM cart", "WHERE must say what who equals: rows are read by partition"),
        ("SELECT z FROM cart WHERE who = 'a'", "Undefined column name z in shop.cart"),
        ("SELECT * FROM cart WHERE who = 'a' AND n = 1", "WHERE is about columns of the primary"),
        ("SELECT * FROM cart WHERE who = 'a' AND place = 'x'", "clustering columns are named in"),
        ("SELECT * FROM cart WHERE who = 'a' LIMIT 0", "LIMIT must be at least 1"),
        ("SELECT * FROM cart WHERE who = 5", "'5' is no value of type text"),
        ("SELECT * FROM cart WHERE who = ?", "0 values are bound, and there are more markers"),
        ("SELECT * FROM nothing", "unconfigured table shop.nothing"),
        ("USE nothing", "Keyspace 'nothing' does not exist"),
        ("INSERT INTO cart (who, day, place) VALUES ('a', 1, null)", "the primary key needs a"),
        ("INSERT INTO cart (who, day) VALUES ('a', 1)", "the primary key needs a value for place"),
        ("INSERT INTO cart (who, day, place) VALUES ('a', 3000000000, 'x')", "'3000000000' is no"),
        ("UPDATE cart SET day = 1 WHERE who = 'a'", "day is in the primary key and cannot be SET"),
        ("UPDATE cart SET n = 1 WHERE who > 'a'", "WHERE of a change says what each key column"),
        ("DELETE who FROM cart WHERE who = 'a' AND day = 1 AND place = 'x'", "who is in the"),
        ("INSERT INTO system.local (key) VALUES ('a')", "system.local cannot be changed"),
        ("CREATE TABLE shop.d (a double PRIMARY KEY)", "a column of type double cannot be in a"),
        ("CREATE TABLE none.d (a int PRIMARY KEY)", "Keyspace 'none' does not exist"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(desk: Desk, cql: str, why: str) -> None:
    code, said = refusal(desk, cql)
    assert code == wire.INVALID
    assert said.startswith(why), said


def test_a_bound_value_of_the_wrong_length_is_refused(desk: Desk) -> None:
    cql = "SELECT * FROM cart WHERE who = 'a' AND day = ?"
    assert refusal(desk, cql, b"123") == (wire.INVALID, "3 bytes are no value of type int")
    cql = "SELECT * FROM cart WHERE who = ?"
    assert refusal(desk, cql, b"\xff") == (wire.INVALID, "1 bytes are no value of type text")
    assert refusal(desk, cql, b"a\0")[1].startswith("a text in a primary key may not have")


@pytest.mark.parametrize(
    ("level", "code", "why"),
    [
        (77, wire.PROTOCOL_ERROR, "there is no consistency level with the code 77"),
        (2, wire.INVALID, "TWO is not supported: say ONE, QUORUM or ALL"),
        (8, wire.INVALID, "a SERIAL read is of one row: say its whole primary key"),
    ],
)
def test_a_level_that_there_is_not_is_refused(desk: Desk, level: int, code: int, why: str) -> None:
    assert refusal(desk, "SELECT * FROM cart WHERE who = 'a'", level=level) == (code, why)


@pytest.mark.parametrize(
    ("opcode", "body", "why"),
    [
        (0x42, b"", "there is no request with the opcode 0x42"),
        (wire.BATCH, b"", "the body of the frame ends at byte 0"),
        (wire.BATCH, b"\2\0\0", "there are no counters here"),
        (wire.BATCH, b"\0\xff\xff", "the body of the frame ends at byte 3"),
        (wire.QUERY, b"\0\0\0\5USE", "the body of the frame ends at byte 7"),
        (wire.QUERY, b"\0\0\0\1\xff", "a text in the frame is not UTF-8"),
        (wire.QUERY, b"\0\0\0\5USE x", "the body of the frame ends at byte 9"),
        (wire.QUERY, b"\xff\xff\xff\xffUSE x", "the body of the frame ends at byte 9"),
        (wire.STARTUP, b"\0\1\0\x0bCOMPRESSION\0\3lz4", "no compression is offered here"),
        (wire.EXECUTE, b"\0\1x" + parameters((), QUORUM), "prepare it again"),
    ],
)
def test_a_request_that_is_none_is_refused(opcode: int, body: bytes, why: str) -> None:
    with pytest.raises(CqlError) as error:
        Desk().send(opcode, body)
    assert error.value.message.startswith(why)


@live
async def test_a_frame_that_cannot_be_understood_is_answered_and_ends_the_connection() -> None:
    desk, log = Desk(), list[str]()
    door: Any = desk.requests.statements._door
    door.log = log.append
    (port,) = free_ports("127.0.0.1", 1)
    facade = CqlFacade(door, "127.0.0.1", dict.fromkeys(("n1", "n2", "n3"), port))
    await facade.listen()
    try:
        for raw, why in (
            (b"\x05\0\0\7\5\0\0\0\0", b"unsupported protocol version (5)"),
            (b"\x04\0\0\7\7\x7f\0\0\0", b"a frame of 2130706432 bytes is too long"),
            (b"GET / HTTP/1.1\r\n\r\n", b"unsupported protocol version"),
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(raw)
            answer = await reader.read()
            assert answer[0] == 0x84
            assert answer[4] == wire.ERROR
            assert why in answer
            writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x04\0\0\1\5\0\0\0\0" + b"\x04\0\0\2\x42\0\0\0\0")
        heads = [await reader.readexactly(9)]
        await reader.readexactly(int.from_bytes(heads[0][5:]))
        heads.append(await reader.readexactly(9))
        assert [head[4] for head in heads] == [wire.SUPPORTED, wire.ERROR]
        broken: Any = facade.statements
        broken._system = None  # which nothing that a client sends could do
        text = b"SELECT * FROM system.local"
        query = wire.int32(len(text)) + text + parameters((), QUORUM)
        writer.write(b"\x04\0\0\3\7" + wire.int32(len(query)) + query)
        await eventually(lambda: any("a mistake of ours" in line for line in log))
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x04\0\0\3\7\0\0\0\x09USE")
        writer.close()
        await writer.wait_closed()
        await eventually(lambda: any("its last frame has no end" in line for line in log))
    finally:
        await facade.close()
