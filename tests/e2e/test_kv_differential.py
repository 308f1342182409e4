"""The same script put to Debian's redis-server and to a node of the course: the same bytes back."""

import time
from collections.abc import Callable, Iterator
from random import Random

import pytest

from common.runtime.launch import launch_in_background
from stage3_partitioning.kv.worlds import WORLDS
from tests.support.resp_wire import Wire, debian_redis

KEYS = (b"a", b"{a}b", b"{a}c", b"{a}\x00\xff", b"")
NUMBERS = (b"n", b"{n}m")
LISTS = (b"l", b"{l}2", b"{l}3")

pytestmark = pytest.mark.needs("redis", "hiredis")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Wire, Wire]]:
    """A connection to each: Redis' own in cluster mode with all slots, and a cluster of one."""
    scratch = tmp_path_factory.mktemp("redis")
    with (
        debian_redis(scratch / "theirs", cluster=True) as port,
        launch_in_background(WORLDS, scratch / "ours", members=1) as cluster,
        Wire(port) as theirs,
        Wire(cluster.ports["n1"]) as ours,
    ):
        yield theirs, ours


def compare(both: tuple[Wire, Wire], *words: bytes | str | int) -> None:
    """Put a command to both."""
    theirs, ours = (wire.say(*words) for wire in both)
    assert ours == theirs, f"{words}"


def flush(both: tuple[Wire, Wire]) -> None:
    """Begin anew on both."""
    for wire in both:
        wire.say("DISCARD")
        assert wire.say("FLUSHALL") == b"+OK\r\n"


def some_words(random: Random) -> list[bytes | str | int]:
    """A command, right or a little wrong."""
    key, number, value = random.choice(KEYS), random.choice(NUMBERS), random.choice((b"x", b"12"))
    third = random.choice((b"7", b"-3", b"x", b"9223372036854775807", b""))
    makers: list[Callable[[], list[bytes | str | int]]] = [
        lambda: ["SET", key, value],
        lambda: ["SET", number, random.randrange(100)],
        lambda: ["SET", key, value, random.choice(("NX", "XX", "nx", "GET", "KEEPTTL", "FOO"))],
        lambda: ["SET", key, value, "EX", third],
        lambda: ["SET", key, value, "NX", "GET", "PX", "100000"],
        lambda: ["GET", key],
        lambda: ["GETSET", key, value],
        lambda: ["GETDEL", key],
        lambda: ["SETNX", key, value],
        lambda: ["SETEX", key, third, value],
        lambda: ["PSETEX", key, random.choice((b"100000", b"0", b"x")), value],
        lambda: ["APPEND", key, value],
        lambda: ["STRLEN", key],
        lambda: [random.choice(("INCR", "DECR", "incr")), random.choice((*KEYS, number))],
        lambda: [random.choice(("INCRBY", "DECRBY")), number, third],
        lambda: ["INCRBYFLOAT", number, random.choice((b"0.5", b"-3", b"x", b"1e3"))],
        lambda: ["GETRANGE", key, random.randrange(-4, 4), random.randrange(-4, 4)],
        lambda: [random.choice(("RENAME", "RENAMENX")), *random.sample(KEYS[:4], 2)],
        lambda: ["MGET", *random.sample(KEYS[:4], 3)],
        lambda: ["MSET", b"{a}b", value, b"{a}c", third],
        lambda: ["MSET", b"{a}b", value, b"{a}c"],
        lambda: ["MGET", key, number],
        lambda: [random.choice(("DEL", "UNLINK", "EXISTS", "TOUCH")), b"a", b"{a}b", b"a"],
        lambda: ["TYPE", key],
        lambda: ["EXPIRE", key, random.choice((b"100", b"-1", b"0", b"x"))],
        lambda: ["EXPIRE", key, 100, random.choice(("NX", "XX", "YY"))],
        lambda: ["EXPIRE", key, random.choice((50, 900)), random.choice(("GT", "LT"))],
        lambda: ["PEXPIRE", key, 200000, "XX", random.choice(("GT", "LT", "NX"))],
        lambda: ["TTL", key],
        lambda: ["PERSIST", key],
        lambda: ["DBSIZE"],
        lambda: [random.choice(("MULTI", "EXEC", "EXEC", "DISCARD"))],
        lambda: random.choice([["PING"], ["PING", key], ["ECHO", key], ["PING", "a", "b"]]),
        lambda: random.choice([["GET"], ["SET", key], ["TTL"], ["STRLEN", key, key], ["FOO", key]]),
    ]
    return random.choice(makers)()


