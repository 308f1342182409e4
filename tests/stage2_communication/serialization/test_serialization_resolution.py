"""Graded suite of the lab ``serialization``, fifth part: the writer's schema and the reader's."""

from typing import Any

import pytest

from common.course.suites.grading import graded
from common.values.errors import RemoteProtocolError
from tests.stage2_communication.serialization import vectors
from tests.stage2_communication.serialization.lab import SerializationLab

LAB = "serialization"


def record(*fields: dict[str, Any], name: str = "A", **more: Any) -> dict[str, Any]:
    """The schema of a record."""
    return {"type": "record", "name": name, "fields": [*fields], **more}


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    """A field of one."""
    return {"name": name, "type": kind, **more}


def resolved(lab: SerializationLab, writer: Any, reader: Any, value: Any) -> Any:
    """What the reader reads of what the writer has written."""
    written = lab.Schema(writer)
    return lab.resolve(written, lab.Schema(reader), lab.avro.encode(written, value))


def cases(lab: SerializationLab, *words: str) -> int:
    """Try the vectors whose names have one of these words; returns how many there were."""
    tried = 0
    for name, writer, reader, value, expected in vectors.RESOLVED:
        if not any(word in name for word in words):
            continue
        tried += 1
        if expected == vectors.REFUSED:
            with pytest.raises(lab.Mismatch) as caught:
                resolved(lab, writer, reader, value)
            assert "\n" not in str(caught.value)
        else:
            found = resolved(lab, writer, reader, value)
            assert repr(found) == repr(expected), name
    return tried


@graded(points=2, title="Promotion", requirement="Avro 1.12, Schema Resolution: promotions")
def test_numbers_are_promoted_and_never_demoted(lab: SerializationLab) -> None:
    assert cases(lab, " as ", "promoted") >= 13
    items = {"type": "array", "items": "int"}
    for old, new, value in (("int", items, 1), (items, "int", [1])):
        with pytest.raises(lab.Mismatch):
            resolved(lab, old, new, value)


@graded(points=3, title="Records", requirement="Avro 1.12, Schema Resolution: records")
def test_fields_are_matched_by_name_dropped_and_given_their_defaults(lab: SerializationLab) -> None:
    assert cases(lab, "field", "default") >= 7
    old = record(field("a", "int"), field("gone", record(field("x", "string"), name="B")))
    new = record(field("a", "long"), field("b", {"type": "map", "values": "int"}, default={"k": 1}))
    assert resolved(lab, old, new, {"a": 1, "gone": {"x": "y"}}) == {"a": 1, "b": {"k": 1}}


@graded(points=2, title="Names", requirement="Avro 1.12: names and aliases")
def test_types_are_matched_by_their_names_or_by_an_alias(lab: SerializationLab) -> None:
    assert cases(lab, "renamed", "name", "fixed") >= 6
    old = record(field("x", "int"), namespace="one")
    new = record(field("x", "int"), name="B", namespace="two", aliases=["one.A"])
    assert resolved(lab, old, new, {"x": 1}) == {"x": 1}
    twice = record(field("x", "int"), field("y", "int", aliases=["x"], default=0))
    assert resolved(lab, old, twice, {"x": 1}) == {"x": 1, "y": 0}, "its own name comes first"
    with pytest.raises(lab.Mismatch):
        resolved(lab, old, {"type": "enum", "name": "A", "symbols": ["x"]}, {"x": 1})
    inner = record(field("i", record(field("n", "int"), name="Old")))
    other = record(field("i", record(field("n", "int"), name="New", aliases=["Old"])))
    assert resolved(lab, inner, other, {"i": {"n": 3}}) == {"i": {"n": 3}}
    stranger = record(field("x", "int"), namespace="three")
    with pytest.raises(lab.Mismatch):
        resolved(lab, stranger, new, {"x": 1})


@graded(points=2, title="Unions", requirement="Avro 1.12, Schema Resolution: unions")
def test_of_the_writers_union_what_was_written_counts_of_the_readers_what_matches(
    lab: SerializationLab,
) -> None:
    assert cases(lab, "branch", "union") >= 6
    branches = [{"type": "array", "items": "string"}, {"type": "array", "items": "long"}]
    assert resolved(lab, {"type": "array", "items": "int"}, branches, [1]) == [1]
    maps = [{"type": "map", "values": "string"}, {"type": "map", "values": "int"}]
    assert resolved(lab, {"type": "map", "values": "int"}, maps, {"a": 1}) == {"a": 1}
    named = [record(field("x", "int"), name="B"), record(field("x", "int"))]
    assert resolved(lab, record(field("x", "int")), named, {"x": 1}) == {"x": 1}
    some = {"type": "array", "items": ["null", "int"]}
    assert resolved(lab, some, {"type": "array", "items": "int"}, [1]) == [1], (
        "within an array, too"
    )
    assert resolved(lab, {"type": "array", "items": "int"}, some, [1]) == [1], "and the other way"
    first = resolved(lab, "int", ["string", "double", "int"], 5)
    assert repr(first) == "5.0", "the first that matches, also by promotion"
    optional = record(field("x", ["null", "int"]))
    assert resolved(lab, optional, record(field("x", "int")), {"x": 2}) == {"x": 2}
    with pytest.raises(lab.Mismatch):
        resolved(lab, optional, record(field("x", "int")), {"x": None})
    arrays = [{"type": "array", "items": record(field("y", "int"), name="B")},
              {"type": "array", "items": record(field("x", "int"))}]  # fmt: skip
    written = {"type": "array", "items": record(field("x", "int"))}
    assert resolved(lab, written, arrays, [{"x": 1}]) == [{"x": 1}], "names count within, too"


