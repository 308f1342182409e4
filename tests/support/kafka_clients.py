"""Three unmodified Kafka clients behind one interface, so that one test can use each of them.

Each of them writes and reads in its own way: kafka-python and confluent-kafka (librdkafka) have
threads, aiokafka a loop. Nothing of a client is replaced; what it answers is written down.
"""

import asyncio
import threading
import warnings
from collections.abc import Sequence
from typing import Any, Protocol

import confluent_kafka
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

with warnings.catch_warnings():  # kafka-python reads its tables in a way that is deprecated
    warnings.simplefilter("ignore")
    import aiokafka
    import kafka

from tests.support.kafka_history import SECONDS, History, Place, until


class Writer(Protocol):
    """A producer."""

    def send(self, partition: int, value: bytes) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class Reader(Protocol):
    """A consumer."""

    def poll(self) -> list[tuple[Place, bytes]]: ...
    def assigned(self) -> set[int]: ...
    def commit(self) -> None: ...
    def close(self) -> None: ...


class Client(Protocol):
    """A kind of client."""

    name: str

    def writer(self, servers: str, topic: str, history: History, **how: Any) -> Writer: ...
    def reader(self, servers: str, topic: str, group: str = "") -> Reader: ...


def make_topic(servers: str, topic: str, partitions: int, replication: int = -1) -> None:
    """Make a topic by librdkafka's admin client, again and again until the cluster has begun."""
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})

    wanted = NewTopic(topic, partitions, replication)
    why: list[str] = []

    def made() -> bool:
        (answer,) = admin.create_topics([wanted], request_timeout=5).values()
        try:
            answer.result(SECONDS)
        except confluent_kafka.KafkaException as error:
            why[:] = [str(error)]
            return bool(error.args[0].code() == confluent_kafka.KafkaError.TOPIC_ALREADY_EXISTS)
        return True

    until(made, lambda: f"a topic {topic} ({' '.join(why)})")


def read_all(client: Client, servers: str, topic: str, history: History, count: int) -> None:
    """Read a topic from its beginning, until so many records were read and no more come."""
    reader = client.reader(servers, topic)
    try:
        seen: list[tuple[Place, bytes]] = []

        def enough() -> bool:
            more = reader.poll()
            seen.extend(more)
            return len(set(seen)) >= count and not more

        until(enough, f"{count} records in {topic}")
        history.read += seen
    finally:
        reader.close()


# librdkafka.


class Confluent:
    """confluent-kafka."""

    name = "confluent-kafka"

    def writer(self, servers: str, topic: str, history: History, **how: Any) -> "_ConfluentWriter":
        """A producer; ``how`` may say ``idempotent``."""
        return _ConfluentWriter(servers, topic, history, **how)

    def reader(self, servers: str, topic: str, group: str = "") -> "_ConfluentReader":
        """A consumer of a group, or of all partitions from their beginning."""
        return _ConfluentReader(servers, topic, group)


class _ConfluentWriter:
    def __init__(
        self, servers: str, topic: str, history: History, *, idempotent: bool = True
    ) -> None:
        self._topic, self._history = topic, history
        self._producer = confluent_kafka.Producer(
            {
                "bootstrap.servers": servers,
                "enable.idempotence": idempotent,
                "acks": "all",
                "linger.ms": 2,
                "message.timeout.ms": int(SECONDS * 1_000),
                "retry.backoff.ms": 50,
                "log_level": 0,
            }
        )

    def send(self, partition: int, value: bytes) -> None:
        self._history.sent[partition].append(value)
        self._producer.produce(self._topic, value, partition=partition, on_delivery=self._told)
        self._producer.poll(0)

    def _told(self, error: Any, message: Any) -> None:
        if error is None:
            self._history.acked[message.value()] = (message.partition(), message.offset())
        else:
            self._history.failed[message.value()] = str(error)

    def flush(self) -> None:
        assert not self._producer.flush(SECONDS), "all was acknowledged, or was not"

    def close(self) -> None:
        self._producer.flush(SECONDS)


class _ConfluentReader:
    def __init__(self, servers: str, topic: str, group: str) -> None:
        self._consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": servers,
                "group.id": group or "nobody",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "session.timeout.ms": 6_000,
                "heartbeat.interval.ms": 300,
                "log_level": 0,
            }
        )
        if group:
            self._consumer.subscribe([topic])
        else:
            cluster = self._consumer.list_topics(topic, timeout=SECONDS)
            partitions = sorted(cluster.topics[topic].partitions)
            self._consumer.assign(
                [confluent_kafka.TopicPartition(topic, each, 0) for each in partitions]
            )

    def poll(self) -> list[tuple[Place, bytes]]:
        found: Any = self._consumer.consume(500, 0.3)
        return [
            ((message.partition(), message.offset()), message.value())
            for message in found
            if message.error() is None
        ]

    def assigned(self) -> set[int]:
        return {each.partition for each in self._consumer.assignment()}

    def commit(self) -> None:
        self._consumer.commit(asynchronous=False)

    def close(self) -> None:
        self._consumer.close()


# kafka-python.


class KafkaPython:
    """kafka-python."""

    name = "kafka-python"

    def writer(self, servers: str, topic: str, history: History, **how: Any) -> "_PythonWriter":
        """A producer; ``how`` may say ``idempotent``."""
        return _PythonWriter(servers, topic, history, **how)

    def reader(self, servers: str, topic: str, group: str = "") -> "_PythonReader":
        """A consumer of a group, or of all partitions from their beginning."""
        return _PythonReader(servers, topic, group)


