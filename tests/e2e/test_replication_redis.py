"""Replication with real Redis servers, both ways: one follows our leader, and we follow one."""

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

pytest.importorskip("hiredis", reason="hiredis is not installed: pip install -e '.[redis]'")

from common.runtime.launch import Background, launch_in_background
from common.values.history import Ok
from stage3_partitioning.replication.operator import Failover
from stage3_partitioning.replication.worlds import WORLDS
from tests.support.resp_wire import HOST, Wire, command, debian_redis

pytestmark = pytest.mark.needs("redis", "hiredis")

LIMIT_SECONDS = 30.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Background]:
    """Three members, semi-synchronous."""
    with launch_in_background(WORLDS, tmp_path_factory.mktemp("replication")) as running:
        yield running


@pytest.fixture
def leader(cluster: Background) -> Iterator[Wire]:
    """A connection to the front of the leader: a failover may have chosen another one than n1."""
    with contextlib.ExitStack() as opened:
        wires = [opened.enter_context(Wire(port)) for port in cluster.ports.values()]
        yield next(wire for wire in wires if info(wire, "role") == "master")


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    end = time.monotonic() + LIMIT_SECONDS
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.02)


def info(wire: Wire, field: str) -> str:
    """A field of INFO replication."""
    lines = wire.say("INFO", "replication").decode().split("\r\n")
    return next((line.partition(":")[2] for line in lines if line.startswith(f"{field}:")), "")


def test_a_real_redis_follows_our_leader_and_wait_counts_it(
    cluster: Background, leader: Wire, tmp_path: Path
) -> None:
    binary = bytes(range(256))
    assert leader.say("SET", "before", binary) == b"+OK\r\n"
    port = cluster.ports["n1"]
    with (
        debian_redis(tmp_path / "redis", "--replicaof", f"{HOST} {port}") as theirs,
        Wire(theirs) as redis,
    ):
        eventually(lambda: info(redis, "master_link_status") == "up")
        assert redis.say("GET", "before") == b"$256\r\n" + binary + b"\r\n"
        for number in range(50):
            leader.send(b"*3\r\n$3\r\nSET\r\n$4\r\nk%03d\r\n$1\r\n%d\r\n" % (number, number % 10))
        assert [leader.reply() for _ in range(50)] == [b"+OK\r\n"] * 50
        assert leader.say("DEL", "before", "nothing") == b":1\r\n"
        assert leader.say("WAIT", "1", "10000") == b":1\r\n"
        assert redis.say("DBSIZE") == b":50\r\n"
        assert redis.say("GET", "k049") == b"$1\r\n9\r\n"
        assert redis.say("SET", "x", "1").startswith(b"-READONLY")
        eventually(lambda: info(redis, "slave_repl_offset") == info(leader, "master_repl_offset"))
        assert str(theirs).encode() in leader.say("ROLE")
        _come_back(leader, redis)
    assert leader.say("WAIT", "1", "100") == b":0\r\n", "it is gone"


def _come_back(leader: Wire, redis: Wire) -> None:
    """The connection breaks: the Redis goes on from its offset."""
    stream = info(leader, "master_replid")
    assert redis.say("CLIENT", "KILL", "TYPE", "master") == b":1\r\n"
    leader.say("SET", "after", "1")
    eventually(lambda: redis.say("GET", "after") == b"$1\r\n1\r\n")
    assert info(redis, "master_replid") == stream