def some_words_about_lists(random: Random) -> list[bytes | str | int]:
    """A command about lists, right or a little wrong; now and then a key holds a text instead."""
    key, other, element = (random.choice(each) for each in (LISTS, LISTS, (b"x", b"y", b"")))
    index = random.choice((0, 1, 2, -1, -2, 5, -5, "x", 2**63 - 1, -(2**63), 2**63))
    count = random.choice((0, 1, 2, 3, -1, -2, "x"))
    side, put = (random.choice(("LEFT", "RIGHT", "left", "UP")) for _ in range(2))
    makers: list[Callable[[], list[bytes | str | int]]] = [
        lambda: [random.choice(("LPUSH", "RPUSH")), key, element],
        lambda: [random.choice(("LPUSH", "RPUSH")), key, element, b"x", b"z", b"y", b"x"],
        lambda: [random.choice(("LPUSHX", "RPUSHX")), key, b"1", b"2"],
        lambda: [random.choice(("LPOP", "RPOP")), key],
        lambda: [random.choice(("LPOP", "RPOP")), key, count],
        lambda: [random.choice(("LPOP", "LLEN", "LPUSH", "LINDEX", "LMOVE", "LPOS")), key, 1, 2, 3],
        lambda: ["LLEN", key],
        lambda: [random.choice(("LRANGE", "LTRIM")), key, index, random.choice((0, 2, -1, -3, 9))],
        lambda: ["LRANGE", key, 0, -1],
        lambda: ["LINDEX", key, index],
        lambda: ["LSET", key, index, element],
        lambda: ["LREM", key, random.choice((count, -(2**63))), element],
        lambda: ["LINSERT", key, random.choice(("BEFORE", "after", "IN")), element, b"new"],
        lambda: ["LPOS", key, element, random.choice(("RANK", "COUNT", "MAXLEN", "FOO")), count],
        lambda: ["LPOS", key, element, "RANK", count, "COUNT", 0, "maxlen", random.choice((0, 2))],
        lambda: ["LMOVE", key, other, side, put],
        lambda: ["RPOPLPUSH", key, other],
        lambda: random.choice([["TYPE", key], ["TTL", key], ["DBSIZE"], ["EXISTS", key, other]]),
        lambda: random.choice([["EXPIRE", key, 100], ["PERSIST", key], ["DEL", key]]),
        lambda: [random.choice(("RENAME", "RENAMENX")), key, other],
        lambda: random.choice([["SET", key, "1"], ["SET", key, "1", "GET"], ["SETNX", key, "1"]]),
        lambda: [random.choice(("GET", "INCR", "GETDEL", "STRLEN", "GETEX")), key],
        lambda: [random.choice(("APPEND", "GETSET", "INCRBYFLOAT", "INCRBY")), key, "1"],
        lambda: random.choice(
            [["GETRANGE", key, 0, 1], ["MGET", key, other], ["SETEX", key, 9, 1]]
        ),
        lambda: random.choice([["GETEX", key, "EX", 0], ["GETEX", key, "EX", 100]]),
        lambda: [random.choice(("MULTI", "EXEC", "EXEC", "DISCARD"))],
    ]
    return random.choice(makers)()


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("seed", range(1, 4))
def test_a_seeded_script_about_lists_gets_the_same_replies(
    both: tuple[Wire, Wire], seed: int, version: int
) -> None:
    flush(both)
    random = Random(seed * version)
    for wire in both:
        assert wire.say("HELLO", version)
    for _ in range(400):
        compare(both, *some_words_about_lists(random))


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_seeded_script_gets_the_same_replies_from_redis_and_from_ours(
    both: tuple[Wire, Wire], seed: int
) -> None:
    flush(both)
    random = Random(seed)
    for _ in range(400):
        compare(both, *some_words(random))