class _PythonWriter:
    def __init__(
        self, servers: str, topic: str, history: History, *, idempotent: bool = True
    ) -> None:
        self._topic, self._history = topic, history
        self._producer = kafka.KafkaProducer(
            bootstrap_servers=servers.split(","),
            enable_idempotence=idempotent,
            acks="all",
            linger_ms=2,
            retry_backoff_ms=50,
            request_timeout_ms=5_000,
            delivery_timeout_ms=int(SECONDS * 1_000),
        )

    def send(self, partition: int, value: bytes) -> None:
        self._history.sent[partition].append(value)
        future = self._producer.send(self._topic, value, partition=partition)
        future.add_callback(self._acked, value)
        future.add_errback(self._failed, value)

    def _acked(self, value: bytes, told: Any) -> None:
        self._history.acked[value] = (told.partition, told.offset)

    def _failed(self, value: bytes, error: Exception) -> None:
        self._history.failed[value] = str(error)

    def flush(self) -> None:
        self._producer.flush(timeout=SECONDS)

    def close(self) -> None:
        self._producer.close(timeout=5)


class _PythonReader:
    def __init__(self, servers: str, topic: str, group: str) -> None:
        self._consumer = kafka.KafkaConsumer(
            bootstrap_servers=servers.split(","),
            group_id=group or None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=6_000,
            heartbeat_interval_ms=300,
            retry_backoff_ms=50,
        )
        if group:
            self._consumer.subscribe([topic])
        else:
            found = until(lambda: self._consumer.partitions_for_topic(topic), f"topic {topic}")
            self._consumer.assign([kafka.TopicPartition(topic, each) for each in sorted(found)])

    def poll(self) -> list[tuple[Place, bytes]]:
        polled = self._consumer.poll(timeout_ms=300, max_records=500)
        return [
            ((record.partition, record.offset), record.value)
            for records in polled.values()
            for record in records
        ]

    def assigned(self) -> set[int]:
        return {each.partition for each in self._consumer.assignment()}

    def commit(self) -> None:
        self._consumer.commit()

    def close(self) -> None:
        self._consumer.close(autocommit=False)


# aiokafka.


class AioKafka:
    """aiokafka, whose loop has a thread of its own."""

    name = "aiokafka"

    def writer(self, servers: str, topic: str, history: History, **how: Any) -> "_AioWriter":
        """A producer; ``how`` may say ``idempotent``."""
        return _AioWriter(servers, topic, history, **how)

    def reader(self, servers: str, topic: str, group: str = "") -> "_AioReader":
        """A consumer of a group, or of all partitions from their beginning."""
        return _AioReader(servers, topic, group)


class _Loop:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(SECONDS)

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class _AioWriter:
    def __init__(
        self, servers: str, topic: str, history: History, *, idempotent: bool = True
    ) -> None:
        self._topic, self._history = topic, history
        self._loop = _Loop()
        self._waiting: list[Any] = []
        self._producer: Any = None
        how = {
            "bootstrap_servers": servers.split(","),
            "enable_idempotence": idempotent,
            "acks": "all",
            "linger_ms": 2,
            "retry_backoff_ms": 50,
            "request_timeout_ms": 5_000,
        }
        self._loop.run(self._start(how))

    async def _start(self, how: dict[str, Any]) -> None:
        self._producer = aiokafka.AIOKafkaProducer(**how)
        await self._producer.start()

    def send(self, partition: int, value: bytes) -> None:
        self._history.sent[partition].append(value)
        self._waiting.append((value, self._loop.run(self._send(partition, value))))

    async def _send(self, partition: int, value: bytes) -> Any:
        return await self._producer.send(self._topic, value, partition=partition)

    def flush(self) -> None:
        self._loop.run(self._gather())

    async def _gather(self) -> None:
        waiting, self._waiting = self._waiting, []
        for value, future in waiting:
            try:
                told = await future
                self._history.acked[value] = (told.partition, told.offset)
            except Exception as error:  # whatever a client may say
                self._history.failed[value] = str(error)

    def close(self) -> None:
        self._loop.run(self._producer.stop())
        self._loop.end()


class _AioReader:
    def __init__(self, servers: str, topic: str, group: str) -> None:
        self._loop = _Loop()
        self._consumer: Any = None
        self._loop.run(self._start(servers, topic, group))

    async def _start(self, servers: str, topic: str, group: str) -> None:
        self._consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=servers.split(","),
            group_id=group or None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=6_000,
            heartbeat_interval_ms=300,
            retry_backoff_ms=50,
        )
        await self._consumer.start()
        if group:
            self._consumer.subscribe([topic])
            return
        self._consumer.subscribe([topic])  # learns the topic, which assign() does not wait for
        partitions: Sequence[int] = ()
        while not (partitions := sorted(self._consumer.partitions_for_topic(topic) or ())):
            await asyncio.sleep(0.05)
        self._consumer.unsubscribe()
        self._consumer.assign([aiokafka.TopicPartition(topic, each) for each in partitions])

    def poll(self) -> list[tuple[Place, bytes]]:
        polled = self._loop.run(self._consumer.getmany(timeout_ms=300, max_records=500))
        return [
            ((record.partition, record.offset), record.value)
            for records in polled.values()
            for record in records
        ]

    def assigned(self) -> set[int]:
        return {each.partition for each in self._consumer.assignment()}

    def commit(self) -> None:
        self._loop.run(self._consumer.commit())

    def close(self) -> None:
        self._loop.run(self._consumer.stop())
        self._loop.end()


CLIENTS: tuple[Client, ...] = (KafkaPython(), AioKafka(), Confluent())
