"""Beside the lab ``serialization``: schemas that are none, and what its demonstration tells."""

from typing import Any
from xml.etree import ElementTree

import pytest

from common.values.errors import BadInput
from common.values.report import Chart, Report, Table
from stage2_communication.serialization import careful_json, plot_sizes, protobuf
from stage2_communication.serialization.avro import encode
from stage2_communication.serialization.avro_schema import Schema
from stage2_communication.serialization.demo import demo, real

DEEP: Any = "int"
for _ in range(200):
    DEEP = {"type": "array", "items": DEEP}

ENDLESS = {"type": "record", "name": "N", "fields": [{"name": "next", "type": "N"}]}
INSIDE = ({"name": "a", "type": "A"},)
BY_A_FRIEND = {
    "type": "record",
    "name": "A",
    "fields": [
        {"name": "b", "type": {"type": "record", "name": "B", "fields": [*INSIDE]}}
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        (ENDLESS, "the record N contains itself, so no value of it ever ends"),
        (BY_A_FRIEND, "contains itself"),
        ("number", "the schema has no type 'number'"),
        ({"type": "array"}, "is no schema"),
        ({"items": "int"}, "is no schema"),
        (5, "is no schema"),
        ({"type": "record", "name": "R"}, "a record needs a name and fields"),
        ({"type": "fixed", "name": "F"}, "a fixed needs a name and size"),
        ([{"type": "fixed", "name": "F", "size": 1}] * 2, "the schema defines F twice"),
        (DEEP, "the schema is nested more than 100 deep"),
    ],
    ids=lambda case: str(case)[:20],
)
def test_a_schema_that_is_none_is_refused_in_a_sentence(plain: Any, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        Schema(plain)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_record_may_contain_itself_where_a_value_can_end() -> None:
    tree = {"type": "array", "items": "T"}
    Schema({"type": "record", "name": "T", "fields": [{"name": "children", "type": tree}]})


def test_half_of_a_surrogate_pair_is_refused_by_all() -> None:
    kind = protobuf.MessageType("M", (protobuf.Field(1, "t", "string"),))
    with pytest.raises(BadInput, match="surrogate"):
        careful_json.write("\ud800")
    with pytest.raises(BadInput, match="t cannot be"):
        protobuf.encode(kind, {"t": "\ud800"})
    with pytest.raises(BadInput, match="is no string"):
        encode(Schema("string"), "\ud800")


def tables(report: Report) -> dict[str, list[tuple[str, ...]]]:
    """By the first word of its title, the rows of each table."""
    found = [part for part in report.parts if isinstance(part, Table)]
    return {part.title.split(":")[0]: list(part.rows) for part in found}


def test_the_demonstration_shows_what_each_format_loses() -> None:
    found = tables(demo(7))
    counts = {
        row[0]: tuple(map(int, row[1:]))
        for row in found["7 versions of a message, each read by each"]
    }
    assert all(sum(row) == 49 for row in counts.values())
    assert counts["Protobuf"][3] == 0, "it refuses nothing"
    assert counts["Protobuf"][4] == 12, "a number of 40 bits is read as one of 32"
    assert counts["JSON"][4] == counts["Avro"][4] == 0
    assert counts["Avro"][2] < counts["JSON"][2], "aliases help"
    middle = {
        row[0]: row[1:]
        for row in found[
            "The newest message, read and written on by an older program in the middle"
        ]
    }
    assert middle["Protobuf"][3:] == ("ok",) * 4, "unknown fields are kept"
    assert middle["first proto3"][3] == "lost state", "and were not once"
    sizes = {row[0]: int(row[1]) for row in found["One hundred orders, in bytes"]}
    assert sizes["Avro"] < sizes["Protobuf"] < sizes["MessagePack"] < sizes["JSON"]
    charts = [part for part in demo(7).parts if isinstance(part, Chart)]
    assert ElementTree.fromstring(charts[0].svg).tag.endswith("svg")


def test_all_ways_read_what_they_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot_sizes, "ROUNDS", 1)
    batch = plot_sizes.orders(7)
    for name, way in plot_sizes.our_ways().items():
        read = way.read(way.write(batch))
        assert (read["orders"] if "Protobuf" in name else read) == batch, name
    rows = tables(real(7))["Measured here"]
    assert len(rows) >= 5
    assert all(int(row[2]) > 0 for row in rows)
