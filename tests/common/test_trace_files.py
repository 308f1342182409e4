"""Reading and merging traces: what is kept, and the one sentence for everything that is wrong."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.trace.format import Meta, Trace
from common.trace.merge import merge
from common.trace.reader import parse, read, read_all
from common.values.errors import BadInput

HEADER = '{"kind":"meta","schema":1,"lab":"echo","seed":7,"nodes":["n1","n2"],"clients":[],'
HEADER += '"unit":"us","world":"simulator"}\n'
SEND = '{"t":1,"node":"n1","kind":"send","msg":1,"to":"n2","type":"Ping","body":{}}\n'
RECEIVE = '{"t":5,"node":"n2","kind":"recv","msg":1,"frm":"n1","type":"Ping"}\n'
WHOLE = HEADER + SEND + RECEIVE


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(WHOLE)
    (trace,) = read_all([path])
    assert trace.meta == Meta("echo", ("n1", "n2"), (), 7)
    assert [event["kind"] for event in trace.events] == ["send", "recv"]
    assert "".join(trace.lines()) == WHOLE


@pytest.mark.parametrize("begun", ["", HEADER[:30]])
def test_a_process_that_was_killed_before_it_wrote_a_whole_line_is_left_out(
    tmp_path: Path, begun: str
) -> None:
    whole, killed = tmp_path / "n1.jsonl", tmp_path / "n2.jsonl"
    whole.write_text(WHOLE)
    killed.write_text(begun)
    assert len(read_all([whole, killed], torn_ok=True)) == 1
    with pytest.raises(BadInput):
        read_all([whole, killed])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "x is empty"),
        (WHOLE[:-20], r"x:3: the file is cut in the middle of its last line"),
        (HEADER[:30], r"x:1: not a trace"),
        ("hello\n", r"x:1: not a trace"),
        ('{"kind":"send"}\n', r"x:1: not a trace"),
        (HEADER.replace('"schema":1', '"schema":2'), r"x:1: the trace has schema 2, and .* only 1"),
        (HEADER.replace('["n1","n2"]', '"n1"'), r"x:1: the header's 'nodes' is not a list"),
        (HEADER.replace('"seed":7', '"seed":[]'), r"x:1: the header's 'seed' is \[\]"),
        (HEADER.replace('"echo"', "3"), r"x:1: the header's 'lab' is 3, not text"),
        (HEADER + "\n" + SEND, r"x:2: not a JSON object"),
        (HEADER + SEND + "[1]\n" + SEND, r"x:3: not a JSON object: '\[1\]'"),
        (HEADER + "[" * 100_000 + "\n", r"x:2: the file is cut|x:2: not a JSON object"),
        (HEADER + SEND.replace('"t":1', '"t":-1'), r"x:2: 't' is -1, not a whole number"),
        (HEADER + SEND.replace('"t":1', '"t":true'), r"x:2: 't' is True"),
        (HEADER + SEND.replace('"n1"', "3"), r"x:2: 'node' is 3, not a name"),
        (HEADER + SEND.replace('"n1"', "null"), r"x:2: a send happens at a node"),
        (HEADER + SEND.replace("send", "post"), r"x:2: 'post' is no kind of event"),
        (HEADER + SEND.replace('"send"', "[]"), r"x:2: \[\] is no kind of event"),
        (HEADER + SEND.replace('"msg":1,', ""), r"x:2: the field 'msg' of a send is missing"),
        (HEADER + SEND.replace('"body":{}', '"body":3'), r"x:2: the field 'body' of a send is 3"),
        (HEADER + SEND.replace("{}}", '{},"clock":{"n1":"1"}}'), r"x:2: 'clock' is"),
        (HEADER + SEND.replace("{}}", '{},"state":1}'), r"x:2: 'state' is 1, not an object"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_with_the_line(text: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence) as raised:
        parse(text, "x")
    assert len(str(raised.value)) < 250
    assert "\n" not in str(raised.value)


def test_a_missing_file_and_a_file_of_other_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read(tmp_path / "none.jsonl")
    picture = tmp_path / "picture.jsonl"
    picture.write_bytes(b"\x89PNG\r\n")
    with pytest.raises(BadInput, match="is not a trace: byte 0 is not UTF-8 text"):
        read(picture)


def test_a_torn_last_line_is_left_out_when_a_killed_process_wrote_it() -> None:
    for length in range(len(HEADER), len(WHOLE)):
        trace = parse(WHOLE[:length], torn_ok=True)
        assert len(trace.events) == WHOLE[:length].count("\n") - 1


@given(st.text())
def test_random_text_is_a_trace_or_bad_input_and_nothing_else(text: str) -> None:
    for made in (text, HEADER + text):
        with suppress(BadInput):
            assert parse(made).meta


class TestMerge:
    def trace(self, *nodes: str) -> Trace:
        return Trace(Meta("echo", nodes, world="sockets"))

    def send(self, t: int, node: str, msg: int, to: str) -> dict[str, object]:
        return {"t": t, "node": node, "kind": "send", "msg": msg, "to": to, "type": "P", "body": {}}

    def receive(self, t: int, node: str, msg: int, frm: str) -> dict[str, object]:
        return {"t": t, "node": node, "kind": "recv", "msg": msg, "frm": frm, "type": "P"}

    def test_events_are_in_the_order_of_time(self) -> None:
        one, two = self.trace("n1"), self.trace("n2")
        one.events = [self.send(1, "n1", 1, "n2"), self.receive(9, "n1", 2, "n2")]
        two.events = [self.receive(3, "n2", 1, "n1"), self.send(4, "n2", 2, "n1")]
        merged = merge([one, two])
        assert [event["t"] for event in merged.events] == [1, 3, 4, 9]
        assert merged.meta.nodes == ("n1", "n2")
        assert merged.events[-1]["clock"] == {"n1": 2, "n2": 2}
        assert "clock" not in one.events[0]

    def test_a_send_comes_before_its_receive_even_where_clocks_disagree(self) -> None:
        one, two = self.trace("n1"), self.trace("n2")
        one.events = [self.send(100, "n1", 1, "n2")]
        two.events = [self.receive(90, "n2", 1, "n1"), self.send(95, "n2", 2, "n1")]
        merged = merge([two, one])
        assert [(event["t"], event["node"]) for event in merged.events] == [
            (100, "n1"),
            (100, "n2"),
            (100, "n2"),
        ]

    def test_a_message_from_a_trace_that_is_missing_does_not_stop_the_merge(self) -> None:
        two = self.trace("n2")
        two.events = [self.receive(90, "n2", 1, "n1")]
        assert len(merge([two]).events) == 1

    def test_calls_of_different_processes_stay_apart(self) -> None:
        traces = [self.trace("n1"), self.trace("n2")]
        for trace in traces:
            (node,) = trace.meta.nodes
            call = {"call": 1, "client": node, "op": "read", "value": None}
            invoked = {"t": 1, "node": node, "kind": "invoke", **call, "key": None}
            trace.events = [invoked, {"t": 2, "node": node, "kind": "return", **call}]
        merged = merge(traces)
        numbers = {event["node"]: event["call"] for event in merged.events}
        assert sorted(numbers.values()) == [1, 2]
        assert all(event["call"] == numbers[event["node"]] for event in merged.events)

    def test_traces_of_different_runs_are_refused(self) -> None:
        with pytest.raises(BadInput, match="different runs: echo and raft"):
            merge([self.trace("n1"), Trace(Meta("raft", ("n1",)))])
        one, two = self.trace("n1"), self.trace("n2")
        one.events = [self.send(1, "n1", 1, "n2")]
        two.events = [self.send(1, "n2", 1, "n1")]
        with pytest.raises(BadInput, match="n1 and n2 both sent message 1"):
            merge([one, two])
        with pytest.raises(BadInput, match="no trace"):
            merge([])

    def test_a_circle_of_causes_is_refused(self) -> None:
        one, two = self.trace("n1"), self.trace("n2")
        one.events = [self.receive(1, "n1", 2, "n2"), self.send(2, "n1", 1, "n2")]
        two.events = [self.receive(1, "n2", 1, "n1"), self.send(2, "n2", 2, "n1")]
        with pytest.raises(BadInput, match="message 1 is received before"):
            merge([one, two])

    def test_clients_are_not_nodes_and_the_earliest_start_stands(self) -> None:
        one = Trace(Meta("echo", ("n1", "c1"), started="2026-01-02T00:00:01"))
        two = Trace(Meta("echo", ("c1",), ("c1",), started="2026-01-02T00:00:00"))
        meta = merge([one, two]).meta
        assert (meta.nodes, meta.clients, meta.started) == (
            ("n1",),
            ("c1",),
            "2026-01-02T00:00:00",
        )


def test_a_merged_trace_is_a_trace() -> None:
    merged = merge([parse(WHOLE)])
    again = parse("".join(merged.lines()))
    assert again.events == merged.events
    assert json.loads(next(merged.lines()))["world"] == "simulator"
