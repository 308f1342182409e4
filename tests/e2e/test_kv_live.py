"""The sharded store as processes, with real Redis clients: nodes come and go, and are killed."""

import contextlib
import functools
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("redis", reason="redis is not installed: pip install -e '.[redis]'")
pytest.importorskip("hiredis", reason="hiredis is not installed: pip install -e '.[redis]'")

import redis
from redis.backoff import ConstantBackoff
from redis.cluster import RedisCluster as RedisClient
from redis.retry import Retry

from common.runtime.launch import Background, launch_in_background
from common.runtime.resp.requests import MAX_ARGUMENTS, MAX_BULK
from common.values.history import Failed, Ok
from stage3_partitioning.kv.commands import AddNode, RemoveNode
from stage3_partitioning.kv.worlds import WORLDS
from tests.support.resp_wire import HOST, Wire, command

pytestmark = pytest.mark.needs("redis", "hiredis")

LIMIT_SECONDS = 40.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Background]:
    """Four nodes, of which three hold slots at first; batches are small, so that moves last."""
    directory = tmp_path_factory.mktemp("kv")
    shards = ["n1", "n2", "n3"]
    with launch_in_background(WORLDS, directory, shards=shards, batch_keys=4) as running:
        yield running


def client(cluster: Background, **options: Any) -> RedisClient:
    """redis-py's cluster client; it keeps trying while a node is away."""
    retry = Retry(ConstantBackoff(0.1), 100)
    return RedisClient(host=HOST, port=cluster.ports["n1"], retry=retry, **options)


def run(*words: object) -> str:
    """Run a program and return what it prints."""
    line = [str(word) for word in words]
    ran = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True)
    return ran.stdout


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    end = time.monotonic() + LIMIT_SECONDS
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def settled(cluster: Background, holders: set[str]) -> bool:
    """Whether just these nodes hold slots, as many each, and every node knows the same.

    While slots still move, some have too many: each move makes a table of its own.
    """
    status = cluster.status()
    holding = {node: int(told["slots"]) for node, told in status.items() if told["slots"]}
    if len(status) < 4 or set(holding) != holders:
        return False
    is_even = max(holding.values()) - min(holding.values()) <= 1
    return is_even and len({told["epoch"] for told in status.values()}) == 1


def change(cluster: Background, operation: object, holders: set[str]) -> None:
    """Ask until it is decided, and wait until all has moved."""
    eventually(lambda: isinstance(cluster.ask(operation), Ok))
    eventually(lambda: settled(cluster, holders))


def _is_decided(cluster: Background, operation: object) -> bool:
    return isinstance(cluster.ask(operation), Ok)


def everybody_holds_slots(cluster: Background) -> None:
    """Bring back the nodes that an earlier test has left out."""
    for node in cluster.ports:
        eventually(functools.partial(_is_decided, cluster, AddNode(node)))
    eventually(lambda: settled(cluster, set(cluster.ports)))


def test_redis_cli_follows_redirects_and_finds_the_cluster_healthy(cluster: Background) -> None:
    port = cluster.ports["n1"]
    for number in range(20):
        assert "OK" in run("redis-cli", "-c", "-p", port, "set", f"cli:{number}", number)
    found = [run("redis-cli", "-c", "-p", port, "get", f"cli:{n}").strip() for n in range(20)]
    assert found == [str(number) for number in range(20)]
    direct = [run("redis-cli", "-p", port, "get", f"cli:{n}") for n in range(20)]
    assert any(line.startswith("MOVED ") for line in direct)
    checked = run("redis-cli", "--cluster", "check", f"{HOST}:{port}")
    assert "All 16384 slots covered" in checked
    assert "All nodes agree about slots configuration" in checked
    assert run("redis-cli", "-3", "-p", port, "ping").strip() == "PONG"


@pytest.mark.proof
def test_redis_benchmark_loads_the_whole_cluster(cluster: Background) -> None:
    line = ["redis-benchmark", "--cluster", "-p", cluster.ports["n1"], "-q", "-n", 2000]
    told = run(*line, "-r", 500, "-t", "set,get,incr,mset", "-P", 4)
    assert told.count("requests per second") == 4, told