FIXED = """
SET k v / GET k / GET nothing / MGET k {k}2 / SET k v NX / SET k v XX GET / TTL k / TTL nothing
EXPIRE k 50 / TTL k / PERSIST k / PERSIST k / TYPE k / TYPE nothing / EXPIRE k abc
SET k v EX 0 / SETEX k 0 v / SET k v EX 10 PX 10 / SET k v EX / SET k v KEEPTTL EX 3
SET k v NX NX / SET k v XX XX / SET k v NX XX / SET k v EX 50 EX 60 / TTL k / SET k v EX 5 EX
SET k v KEEPTTL KEEPTTL / TTL k / SET k v PX 5 EX 5 / SET k v EX EX 5 / SET k v GET GET
EXPIRE k abc FOO / PEXPIRE k -9223372036854775808 / EXISTS k / SET k v
EXPIRE k -9223372036854775808 / EXPIRE k 9223372036854775807 / PEXPIRE k 9223372036854775807
EXPIREAT k 33177117420 / EXPIRETIME k / PEXPIRETIME k / EXPIREAT k 33177117421 NX
PEXPIREAT k 33177117420000 / PEXPIRETIME k / EXPIREAT k x / EXPIREAT k 1 / EXISTS k
PEXPIREAT k 9223372036854775807 / EXPIREAT k 9223372036854775807 / EXPIRETIME k / SET k v
EXPIRETIME k / GETEX k EX 100 / TTL k / GETEX k / TTL k / GETEX k PERSIST / TTL k / GETEX k EX
GETEX k EX 0 / GETEX nothing EX 0 / GETEX nothing EX x / GETEX k EX 5 PX 5 / GETEX k FOO
GETEX k PERSIST EX 5 / GETEX k EXAT 33177117420 / EXPIRETIME k / GETEX k PXAT 1 / EXISTS k
SET k v EXAT 1 / EXISTS k / SET k v / CLIENT REPLY FOO / CLIENT REPLY / CLIENT REPLY ON
EXPIRE k 9 NX GT
EXPIRE k 9 GT LT / EXPIRE k 9 FOO / INCRBY k 1 / SET n 5 / INCR n / INCRBY n 1.5 / DECRBY n 2
DECRBY n -9223372036854775808 / INCRBY n 9223372036854775807 / INCR {n}new / GET {n}new
MGET k n / MSET k v n / DEL k n / EXISTS k nothing / CLUSTER KEYSLOT foo / CLUSTER KEYSLOT {a}b
CLUSTER KEYSLOT / CLUSTER FOO / CLUSTER COUNTKEYSINSLOT x / CLUSTER COUNTKEYSINSLOT 16384
CLUSTER GETKEYSINSLOT 1 -1 / CLUSTER COUNTKEYSINSLOT 7629 / CLUSTER GETKEYSINSLOT 7629 5
CONFIG GET save / CONFIG GET nosuch / CONFIG GET / CONFIG FOO / CONFIG SET nosuch 1 / CONFIG
CLIENT GETNAME / CLIENT SETNAME abc / CLIENT GETNAME / CLIENT FOO / CLIENT / CLIENT ID 1
CLIENT LIST TYPE foo / CLIENT LIST TYPE / CLIENT LIST ID / CLIENT LIST ID a / CLIENT LIST x
CLIENT LIST TYPE replica / CLIENT LIST type PUBSUB / CLIENT LIST ID 99999999 / CLIENT LIST x 1
CLIENT LIST TYPE normal ID / CLIENT LIST ID 99999999 a / CLIENT LIST TYPE master
COMMAND GETKEYS SET a b / COMMAND GETKEYS MSET a 1 b 2 / COMMAND GETKEYS PING
COMMAND GETKEYS NOSUCH / COMMAND FOO / COMMAND INFO nosuch / COMMAND COUNT 1
SELECT 0 / SELECT 1 / SELECT x / ASKING / READONLY / READWRITE / AUTH x / AUTH default x
AUTH a b / ECHO / PING hello / PING a b / EXEC / DISCARD / MULTI / MULTI / SET k 1 / INCR k
GET k / PING / EXEC / MULTI / SET k x / INCR k / GET k / EXEC / MULTI / FOO / EXEC / MULTI
SET k / EXEC / MULTI / SET k 2 / DISCARD / GET k / MULTI / SET k 1 / SET other 1 / EXEC
MULTI / SET k v EX 0 / GET k / EXEC
SET f 10.5 / INCRBYFLOAT f 0.1 / INCRBYFLOAT f -5 / SET f 5.0e3 / INCRBYFLOAT f 2.0e2
INCRBYFLOAT f x / INCRBYFLOAT k 1 / INCRBYFLOAT {f}new 3.0 / GET {f}new / SET f abc / DEL f k
SET f 3 EX 100 / INCRBYFLOAT f 1.5 / TTL f / INCRBYFLOAT f -4.5 / INCRBYFLOAT f 1e-17
SET g 0123456789 / GETRANGE g 0 3 / GETRANGE g -3 -1 / GETRANGE g 5 2 / GETRANGE g -1 -3
GETRANGE g 0 100 / SUBSTR g 1 2 / GETRANGE nothing 0 1 / GETRANGE g x 1 / GETRANGE g -100 2
RENAME g {g}2 / GET g / GET {g}2 / RENAME g {g}2 / RENAME {g}2 {g}2 / RENAME {g}2 other
SET g 1 / RENAMENX g {g}2 / DEL {g}2 / EXPIRE g 100 / RENAMENX g {g}2 / TTL {g}2 / EXISTS g
SET w 1 / WATCH w / MULTI / SET w 2 / EXEC / GET w / WATCH w / SET w 3 / MULTI / SET w 4 / EXEC
GET w / WATCH w / SET w 5 / UNWATCH / MULTI / SET w 6 / EXEC / MULTI / WATCH w / UNWATCH / EXEC
WATCH w / SET w 7 / DISCARD / MULTI / DISCARD / MULTI / SET w 8 / EXEC / WATCH w nothing
WATCH {w}a w / SET {w}a 1 / MULTI / PING / GET w / EXEC / WATCH {w}a / MULTI / PING / GET w
EXEC / WATCH / WATCH w / SET w 9 / EXEC / MULTI / EXEC / WATCH w / RESET / SET w 10 / MULTI
SET w 11 / EXEC
RPUSH l a b c a b a / LPOS l a / LPOS l a RANK -1 / LPOS l a RANK 2 COUNT 0 / LPOS l a COUNT 2
LPOS l a RANK 0 / LPOS l a RANK x / LPOS l a COUNT -1
LPOS l a MAXLEN -1 / LPOS l a MAXLEN 2 COUNT 0 / LPOS l b RANK -1 MAXLEN 1 / LPOS l a RANK
LPOS nothing a / LPOS nothing a COUNT 1 / LPOS l nothing / LPOS l nothing COUNT 5
LPOP l 0 / LPOP nothing / LPOP nothing 2 / LPOP l -1 / LPOP l x / LPOP l 1 2 / RPOP l 2
LREM l 0 a / LREM l -9223372036854775808 a / LREM l x a / LREM nothing x a / LRANGE l 0 -1
LSET nothing x a / LSET l x a / LSET l 9 a / LSET l -1 z / LINDEX nothing x / LINDEX l x
LINSERT l BEFORE z y / LINSERT l AFTER nothing y / LINSERT nothing AFTER a y / LINSERT l IN a b
EXPIRE l 100 / RPUSH l d / TTL l / LPOP l 99 / TTL l / EXISTS l / TYPE l / RPUSH l e / TTL l
LMOVE l l LEFT RIGHT / LMOVE l {l}2 LEFT LEFT / EXISTS l / TYPE {l}2 / LMOVE l other LEFT LEFT
SET l text / LMOVE {l}2 l LEFT LEFT / LRANGE {l}2 0 -1 / RPOPLPUSH l {l}2 / LLEN l / LPUSH l a
LSET l x a / LINDEX l x / LPOS l a / LRANGE l x 1 / LRANGE l 0 1 / RPOP l 1 / LPUSHX l 1
GET {l}2 / SET {l}2 v GET / SET {l}2 v NX GET / SET {l}2 v EX 0 GET / GETSET {l}2 v
GETDEL {l}2 / GETEX {l}2 EX 0 / GETEX {l}2 PERSIST / APPEND {l}2 v / INCR {l}2 / STRLEN {l}2
INCRBYFLOAT {l}2 x / GETRANGE {l}2 0 1 / MGET {l}2 l / SETNX {l}2 v / SCAN 0 TYPE list COUNT 999
SCAN 0 TYPE hash COUNT 999 / RENAME {l}2 {l}3 / LRANGE {l}3 0 -1 / RENAMENX l {l}3
WATCH {l}3 / RPUSH {l}3 x / MULTI / LPOP {l}3 / EXEC / WATCH {l}3 / MULTI / LPOP {l}3
INCR {l}3 / LLEN {l}3 / GET {l}3 / EXEC / SET {l}3 v / MULTI / RPUSH {l}3 1 / LPOP {l}3 x / EXEC
MSET l a {l}3 b / DEL l {l}3 / RPUSHX l a / LLEN
MULTI / EXEC / FLUSHALL FOO / FLUSHALL ASYNC / DBSIZE / DBSIZE 1 / SCAN 0 / SCAN x / SCAN 0 FOO
SCAN 0 COUNT 0 / SCAN 0 COUNT x / SCAN 0 MATCH / HELLO 4 / HELLO x / HELLO 2 FOO
HELLO 2 AUTH a b / HELLO 2 SETNAME / RESET / GET k
"""
"""Commands with a blank, a slash and a blank between them; lines mean nothing."""