def test_our_cluster_follows_a_real_redis(
    cluster: Background, leader: Wire, tmp_path: Path
) -> None:
    with (
        debian_redis(tmp_path / "redis") as theirs,
        Wire(theirs) as redis,
        Wire(cluster.ports["n2"]) as follower,
    ):
        packed = "long " * 100
        for key, value in (("number", "-70000"), ("packed", packed), ("small", "7")):
            assert redis.say("SET", key, value) == b"+OK\r\n"
        redis.say("SET", "expires", "soon", "PX", "600000")
        assert leader.say("SET", "ours", "goes") == b"+OK\r\n"
        assert leader.say("REPLICAOF", HOST, theirs) == b"+OK\r\n"
        eventually(lambda: info(leader, "master_link_status") == "up")
        assert leader.say("MGET", "number", "small", "expires", "ours") == (
            b"*4\r\n$6\r\n-70000\r\n$1\r\n7\r\n$4\r\nsoon\r\n$-1\r\n"
        )
        assert leader.say("SET", "x", "1").startswith(b"-READONLY")
        redis.say("INCRBY", "number", "5")
        redis.say("APPEND", "small", "77")
        redis.say("MSET", "a", "1", "b", "2")
        redis.say("DEL", "packed")
        assert redis.say("WAIT", "1", "10000") == b":1\r\n", "our leader acknowledges the stream"
        expected = b"*5\r\n$6\r\n-69995\r\n$3\r\n777\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n"
        asked = ("MGET", "number", "small", "a", "b", "packed")
        assert leader.say(*asked) == expected
        eventually(lambda: follower.say(*asked) == expected)
        redis.say("CLIENT", "KILL", "TYPE", "replica")
        redis.say("SET", "a", "3")
        eventually(lambda: leader.say("GET", "a") == b"$1\r\n3\r\n")
        stats = redis.say("INFO", "stats").decode()
        assert "sync_full:1\r\n" in stats
        assert "sync_partial_ok:1\r\n" in stats
        redis.say("LPUSH", "list", "1")
        eventually(lambda: "LPUSH" in info(leader, "master_link_problem"))
        assert leader.say("REPLICAOF", "NO", "ONE") == b"+OK\r\n"
        assert leader.say("SET", "x", "1") == b"+OK\r\n"


def test_an_offset_from_the_future_and_a_wrong_id_get_a_copy_and_bad_words_one_error(
    cluster: Background, leader: Wire
) -> None:
    leader.say("SET", "x", "1")
    stream = info(leader, "master_replid")
    for asked in ((stream, "99999999"), ("0" * 40, "1"), ("?", "-1"), (stream, "0")):
        with Wire(cluster.ports["n1"]) as wire:
            told = wire.say("PSYNC", *asked)
            assert told.startswith(b"+FULLRESYNC " + stream.encode()), asked
    with Wire(cluster.ports["n1"]) as wire:
        here = int(info(leader, "master_repl_offset"))
        assert wire.say("PSYNC", stream, here + 1).startswith(b"+CONTINUE")
        wire.send(command("GET", "x") + command("REPLCONF", "nonsense", "1") + command("PING"))
        leader.say("SET", "y", "2")
        assert wire.reply() == command("SET", "y", "2"), "the stream has no replies in it"
    bad = {
        ("PSYNC", "?", "many"): b"-ERR value is not an integer",
        ("REPLCONF", "ACK", "-5"): b"-ERR value is not an integer",
        ("REPLCONF", "ACK"): b"-ERR syntax error",
        ("REPLCONF", "nonsense", "1"): b"-ERR Unrecognized REPLCONF option: nonsense",
        ("REPLICAOF", HOST, "99999999"): b"-ERR Invalid master port",
        ("WAIT", "x", "1"): b"-ERR value is not an integer",
        ("SET", "x", "1", "EX", "5"): b"-ERR syntax error",
        ("FLY",): b"-ERR unknown command 'fly'",
    }
    for words, told in bad.items():
        assert leader.say(*words).startswith(told), words
    with Wire(cluster.ports["n3"]) as other:
        assert other.say("SET", "x", "1").startswith(b"-READONLY")
        assert b"only the leader" in other.say("REPLICAOF", HOST, "6379")
        assert other.say("ROLE").startswith(b"*5\r\n$5\r\nslave")