def test_redis_py_works_as_with_redis(cluster: Background) -> None:
    with client(cluster) as store:
        assert store.set("py", b"\x00\xff\r\n", ex=100)
        assert store.get("py") == b"\x00\xff\r\n"
        assert 90 < store.ttl("py") <= 100
        assert store.incr("py:n", 5) == 5
        assert store.mset({"{py}1": 1, "{py}2": 2})
        assert store.mget("{py}1", "{py}2", "{py}3") == [b"1", b"2", None]
        assert store.rpush("py:list", "a", "b", "c", b"\x00") == 4
        assert store.lmove("py:list", "py:list", "RIGHT", "LEFT") == b"\x00"
        assert store.lrange("py:list", 0, -1) == [b"\x00", b"a", b"b", b"c"]
        assert store.lpop("py:list", 9) == [b"\x00", b"a", b"b", b"c"]
        assert store.type("py:list") == b"none"
        with pytest.raises(redis.ResponseError, match="not an integer"):
            store.incr("py")
        pipe = store.pipeline()
        for number in range(200):
            pipe.set(f"py:{number}", number)
        assert all(pipe.execute())
        together = store.pipeline(transaction=True)
        together.set("{t}a", 1)
        together.incr("{t}a")
        assert together.execute() == [b"OK", 2]
        assert {f"py:{n}".encode() for n in range(200)} <= set(store.scan_iter("py:*"))
        assert store.delete("py", "py:n") == 2
    with redis.Redis(HOST, cluster.ports["n1"], protocol=2) as one:
        assert one.info("cluster")["cluster_enabled"] == 1
        assert one.info("server")["arch_bits"] == 64
        assert one.client_setname("me")
        assert one.client_getname() in ("me", b"me")


class Writer(threading.Thread):
    """Appends numbers to keys of its own until stopped, and remembers what was acknowledged."""

    def __init__(self, cluster: Background, name: str) -> None:
        super().__init__(daemon=True)
        self.acknowledged: dict[str, list[int]] = {f"{name}:{number}": [] for number in range(40)}
        self.unsure: set[str] = set()
        self.stopped = threading.Event()
        self.problem: BaseException | None = None
        self._cluster = cluster

    def run(self) -> None:
        """Append until told to stop; after an error nobody knows, so the key is left alone."""
        number = 0
        keys = list(self.acknowledged)
        with client(self._cluster) as store:
            while not self.stopped.is_set():
                key = keys[number % len(keys)]
                number += 1
                if key in self.unsure:
                    continue
                try:
                    store.append(key, f"{number} ")
                    self.acknowledged[key].append(number)
                except redis.RedisError:
                    self.unsure.add(key)

    def check(self) -> int:
        """What is there is what was acknowledged; returns how much that is."""
        with client(self._cluster) as store:
            for key, numbers in self.acknowledged.items():
                found = [int(word) for word in (store.get(key) or b"").split()]
                assert key in self.unsure or found == numbers, f"{key}: {numbers}, found {found}"
                assert set(numbers) <= set(found), f"{key}: acknowledged, and lost"
        return sum(map(len, self.acknowledged.values()))