@pytest.mark.parametrize("version", [2, 3])
def test_fixed_commands_get_the_same_replies(both: tuple[Wire, Wire], version: int) -> None:
    flush(both)
    for wire in both:
        assert wire.say("HELLO", version)
    for line in FIXED.strip().splitlines():
        for words in line.split(" / "):
            compare(both, *words.split())


def test_a_transaction_that_watches_is_not_carried_out_when_another_client_was_first(
    both: tuple[Wire, Wire],
) -> None:
    flush(both)
    for wire in both:
        with Wire(wire.socket.getpeername()[1]) as other:
            for first in (True, False):
                wire.say("SET", "w", "0")
                wire.say("WATCH", "w")
                if first:
                    other.say("SET", "w", "theirs")
                wire.say("MULTI")
                wire.say("INCR", "w")
                assert wire.say("EXEC").startswith(b"*-1" if first else b"*1"), f"{wire}"
                assert wire.say("GET", "w") == (b"$6\r\ntheirs\r\n" if first else b"$1\r\n1\r\n")


def test_what_the_protocol_does_not_allow_gets_the_same_error(both: tuple[Wire, Wire]) -> None:
    ports = [wire.socket.getpeername()[1] for wire in both]
    for broken in (
        b"*1\r\n*1\r\n$4\r\nPING\r\n",
        b"*x\r\n",
        b"*10000000000\r\n",
        b"*1\r\n$10000000000\r\n",
        b"*1\r\n$-5\r\n",
        b"*1\r\n$x\r\n",
        b"*1\r\n:4\r\n",
        b"*2\r\n$4\r\nPING\r\n" + b"*1\r\n" * 1000,
        b"x" * 70_000,
        b'SET k "a"b\r\n',
        b"SET k 'a'b\r\n",
        b'SET k "a\r\n',
    ):
        replies = []
        for port in ports:
            with Wire(port) as wire:
                wire.send(b"PING\r\n" + broken)
                replies.append((wire.reply(), wire.reply(), wire.is_closed()))
        assert replies[1] == replies[0], f"{broken[:40]!r}"
        assert replies[0][2], "the connection is of no use any more"