@graded(points=1, title="Enums", requirement="Avro 1.12, Schema Resolution: enums")
def test_a_symbol_that_the_reader_lacks_becomes_its_default(lab: SerializationLab) -> None:
    assert cases(lab, "symbol") == 3
    old = {"type": "enum", "name": "E", "symbols": ["A", "B", "C"]}
    new = {"type": "enum", "name": "E", "symbols": ["C", "B"], "default": "B"}
    for symbol, expected in (("A", "B"), ("B", "B"), ("C", "C")):
        assert resolved(lab, old, new, symbol) == expected, "a symbol that it has is itself"


@graded(points=2, title="Defaults", requirement="Avro 1.12: defaults by type")
def test_a_default_is_read_by_its_type(lab: SerializationLab) -> None:
    fixed = {"type": "fixed", "name": "F", "size": 2}
    enum = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
    pair = record(field("a", "bytes", default="x"), field("b", ["int", "null"]), name="P")
    two = (field("n", ["null", "int"], default=None), field("e", "string", default=""))
    nullable = record(*two, name="N")
    zeros = record(field("n", "int", default=5), field("s", "string", default="?"), name="Z")
    known: tuple[tuple[Any, Any, Any], ...] = (
        ("bytes", "\u00ff\u0000", b"\xff\0"),
        (fixed, "hi", b"hi"),
        ("double", 1, 1.0),
        ("float", 2, 2.0),
        ("long", 3, 3),
        ("string", "é", "é"),
        ("boolean", False, False),
        ("null", None, None),
        (enum, "B", "B"),
        (["bytes", "string"], "a", b"a"),
        (["string", "bytes"], "a", "a"),
        ({"type": "array", "items": "bytes"}, ["a"], [b"a"]),
        ({"type": "map", "values": "double"}, {"k": 1}, {"k": 1.0}),
        (pair, {"b": 5}, {"a": b"x", "b": 5}),
        (pair, {"a": "y", "b": 5}, {"a": b"y", "b": 5}),
        (nullable, {}, {"n": None, "e": ""}),
        (zeros, {"n": 0, "s": ""}, {"n": 0, "s": ""}),
    )
    for plain, default, expected in known:
        schema = lab.Schema(plain)
        found = lab.default_value(schema, schema.plain, default)
        assert repr(found) == repr(expected), plain
        whole = resolved(lab, record(), record(field("x", plain, default=default)), {})
        assert repr(whole) == repr({"x": expected})
    for plain, default in (({"type": "array", "items": "int"}, [1]),
                           ({"type": "map", "values": "string"}, {"k": "v"})):  # fmt: skip
        schema = lab.Schema(record(field("x", plain, default=default)))
        empty = lab.Schema(record())
        lab.resolve(empty, schema, b"")["x"].clear()
        again = lab.resolve(empty, schema, b"")
        assert again["x"], "each value has a default of its own"


@graded(points=1, title="Bad input", requirement="one sentence each")
def test_bytes_that_are_of_no_value_are_refused_in_a_sentence(lab: SerializationLab) -> None:
    ints = {"type": "array", "items": "int"}
    wanted = {"type": "array", "items": "long"}
    assert lab.resolve(
        lab.Schema(ints), lab.Schema(wanted), bytes.fromhex("02 02 01 02 04 00")
    ) == [
        1,
        2,
    ]
    for data in ("02", "02 02 00 00", "ff" * 10 + "01", "01 01 02 00"):
        with pytest.raises(RemoteProtocolError) as caught:
            lab.resolve(lab.Schema(ints), lab.Schema(wanted), bytes.fromhex(data))
        assert "\n" not in str(caught.value)
    with pytest.raises(RemoteProtocolError, match="UTF-8"):
        resolved(lab, "bytes", "string", b"\xff")
    node = {"type": "record", "name": "N", "fields": [field("next", ["null", "N"])]}
    schema = lab.Schema(node)
    assert lab.resolve(schema, schema, b"\x02\x00") == {"next": {"next": None}}
    with pytest.raises(RemoteProtocolError, match="nested"):
        lab.resolve(schema, schema, b"\x02" * 1000 + b"\x00")
    both, plain = lab.Resolution(schema, schema), schema.plain
    two = {"next": {"next": None}}
    assert both.read(plain, plain, lab.Source(b"\x02\x00"), 96) == two, "null is the hundredth"
    with pytest.raises(RemoteProtocolError, match="nested"):
        both.read(plain, plain, lab.Source(b"\x02\x00"), 97)
    old = lab.Schema(record(field("gone", node)))
    drops = lab.Resolution(old, lab.Schema(record()))
    assert drops.read(old.plain, record(), lab.Source(b"\0"), 97) == {}
    with pytest.raises(RemoteProtocolError, match="nested"):
        drops.read(old.plain, record(), lab.Source(b"\0"), 99)