@pytest.mark.proof
def test_nodes_come_and_go_while_redis_clients_write(cluster: Background) -> None:
    everybody_holds_slots(cluster)
    with client(cluster) as store:
        pipe = store.pipeline()
        for number in range(3000):
            pipe.set(f"{{bulk:{number % 100}}}:{number}", number)
        assert all(pipe.execute())
    change(cluster, RemoveNode("n4"), {"n1", "n2", "n3"})
    writers = [Writer(cluster, f"w{number}") for number in range(2)]
    asks = AskCounter(cluster)
    threads: list[Writer | AskCounter] = [*writers, asks]
    for thread in threads:
        thread.start()
    change(cluster, AddNode("n4"), {"n1", "n2", "n3", "n4"})
    change(cluster, RemoveNode("n2"), {"n1", "n3", "n4"})
    change(cluster, AddNode("n2"), {"n1", "n2", "n3", "n4"})
    change(cluster, RemoveNode("n1"), {"n2", "n3", "n4"})
    for _ in range(10):
        if asks.asked:
            break  # a key has to be asked for while its slot is half moved: that is chance
        change(cluster, AddNode("n1"), {"n1", "n2", "n3", "n4"})
        change(cluster, RemoveNode("n1"), {"n2", "n3", "n4"})
    for thread in threads:
        thread.stopped.set()
        thread.join(LIMIT_SECONDS)
    assert not any(writer.unsure for writer in writers), "no node was away, and no write failed"
    assert sum(writer.check() for writer in writers) > 100
    assert asks.moved > 0, "plain clients were sent to other nodes"
    assert asks.asked > 0, "some were asked to ask, this once"
    with client(cluster) as store:
        keys = [f"{{bulk:{number % 100}}}:{number}" for number in range(3000)]
        assert [int(value) for value in store.mget_nonatomic(keys)] == list(range(3000))


class AskCounter(threading.Thread):
    """Reads the keys of one node over a plain connection, and counts redirects; follows Ask."""

    def __init__(self, cluster: Background) -> None:
        super().__init__(daemon=True)
        self.stopped = threading.Event()
        self.moved = self.asked = 0
        self._cluster = cluster

    def run(self) -> None:
        """Ask every node for key after key."""
        with contextlib.ExitStack() as stack:
            ports = self._cluster.ports.items()
            self._count({node: stack.enter_context(Wire(port)) for node, port in ports})

    def _count(self, wires: dict[str, Wire]) -> None:
        nodes = {str(port): node for node, port in self._cluster.ports.items()}
        number = 0
        while not self.stopped.is_set():
            number = (number + 7) % 3000
            for wire in wires.values():
                told = wire.say("GET", f"{{bulk:{number % 100}}}:{number}")
                self.moved += told.startswith(b"-MOVED")
                if told.startswith(b"-ASK"):
                    port = told.split(b":")[-1].strip().decode()
                    there = wires[nodes[port]]
                    assert there.say("ASKING") == b"+OK\r\n"
                    there.say("GET", f"{{bulk:{number % 100}}}:{number}")
                    self.asked += 1


@pytest.mark.proof
def test_what_was_acknowledged_outlives_sigkill_amid_a_move(cluster: Background) -> None:
    everybody_holds_slots(cluster)
    writer = Writer(cluster, "killed")
    writer.start()
    time.sleep(0.3)
    eventually(lambda: isinstance(cluster.ask(RemoveNode("n3")), Ok))
    for node in ("n3", "n4", "n1"):
        cluster.kill(node)
        cluster.restart(node)
    writer.stopped.set()
    writer.join(LIMIT_SECONDS)
    eventually(lambda: settled(cluster, {"n1", "n2", "n4"}))
    assert writer.check() > 10
    for node in cluster.ports:
        cluster.kill(node)
    for node in cluster.ports:
        cluster.restart(node)
    assert writer.check() > 10, "after SIGKILL of all at once"


def test_the_only_owner_is_not_removed(tmp_path: Path) -> None:
    with launch_in_background(WORLDS, tmp_path, members=1) as one:
        told = one.ask(RemoveNode("n1"))
        assert isinstance(told, Failed)
        assert "only owner" in told.reason


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (b"*2\r\n$3\r\nGET\r\n$10000000000\r\n", "invalid bulk length"),
        (
            b"*3\r\n$5\r\nRPUSH\r\n$1\r\nk\r\n$%d\r\n" % (MAX_BULK + 1),
            f"invalid bulk length: an argument has at most {MAX_BULK} bytes here",
        ),
        (b"*1\r\n" * 1000, "expected '$', got '*'"),
        (
            b"*1000000\r\n",
            f"invalid multibulk length: a command has at most {MAX_ARGUMENTS} arguments here",
        ),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"GET " + b"x" * 70_000, "too big inline request"),
    ],
)
def test_a_request_beyond_a_bound_gets_one_error_and_the_node_lives_on(
    cluster: Background, broken: bytes, problem: str
) -> None:
    with Wire(cluster.ports["n1"]) as wire:
        wire.send(command("PING") + broken)
        assert wire.reply() == b"+PONG\r\n", "what came before is carried out"
        assert wire.reply() == f"-ERR Protocol error: {problem}\r\n".encode()
        assert wire.is_closed()
    with Wire(cluster.ports["n1"]) as wire:
        assert wire.say("PING") == b"+PONG\r\n"


