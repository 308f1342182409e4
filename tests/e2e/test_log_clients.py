"""Unmodified Kafka clients use three brokers of the lab log, and brokers die meanwhile."""

import gc
import logging
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("crc32c", reason="crc32c is not installed: pip install -e '.[kafka]'")
pytest.importorskip("kafka", reason="kafka-python is not installed: pip install -e '.[kafka]'")

from confluent_kafka.admin import AdminClient

from common.runtime.launch import Background, launch_in_background
from stage8_real_systems.log.worlds import WORLDS
from tests.support.kafka_clients import (
    CLIENTS,
    Client,
    Confluent,
    Reader,
    make_topic,
    read_all,
)
from tests.support.kafka_history import SECONDS, History, Place, until
from tests.support.kafka_script import Wire

pytestmark = [
    pytest.mark.needs("kafka"),
    # kafka-python leaves sockets open whose connections are refused.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

PARTITIONS = 3
EVERY_CLIENT = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)


@pytest.fixture(autouse=True)
def _what_clients_leave_open() -> Iterator[None]:
    """Let it go here, where its warnings are expected, and not in a later test of others.

    What kafka-python logs of a refused connection holds on to its socket, and pytest keeps logs.
    """
    logger = logging.getLogger("kafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(before)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def brokers(directory: Path) -> AbstractContextManager[Background]:
    """Three brokers, set up as ``lab run`` does it, with Kafka's protocol in front."""
    return launch_in_background(WORLDS, directory, **WORLDS.live.config)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Background]:
    """Three brokers for all tests that leave them as they were."""
    with brokers(tmp_path_factory.mktemp("log")) as launched:
        yield launched


def servers(cluster: Background) -> str:
    """Where clients begin."""
    return ",".join(cluster.endpoints)


def about(cluster: Background, topic: str) -> Any:
    """What the brokers say of a topic and of themselves."""
    admin = AdminClient({"bootstrap.servers": servers(cluster), "log_level": 0})
    return admin.list_topics(topic, timeout=SECONDS)


def leader_of(cluster: Background, topic: str, partition: int = 0) -> str:
    """The broker that leads a partition."""

    def leader() -> int | None:
        found = about(cluster, topic).topics[topic].partitions
        return max(0, found[partition].leader) if partition in found else None

    return f"n{until(leader, f'a leader of {topic}')}"


def write(client: Client, cluster: Background, topic: str, count: int, **how: object) -> History:
    """Write records in turn to all partitions; all of them are acknowledged."""
    history = History()
    writer = client.writer(servers(cluster), topic, history, **how)
    for number in range(count):
        writer.send(number % PARTITIONS, f"{client.name} {number}".encode())
    writer.flush()
    writer.close()
    assert not history.failed
    assert len(history.acked) == count
    return history


def assert_all_is_well(history: History, *, idempotent: bool = True) -> None:
    """Nothing acknowledged is lost; of an idempotent producer nothing is twice or out of order."""
    assert not history.lost()
    assert not history.disagreements()
    if idempotent:
        assert not history.twice()
        assert not history.out_of_order()


def test_what_each_client_writes_all_clients_read(cluster: Background) -> None:
    make_topic(servers(cluster), "all", PARTITIONS)
    histories = [write(client, cluster, "all", 150) for client in CLIENTS]
    for reader in CLIENTS:
        seen = History()
        read_all(reader, servers(cluster), "all", seen, 150 * len(CLIENTS))
        for history in histories:
            history.read = seen.read
            assert_all_is_well(history)
        assert len(seen.read) == 150 * len(CLIENTS)


# Groups.


def test_a_group_of_librdkafka_shares_goes_on_and_resumes(cluster: Background) -> None:
    group_shares_and_resumes(Confluent(), cluster)


@pytest.mark.proof
@EVERY_CLIENT
def test_a_group_shares_goes_on_and_resumes(client: Client, cluster: Background) -> None:
    group_shares_and_resumes(client, cluster)


def group_shares_and_resumes(client: Client, cluster: Background) -> None:
    """Two consumers share the partitions; one goes on alone; a third begins where it committed."""
    topic, group = f"shared-{client.name}", f"group-{client.name}"
    make_topic(servers(cluster), topic, PARTITIONS)
    history = write(client, cluster, topic, 90)
    first = client.reader(servers(cluster), topic, group)
    seen = read_until(history.acked, first)
    assert first.assigned() == {0, 1, 2}
    first.commit()
    second = client.reader(servers(cluster), topic, group)
    share_partitions(first, second)
    second.close()
    until(lambda: not first.poll() and first.assigned() == {0, 1, 2}, "one has all again")
    first.close()
    more = write(client, cluster, topic, 30)
    third = client.reader(servers(cluster), topic, group)
    resumed = read_until(more.acked, third)
    third.close()
    assert not {place for place, _ in seen} & {place for place, _ in resumed}


