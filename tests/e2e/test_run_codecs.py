"""``lab run --codec``: the same cluster, its messages written in another way; real processes."""

import sys
from pathlib import Path
from typing import Any

import pytest

from common.codec import codec_named
from common.contract.schema import Schema
from common.course.command import run
from stage2_communication.rpc.calls import Request
from stage2_communication.serialization.protobuf import Field, MessageType, decode


@pytest.mark.parametrize(
    ("codec", "needs"), [("json", "json"), ("protobuf", "google.protobuf"), ("avro", "fastavro")]
)
def test_a_cluster_runs_with_any_codec(codec: str, needs: str, tmp_path: Path) -> None:
    pytest.importorskip(needs, reason=f"{needs} is missing: pip install -e '.[codec]'")
    asked = ("run", "cap", "--codec", codec, "--headless", "--duration", "1s", "--faults", "none")
    assert run([*asked, "--out", str(tmp_path)]) == 0


def test_a_codec_whose_library_is_missing_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "google.protobuf", None)
    monkeypatch.delitem(sys.modules, "common.codec.protobuf", raising=False)
    asked = ("run", "cap", "--codec", "protobuf", "--headless", "--out", str(tmp_path))
    assert run([*asked]) == 4
    assert "pip install -e '.[codec]'" in capsys.readouterr().err


def test_the_labs_own_protobuf_reads_what_is_on_the_wire() -> None:
    pytest.importorskip("google.protobuf", reason="protobuf is missing: pip install -e '.[codec]'")
    codec = codec_named("protobuf", Schema([Request]))
    data = codec.encode(Request(1, 7, 3, 2**40, "deposit", (5, -1)))
    tagged = MessageType("Tagged", (Field(1, "type", "string"), Field(2, "body", "bytes")))
    request = MessageType(
        "Request",
        (
            Field(2, "incarnation", "sint64"),
            Field(4, "number", "sint64"),
            Field(6, "oldest", "sint64"),
            Field(8, "patience", "sint64"),
            Field(10, "procedure", "string"),
            Field(12, "arguments", "sint64", repeated=True),
        ),
    )
    outer: dict[str, Any] = decode(tagged, data)
    assert outer["type"] == "Request"
    assert decode(request, outer["body"]) == {
        "incarnation": 1,
        "number": 7,
        "oldest": 3,
        "patience": 2**40,
        "procedure": "deposit",
        "arguments": [5, -1],
    }