def test_large_values_come_to_a_member_that_was_away_and_too_much_is_refused(
    cluster: Background, leader: Wire
) -> None:
    large, keys = "x" * 900_000, ("large 1", "large 2", "large 3")
    cluster.kill("n3")
    for key in keys:
        assert leader.say("SET", key, large) == b"+OK\r\n"
    words = [word for key in keys for word in (key, large)]
    assert leader.say("MSET", *words).startswith(b"-ERR more than 2500000 bytes")
    assert leader.say("SET", "large 4", large).startswith(b"-OOM command not allowed")
    cluster.restart("n3")

    def has_all() -> bool:
        with contextlib.suppress(OSError), Wire(cluster.ports["n3"]) as member:
            return member.say("EXISTS", *keys) == b":3\r\n"
        return False

    eventually(has_all)
    assert leader.say("DEL", *keys) == b":3\r\n"
    assert leader.say("SET", "small", "1") == b"+OK\r\n"


def test_redis_cli_and_redis_benchmark_work_with_it(cluster: Background) -> None:
    port = str(cluster.ports["n1"])
    line = ["redis-benchmark", "-p", port, "-t", "set,get", "-n", "500", "-c", "5", "-P", "4", "-q"]
    ran = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True)
    assert "SET:" in ran.stdout
    assert "GET:" in ran.stdout
    ran = subprocess.run(
        ["redis-cli", "-3", "-p", port, "get", "key:__rand_int__"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout.strip() == "VXK"


def test_a_redis_that_follows_a_follower_goes_on_over_a_failover(
    cluster: Background, leader: Wire, tmp_path: Path
) -> None:
    port = cluster.ports["n2"]
    with (
        debian_redis(tmp_path / "redis", "--replicaof", f"{HOST} {port}") as theirs,
        Wire(theirs) as redis,
        Wire(port) as follower,
    ):
        assert leader.say("SET", "epoch", "1") == b"+OK\r\n"
        eventually(lambda: redis.say("GET", "epoch") == b"$1\r\n1\r\n")
        before = info(leader, "epoch")
        told = cluster.ask(Failover())
        assert isinstance(told, Ok), told
        assert int(info(leader, "epoch")) > int(before)
        name, _ = cast(tuple[str, int], told.value)
        with Wire(cluster.ports[name]) as now:
            assert now.say("SET", "epoch", "2") == b"+OK\r\n"
        eventually(lambda: redis.say("GET", "epoch") == b"$1\r\n2\r\n")
        assert info(follower, "connected_slaves") == "1"
        assert info(redis, "master_link_status") == "up"


@contextlib.contextmanager
def false_redis(*answers: bytes) -> Iterator[int]:
    """A server that gives these answers, one for each command, and then hangs up."""

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return  # it is closed
            with connection, contextlib.suppress(OSError):
                for answer in answers:
                    connection.recv(4096)
                    connection.sendall(answer)

    with socket.create_server((HOST, 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(LIMIT_SECONDS)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"+FULLRESYNC %b 7\r\n$40\r\nREDIS0010" % (b"a" * 40), "the RDB is cut: 9 of 40 bytes"),
        (b"+FULLRESYNC %b 7\r\n$18\r\nREDIS0010\xff12345678" % (b"a" * 40), "checksum is wrong"),
        (b"+FULLRESYNC %b 7\r\n$many\r\n" % (b"a" * 40), "announced its file with '$many'"),
        (b"+MAYBE\r\n", "answered PSYNC with '+MAYBE'"),
        (b"-NOMASTERLINK no\r\n", "refuses PSYNC: NOMASTERLINK no"),
    ],
)
def test_a_leader_that_sends_nonsense_is_not_followed_and_nothing_is_lost(
    leader: Wire, answer: bytes, why: str
) -> None:
    leader.say("SET", "mine", "1")
    with false_redis(b"+PONG\r\n", b"+OK\r\n", b"+OK\r\n", answer) as port:
        assert leader.say("REPLICAOF", HOST, port) == b"+OK\r\n"
        eventually(lambda: why in info(leader, "master_link_problem"))
        assert leader.say("GET", "mine") == b"$1\r\n1\r\n"
        assert leader.say("REPLICAOF", "NO", "ONE") == b"+OK\r\n"
