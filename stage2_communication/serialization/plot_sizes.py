"""Sizes and speeds of JSON, MessagePack, Protobuf and Avro: ours, and the real libraries'.

python -m stage2_communication.serialization.plot_sizes FILE.svg
"""

import io
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from common.charts.drawing import Axis, rows_of_dots
from stage2_communication.serialization import avro, careful_json, protobuf
from stage2_communication.serialization.avro_schema import Schema
from stage2_communication.serialization.protobuf import Field, MessageType

ORDERS = 100
ROUNDS = 30
MICROSECONDS = 1_000_000

ORDER = MessageType(
    "Order",
    (
        Field(1, "id", "sint64"),
        Field(2, "item", "string"),
        Field(3, "count", "sint32"),
        Field(4, "price", "double"),
        Field(5, "tags", "string", repeated=True),
        Field(6, "sizes", "sint32", repeated=True),
    ),
)
BATCH = MessageType("Batch", (Field(1, "orders", "message", repeated=True, of=ORDER),))
AVRO_BATCH = {
    "type": "array",
    "items": {
        "type": "record",
        "name": "Order",
        "fields": [
            {"name": "id", "type": "long"},
            {"name": "item", "type": "string"},
            {"name": "count", "type": "int"},
            {"name": "price", "type": "double"},
            {"name": "tags", "type": {"type": "array", "items": "string"}},
            {"name": "sizes", "type": {"type": "array", "items": "int"}},
        ],
    },
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One way to write: how many bytes, and how many microseconds to write and to read them."""

    size: int
    write_us: float
    read_us: float


@dataclass(frozen=True, slots=True)
class Way:
    """A format by one library."""

    write: Callable[[list[dict[str, Any]]], bytes]
    read: Callable[[bytes], Any]


def orders(seed: int) -> list[dict[str, Any]]:
    """One hundred orders, drawn from the seed."""
    random = Random(f"orders/{seed}")
    return [
        {
            "id": random.randrange(2**40),
            "item": random.choice(("tea", "coffee", "a very long chocolate")),
            "count": random.randrange(1, 9),
            "price": random.randrange(10_000) / 100,
            "tags": random.sample(("new", "gift", "fragile"), random.randrange(3)),
            "sizes": [random.randrange(-50, 500) for _ in range(random.randrange(6))],
        }
        for _ in range(ORDERS)
    ]


def our_ways() -> dict[str, Way]:
    """What needs nothing that is not installed."""
    schema = Schema(AVRO_BATCH)
    return {
        "JSON": Way(lambda batch: json.dumps(batch).encode(), json.loads),
        "JSON, careful": Way(careful_json.write, careful_json.read),
        "MessagePack": Way(msgspec.msgpack.encode, msgspec.msgpack.decode),
        "Protobuf, ours": Way(
            lambda batch: protobuf.encode(BATCH, {"orders": batch}),
            lambda data: protobuf.decode(BATCH, data),
        ),
        "Avro, ours": Way(
            lambda batch: avro.encode(schema, batch), lambda data: avro.decode(schema, data)
        ),
    }


def their_ways() -> dict[str, Way]:
    """The real libraries, as far as they are installed."""
    ways = {}
    if find_spec("google") is not None and find_spec("google.protobuf") is not None:
        ways["Protobuf, Google's"] = googles_way()
    if find_spec("fastavro") is not None:
        ways["Avro, fastavro"] = fastavros_way()
    return ways


def googles_way() -> Way:
    """Google's library: from dictionaries to its messages, and back to them as attributes."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="orders.proto", syntax="proto3")
    types = {"sint64": 18, "string": 9, "sint32": 17, "double": 1, "message": 11}
    for kind in (ORDER, BATCH):
        made = file.message_type.add(name=kind.name)
        for field in kind.fields:
            label = 3 if field.repeated else 1
            added = made.field.add(name=field.name, number=field.number, label=label)
            added.type = types[field.kind]
            if field.of is not None:
                added.type_name = f".{field.of.name}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    batch_class: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName("Batch"))
    names = [field.name for field in ORDER.fields]

    def write(batch: list[dict[str, Any]]) -> bytes:
        return bytes(batch_class(orders=batch).SerializeToString())

    def read(data: bytes) -> list[list[Any]]:
        return [[getattr(o, name) for name in names] for o in batch_class.FromString(data).orders]

    return Way(write, read)


def fastavros_way() -> Way:
    """fastavro, the schema parsed beforehand."""
    import fastavro

    schema = fastavro.parse_schema(AVRO_BATCH)

    def write(batch: list[dict[str, Any]]) -> bytes:
        file = io.BytesIO()
        fastavro.schemaless_writer(file, schema, batch)
        return file.getvalue()

    def read(data: bytes) -> Any:
        return fastavro.schemaless_reader(io.BytesIO(data), schema, None)

    return Way(write, read)


def writers() -> Mapping[str, Callable[[int], bytes]]:
    """By format, what writes the orders of a seed; one library for each format."""

    def writer(way: Way) -> Callable[[int], bytes]:
        return lambda seed: way.write(orders(seed))

    return {
        name.removesuffix(", ours"): writer(way)
        for name, way in our_ways().items()
        if name != "JSON, careful"
    }


def measured(seed: int) -> dict[str, Measured]:
    """Each way with the same orders, in turns; the least time of each counts."""
    batch = orders(seed)
    ways = {**our_ways(), **their_ways()}
    data = {name: way.write(batch) for name, way in ways.items()}
    writing = dict.fromkeys(ways, float("inf"))
    reading = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, way in ways.items():
            writing[name] = min(writing[name], _seconds(way.write, batch))
            reading[name] = min(reading[name], _seconds(way.read, data[name]))
    return {
        name: Measured(len(data[name]), writing[name] * MICROSECONDS, reading[name] * MICROSECONDS)
        for name in ways
    }


def _seconds(run: Callable[[Any], object], given: Any) -> float:
    begun = time.perf_counter()
    run(given)
    return time.perf_counter() - begun


def speeds_table(found: Mapping[str, Measured]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Headers and rows."""
    rows: list[tuple[object, ...]] = [
        (name, each.size, round(each.write_us), round(each.read_us)) for name, each in found.items()
    ]
    return ("", "bytes", "microseconds to write", "to read"), rows


def speed_chart(found: Mapping[str, Measured]) -> str:
    """Bytes, writing and reading on a logarithmic scale, as SVG."""
    columns: dict[str, list[float]] = {
        "bytes": [each.size for each in found.values()],
        "µs to write": [each.write_us for each in found.values()],
        "µs to read": [each.read_us for each in found.values()],
    }
    return rows_of_dots(
        f"{ORDERS} orders: their size, and the time to write and to read them",
        Axis("bytes, or microseconds (each line is ten times the one before)", log=True),
        list(found),
        columns,
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(speed_chart(measured(7)), encoding="utf-8")