def read_until(acked: dict[bytes, Place], reader: Reader) -> list[tuple[Place, bytes]]:
    """Read until all that was acknowledged was read; returns all that was read."""
    seen: list[tuple[Place, bytes]] = []

    def has_all() -> bool:
        seen.extend(reader.poll())
        return {value for _, value in seen} >= set(acked)

    until(has_all, "all that was acknowledged is read")
    return seen


def share_partitions(first: Reader, second: Reader) -> None:
    """Poll both until each has some partitions, and together they have all."""

    def shared() -> bool:
        first.poll()
        second.poll()
        one, other = first.assigned(), second.assigned()
        return bool(one and other) and not one & other and one | other == {0, 1, 2}

    until(shared, "two consumers share the partitions")


def test_a_member_that_never_says_that_it_lives_is_put_out(cluster: Background) -> None:
    make_topic(servers(cluster), "silent", PARTITIONS)
    with Wire(cluster.endpoints[0]) as wire:

        def coordinator() -> str | None:
            found = wire.ask("FindCoordinator", key="silent")
            return None if found["error_code"] else f"{found['host']}:{found['port']}"

        where = until(coordinator, "a coordinator")
    wanted: dict[str, Any] = {
        "group_id": "silent",
        "session_timeout_ms": 1_500,
        "rebalance_timeout_ms": 60_000,
    }
    wanted |= {"protocol_type": "consumer", "protocols": [{"name": "range", "metadata": b""}]}
    with Wire(where) as wire:
        wanted["member_id"] = wire.ask("JoinGroup", **wanted)["member_id"]
        joined = wire.ask("JoinGroup", **wanted)
        assert joined["leader"] == wanted["member_id"], "it is alone, and leads"
        reader = Confluent().reader(servers(cluster), "silent", "silent")
        until(lambda: not reader.poll() and reader.assigned() == {0, 1, 2}, "it is put out")
        reader.close()


# Brokers die.


def write_while_one_dies(
    client: Client, cluster: Background, topic: str, victim: str, **how: object
) -> History:
    """Write; a broker is killed, and comes back; write on. All of it is read at the end."""
    history = History()
    writer = client.writer(servers(cluster), topic, history, **how)
    for number in range(600):
        writer.send(number % PARTITIONS, f"{number}".encode())
        if number == 200:
            cluster.kill(victim)
        if number == 400:
            writer.flush()
            cluster.restart(victim)
    writer.flush()
    writer.close()
    assert len(history.acked) + len(history.failed) == 600
    assert len(history.acked) >= 500, f"most are acknowledged: {list(history.failed.items())[:3]}"
    read_all(client, servers(cluster), topic, history, len(history.acked))
    return history


def test_nothing_acknowledged_is_lost_and_nothing_is_twice_when_a_leader_is_killed(
    cluster: Background,
) -> None:
    make_topic(servers(cluster), "killed", PARTITIONS)
    victim = leader_of(cluster, "killed")
    history = write_while_one_dies(Confluent(), cluster, "killed", victim)
    assert_all_is_well(history)


@pytest.mark.proof
@EVERY_CLIENT
@pytest.mark.parametrize("role", ["leader", "coordinator", "controller"])
def test_each_client_loses_nothing_whoever_is_killed(
    client: Client, role: str, tmp_path: Path
) -> None:
    with brokers(tmp_path) as cluster:
        topic = f"{role}-{client.name}"
        make_topic(servers(cluster), topic, PARTITIONS)
        group = client.reader(servers(cluster), topic, "watching")
        group.poll()  # kafka-python looks for its coordinator when it polls, and no sooner
        victim = {
            "leader": lambda: leader_of(cluster, topic),
            "coordinator": lambda: leader_of(cluster, "__consumer_offsets"),
            "controller": lambda: f"n{about(cluster, topic).controller_id}",
        }[role]()
        history = write_while_one_dies(client, cluster, topic, victim)
        assert_all_is_well(history)
        read_until(history.acked, group)
        group.commit()
        group.close()


@pytest.mark.proof
@EVERY_CLIENT
def test_a_producer_that_is_not_idempotent_loses_nothing_either(
    client: Client, tmp_path: Path
) -> None:
    with brokers(tmp_path) as cluster:
        make_topic(servers(cluster), "plain", PARTITIONS)
        victim = leader_of(cluster, "plain")
        history = write_while_one_dies(client, cluster, "plain", victim, idempotent=False)
        assert_all_is_well(history, idempotent=False)