def test_what_is_too_much_for_one_step_is_refused_and_the_node_lives_on(tmp_path: Path) -> None:
    keys = [f"{{a}}{number}" for number in range(60)]
    with (
        launch_in_background(WORLDS, tmp_path, 1, shards=["n1"]) as running,
        redis.Redis(host=HOST, port=running.ports["n1"]) as store,
    ):
        together = store.pipeline()
        for key in keys:
            together.set(key, b"\xff" * MAX_BULK)
        with pytest.raises(redis.ResponseError, match="carried out together handle at most"):
            together.execute()
        assert store.exists(*keys) == 0, "nothing of it is carried out"
        for key in keys:
            assert store.set(key, b"\xff" * MAX_BULK)
        for reads in ("MGET", "WATCH"):
            with pytest.raises(redis.ResponseError, match="handle at most"):
                store.execute_command(reads, *keys)
        assert store.exists(*keys) == len(keys)
        assert store.delete(*keys) == len(keys)


def test_binary_keys_and_the_longest_values_go_through_a_move(cluster: Background) -> None:
    everybody_holds_slots(cluster)
    with client(cluster) as store:
        held = {bytes([number, 0, 13, 10, 255]): bytes([number]) * 1000 for number in range(64)}
        held[b"long"] = b"x" * MAX_BULK
        for key, value in held.items():
            assert store.set(key, value)
        change(cluster, RemoveNode("n2"), {"n1", "n3", "n4"})
        assert {key: store.get(key) for key in held} == held
        change(cluster, AddNode("n2"), {"n1", "n2", "n3", "n4"})
        assert {key: store.get(key) for key in held} == held
        assert store.delete(*held) == len(held)


@pytest.mark.proof
def test_a_client_that_does_not_read_costs_the_node_bounded_memory(cluster: Background) -> None:
    with client(cluster) as store:
        store.set("big", b"x" * MAX_BULK)
        node = store.get_node_from_key("big")
    port = node.port
    name = next(each for each, number in cluster.ports.items() if number == port)
    before = memory(cluster, name)
    deaf = socket.create_connection((HOST, port))
    deaf.settimeout(2.0)
    sent = 0
    try:
        for _ in range(200):
            deaf.sendall(command("GET", "big") * 1000)
            sent += 1000
    except TimeoutError:
        pass  # the node does not read on: that is back-pressure
    assert sent < 200_000, "200 GB of answers were asked for, and none was read"
    with Wire(port) as other:
        assert other.say("STRLEN", "big") == b":%d\r\n" % MAX_BULK, "others are served meanwhile"
    assert memory(cluster, name) - before < 64 * 1024 * 1024
    deaf.close()


@pytest.mark.parametrize("words", [("PING",), ("GET", "pipe"), ("SET", "pipe", "x" * 100)])
def test_more_commands_than_may_wait_are_answered_when_they_come_at_once(
    cluster: Background, words: tuple[str, ...]
) -> None:
    wires = [Wire(port) for port in cluster.ports.values()]
    with contextlib.ExitStack() as stack:
        for wire in wires:
            stack.enter_context(wire)
            sending = threading.Thread(target=wire.send, args=(command(*words) * 5000,))
            sending.start()
            replies = [wire.reply() for _ in range(5000)]
            sending.join()
            assert all(replies), "a reply for each"
            assert len({reply[:1] for reply in replies}) == 1


def memory(cluster: Background, node: str) -> int:
    """The resident memory of a node's process, in bytes."""
    pid = cluster.running.members[node].pid
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