def test_inline_and_empty_requests_are_taken_alike(both: tuple[Wire, Wire]) -> None:
    for line, replies in (
        (b"SET i 5\r\nGET i\n", 2),
        (b"*0\r\n\r\n*-1\r\nPING\r\n", 1),
        (b'SET i "a \\"b\\" \\x41\\n\\q"\r\nGET i\r\n', 2),
        (b"SET i 'it\\'s \\n'\r\nGET i\r\n", 2),
        (b"SET i a'b c'\r\nGET i\r\nSET i ''\r\nGET i\r\n", 4),
        (b"CLIENT REPLY OFF\r\nSET i 1\r\nGET i\r\nCLIENT REPLY ON\r\nGET i\r\n", 2),
        (b"CLIENT REPLY SKIP\r\nGET i\r\nECHO heard\r\n", 1),
        (b"CLIENT REPLY OFF\r\nCLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nPING\r\n", 2),
    ):
        told = []
        for wire in both:
            wire.send(line)
            told.append([wire.reply() for _ in range(replies)])
        assert told[1] == told[0], f"{line!r}"


def test_a_whole_scan_finds_the_same_keys(both: tuple[Wire, Wire]) -> None:
    flush(both)
    for number in range(300):
        for wire in both:
            wire.say("SET", f"{number}:{'ab'[number % 2]}", "v")
    for pattern in (b"*", b"*a", b"1?:[ab]", b"[^1]*:b", b"nothing"):
        found = [scan(wire, pattern) for wire in both]
        assert found[1] == found[0], f"{pattern!r}"
        listed = [sorted(wire.say("KEYS", pattern).split(b"\r\n")) for wire in both]
        assert listed[1] == listed[0], f"{pattern!r}"


def scan(wire: Wire, pattern: bytes) -> set[bytes]:
    """All keys that SCAN names until its cursor is 0 again."""
    cursor, found = b"0", set()
    for _ in range(1000):
        lines = wire.say("SCAN", cursor, "MATCH", pattern, "COUNT", 20).split(b"\r\n")
        cursor = lines[2]
        found |= {line for line in lines[5::2] if line}
        if cursor == b"0":
            return found
    raise AssertionError("SCAN never came to its end")


def test_keys_die_in_both_at_the_same_time(both: tuple[Wire, Wire]) -> None:
    flush(both)
    for wire in both:
        wire.say("SET", "short", "v", "PX", 60)
        wire.say("SET", "long", "v", "PX", 60_000)
        left = int(wire.say("PTTL", "long")[1:])
        assert 55_000 < left <= 60_000
    time.sleep(0.08)
    compare(both, "GET", "short")
    compare(both, "EXISTS", "short")
    compare(both, "TTL", "long")
    end = int(time.time()) + 100
    compare(both, "SET", "at", "v", "EXAT", end)
    compare(both, "SET", "{at}2", "v", "PXAT", end * 1000)
    ttl = [int(wire.say("TTL", "at")[1:]) for wire in both]
    assert abs(ttl[0] - ttl[1]) <= 1


def test_commands_are_described_as_redis_describes_them(both: tuple[Wire, Wire]) -> None:
    """Arity, flags, positions of keys, categories and tips; key specs and subcommands we leave."""
    from stage3_partitioning.kv.front.table import TABLE

    for wire in both:
        wire.say("HELLO", 2)
    for name in TABLE:
        theirs, ours = (wire.say("COMMAND", "INFO", name) for wire in both)
        head = ours.removesuffix(b"*0\r\n*0\r\n")
        assert head != ours, f"{name}: no key specs, no subcommands"
        assert theirs.startswith(head), f"{name}"
