"""The recorder: what it writes for each thing that it sees, in which order, with which clocks."""

import json
import random
import tracemalloc
from pathlib import Path

import pytest

from common.contract import message, operation, record, timer
from common.contract.effects import Forget, Save
from common.contract.events import Fire, Invoke, Receive, Start
from common.contract.observer import Observer
from common.trace.as_json import body_json, json_of
from common.trace.causality import Clocks
from common.trace.format import KINDS, Meta, encode, to_line
from common.trace.plain import MAX_ITEMS, MAX_TEXT, plain
from common.trace.reader import parse
from common.trace.recorder import Recorder, open_trace
from common.values.errors import BadInput
from common.values.faults import (
    Block,
    Clock,
    Corrupt,
    Crash,
    Disk,
    Heal,
    Link,
    Partition,
    Pause,
    Restart,
    Resume,
)
from common.values.history import Failed, Ok, Operation, Unknown

META = Meta("echo", ("n1", "n2"), ("c1",), 7)


@record
class Entry:
    term: int
    type: str


@message
class Ping:
    text: str
    entries: tuple[Entry, ...] = ()


@timer
class Retry:
    round: int


@operation
class Write:
    key: str
    value: int


class Recording:
    def __init__(self, clocks: bool = True) -> None:
        self.lines: list[str] = []
        self.recorder = Recorder(self.lines.append, META, clocks=clocks)

    def last(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.lines[-1])
        return found


@pytest.fixture
def recording() -> Recording:
    return Recording()


def test_a_recorder_is_an_observer(recording: Recording) -> None:
    observer: Observer = recording.recorder
    assert observer is recording.recorder


def test_the_header_says_what_ran_and_nothing_about_the_machine(recording: Recording) -> None:
    assert recording.lines == [
        '{"kind":"meta","schema":1,"lab":"echo","seed":7,"nodes":["n1","n2"],"clients":["c1"],'
        '"unit":"us","world":"simulator"}\n'
    ]


def test_a_message_is_written_with_fixed_key_order_and_the_clock_last(recording: Recording) -> None:
    recording.recorder.stepped(0, "n1", Start(0, {}), None, {"term": 0})
    recording.recorder.sent(12, "n1", "n2", Ping("hi", (Entry(3, "put"),)), 1)
    recording.recorder.stepped(63, "n2", Receive(60, "n1", Ping("hi")), 1, {"heard": True})
    assert recording.lines[1:] == [
        '{"t":0,"node":"n1","kind":"start","state":{"term":0},"clock":{"n1":1}}\n',
        '{"t":12,"node":"n1","kind":"send","msg":1,"to":"n2","type":"Ping","body":{"text":"hi",'
        '"entries":[{"$type":"Entry","term":3,"type":"put"}]},"clock":{"n1":2}}\n',
        '{"t":63,"node":"n2","kind":"recv","msg":1,"frm":"n1","type":"Ping",'
        '"state":{"heard":true},"clock":{"n2":1,"n1":2}}\n',
    ]


def test_a_state_is_written_only_when_it_changed(recording: Recording) -> None:
    status: dict[str, object] = {"log": [1]}
    recording.recorder.stepped(0, "n1", Fire(0, 1, Retry(1)), None, status)
    assert recording.last()["state"] == {"log": [1]}
    recording.recorder.stepped(1, "n1", Fire(1, 2, Retry(2)), None, status)
    assert "state" not in recording.last()
    status["log"].append(2)  # type: ignore[attr-defined]
    recording.recorder.stepped(2, "n1", Fire(2, 3, Retry(3)), None, status)
    assert recording.last()["state"] == {"log": [1, 2]}


def test_a_node_without_a_status_has_no_state(recording: Recording) -> None:
    recording.recorder.stepped(0, "n1", Start(0, {}), None, {})
    assert "state" not in recording.last()


def test_a_message_that_arrives_twice_keeps_its_number(recording: Recording) -> None:
    recording.recorder.sent(1, "n1", "n2", Ping("hi"), 5)
    for at in (2, 3):
        recording.recorder.stepped(at, "n2", Receive(at, "n1", Ping("hi")), 5, {})
    twice = [json.loads(line) for line in recording.lines[2:]]
    assert [line["msg"] for line in twice] == [5, 5]
    assert [line["clock"] for line in twice] == [{"n2": 1, "n1": 1}, {"n2": 2, "n1": 1}]


def test_saves_notes_drops_and_timers_are_events_of_their_node(recording: Recording) -> None:
    recorder = recording.recorder
    recorder.saved(1, "n1", [Save(("log", 1), "x"), Forget("vote")])
    assert recording.last()["keys"] == [["log", 1], "vote"]
    recorder.noted(2, "n1", "elected", {"term": 3})
    assert (recording.last()["text"], recording.last()["fields"]) == ("elected", {"term": 3})
    recorder.sent(3, "n1", "n2", Ping("hi"), 1)
    recorder.dropped(3, "n1", "n2", 1, "loss")
    assert (recording.last()["why"], recording.last()["clock"]) == ("loss", {"n1": 4})
    recorder.stepped(9, "n1", Fire(9, 1, Retry(2)), None, {})
    assert (recording.last()["type"], recording.last()["body"]) == ("Retry", {"round": 2})


@pytest.mark.parametrize(
    ("outcome", "written"),
    [
        (Ok((1, 2)), {"outcome": "ok", "value": [1, 2]}),
        (Failed("no quorum"), {"outcome": "fail", "value": "no quorum"}),
        (Unknown("timed out"), {"outcome": "info", "value": "timed out"}),
    ],
)
def test_a_return_carries_the_call_of_its_invocation(
    recording: Recording, outcome: Ok | Failed | Unknown, written: dict[str, object]
) -> None:
    call = Operation("c1", "write", "x", 3, 10)
    recording.recorder.called(10, "c1", call)
    invoked = recording.last()
    other = Operation("c2", "read", "x", None, 11)
    recording.recorder.called(11, "n2", other)
    call.outcome = outcome
    recording.recorder.returned(20, "c1", call)
    returned = recording.last()
    assert (invoked["kind"], invoked["client"], invoked["op"]) == ("invoke", "c1", "write")
    assert returned["call"] == invoked["call"] == 1
    assert written.items() <= returned.items()


def test_an_operation_that_reaches_its_node_is_written_only_if_it_changed_something(
    recording: Recording,
) -> None:
    recording.recorder.stepped(1, "n1", Invoke(1, 1, Write("x", 3)), None, {})
    assert len(recording.lines) == 1
    recording.recorder.stepped(1, "n1", Invoke(1, 1, Write("x", 3)), None, {"x": 3})
    assert (recording.last()["kind"], recording.last()["type"]) == ("step", "Write")


def test_faults_of_a_node_have_a_clock_and_faults_of_the_world_have_none(
    recording: Recording,
) -> None:
    for fault in (Crash(1, "n1"), Restart(1, "n1"), Pause(1, "n1"), Resume(1, "n1")):
        recording.recorder.failed(1, fault)
    recording.recorder.failed(1, Clock(1, "n1", skew=5))
    recording.recorder.failed(1, Disk(1, "n1", latency=9))
    recording.recorder.failed(1, Corrupt(1, "n1", "liar"))
    assert recording.last() == {
        "t": 1, "node": "n1", "kind": "corrupt", "behaviour": "liar", "clock": {"n1": 7},
    }  # fmt: skip
    recording.recorder.failed(2, Partition(2, (("n1",), ("n2",))))
    assert recording.last() == {
        "t": 2,
        "node": None,
        "kind": "partition",
        "groups": [["n1"], ["n2"]],
    }
    recording.recorder.failed(3, Block(3, "n1", "n2"))
    recording.recorder.failed(4, Link(4, loss=0.5))
    assert recording.last() == {"t": 4, "node": None, "kind": "link", "loss": 0.5}
    recording.recorder.failed(5, Heal(5))
    assert {line["kind"] for line in map(json.loads, recording.lines[1:])} <= set(KINDS)


def test_everything_that_is_written_can_be_read(recording: Recording) -> None:
    test_saves_notes_drops_and_timers_are_events_of_their_node(recording)
    test_faults_of_a_node_have_a_clock_and_faults_of_the_world_have_none(Recording())
    recording.recorder.failed(8, Partition(8, (("n1",), ("n2",))))
    recording.recorder.verdict(9, None, "linearizable", "no", "read 1 after 2 was written")
    trace = parse("".join(recording.lines))
    assert trace.meta == META
    assert list(trace.lines()) == recording.lines


def test_without_clocks_lines_are_the_same_but_for_the_clock() -> None:
    recording = Recording(clocks=False)
    recording.recorder.sent(12, "n1", "n2", Ping("hi"), 1)
    assert "clock" not in recording.last()


def test_clocks_say_exactly_what_happened_before() -> None:
    """Against reachability in the graph of events, computed the slow way."""
    recording = Recording()
    draw = random.Random(3)
    in_flight: list[tuple[int, str, str]] = []
    for number in range(1, 150):
        sender, to = draw.sample(("n1", "n2", "n3", "n4"), 2)
        recording.recorder.sent(number, sender, to, Ping("x"), number)
        in_flight.append((number, sender, to))
        if draw.random() < 0.8:
            arrived, sender, to = draw.choice(in_flight)  # stays: it may arrive again
            recording.recorder.stepped(number, to, Receive(0, sender, Ping("x")), arrived, {})
    events = [json.loads(line) for line in recording.lines[1:]]
    causes: list[set[int]] = []
    last: dict[str, int] = {}
    sent: dict[int, int] = {}
    for index, event in enumerate(events):
        direct = {last[event["node"]]} if event["node"] in last else set()
        if event["kind"] == "recv":
            direct.add(sent[event["msg"]])
        else:
            sent[event["msg"]] = index
        causes.append(direct.union(*(causes[cause] for cause in direct)))
        last[event["node"]] = index
    for b, later in enumerate(events):
        for a, earlier in enumerate(events):
            if a != b:
                own = earlier["clock"][earlier["node"]]
                assert (later["clock"].get(earlier["node"], 0) >= own) == (a in causes[b])


def test_memory_does_not_grow_with_the_run() -> None:
    recorder = Recorder(lambda _: None, META)
    ping = Ping("hi")

    def run(numbers: range) -> None:
        for number in numbers:
            recorder.sent(number, "n1", "n2", ping, number)
            if number % 3:
                recorder.stepped(number, "n2", Receive(0, "n1", ping), number, {"count": number})
            else:
                recorder.dropped(number, "n1", "n2", number, "loss")

    run(range(1_000))
    tracemalloc.start()
    run(range(1_000, 11_000))
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 100_000


class TestPlainValues:
    def test_long_values_are_cut_with_a_mark(self) -> None:
        assert plain("x" * (MAX_TEXT + 5)) == "x" * MAX_TEXT + "… 5 more"
        assert plain(tuple(range(MAX_ITEMS + 2)))[-1] == "… 2 more"
        assert plain(dict.fromkeys(range(MAX_ITEMS + 2)))["…"] == "… 2 more"
        assert plain(b"x" * (MAX_TEXT + 7))["more"] == 7

    def test_short_values_are_kept(self) -> None:
        assert plain({"a": (1, 2.5, None, True, "x")}) == {"a": [1, 2.5, None, True, "x"]}
        assert plain(b"hi") == {"$bytes": "aGk="}
        assert plain({b"k\xc3\xa4": 1, b"\xff": 2, b"\n": 3}) == {"kä": 1, "0xff": 2, "0x0a": 3}

    def test_what_json_cannot_carry_is_written_as_a_person_would(self) -> None:
        assert plain(float("nan")) == "nan"
        assert plain(2**60) == {"$int": hex(2**60)}
        assert plain({3, 1, 2}) == [1, 2, 3]
        assert plain(object()) == "<object>"
        assert len(json.dumps(plain(10**5000))) < 300

    def test_what_never_ends_is_cut(self) -> None:
        loop: list[object] = []
        loop.append(loop)
        assert "…" in json.dumps(plain(loop), ensure_ascii=False)

    def test_a_body_is_the_fields_by_name(self) -> None:
        assert body_json(Write("x", 3)) == '{"key":"x","value":3}'

    @pytest.mark.parametrize(
        "value",
        [
            *(0, -(2**53), 2**53 + 1, 2**90, True, None, 0.5, float("inf")),
            *('"quoted" \\ \n', "é\u2028", "half \ud800", "x" * MAX_TEXT, "x" * (MAX_TEXT + 1)),
            *(b"\xff", (1, ("a", None)), {"%s": [b"k"]}, {3, 1}, Ping("hi", (Entry(1, "t"),))),
        ],
        ids=lambda value: repr(value)[:20],
    )
    def test_straight_to_json_is_the_same_as_over_plain_values(self, value: object) -> None:
        assert json_of(value) == encode(plain(value))


def test_a_line_written_part_by_part_has_the_bytes_of_one_written_as_a_whole(
    recording: Recording,
) -> None:
    recorder = recording.recorder
    operation = Operation("c%d", "write", "k\u2028", ('"', 1), 3)
    recorder.called(3, "c%d", operation)
    recorder.sent(4, "c%d", "nö2", Ping("%s\x85", (Entry(1, "a"),)), 1)
    recorder.stepped(5, "nö2", Receive(0, "c%d", Ping("%s")), 1, {"known": {"%": 1.5}})
    recorder.failed(6, Partition(6, (("c%d",), ("nö2",))))
    operation.outcome = Unknown("no \u2029 answer")
    recorder.returned(7, "c%d", operation)
    recorder.verdict(8, None, "said", "no", "it “did”", calls=(1,), seen_at=4)
    assert recording.lines == [to_line(json.loads(line)) for line in recording.lines]


def test_a_clock_is_written_as_it_is_known() -> None:
    clocks = Clocks()
    clocks.send('n"2', 7)
    for clock in (clocks.tick("n1"), clocks.receive("n1", 7), clocks.tick("n1")):
        assert clock.as_json() == encode(clock.as_dict())
    assert clock.as_dict() == {"n1": 3, 'n"2': 1}


def test_a_lone_surrogate_becomes_an_escape_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    with open_trace(path) as file:
        Recorder(file.write, META).noted(1, "n1", "half \ud800 a pair", {})
    assert parse(path.read_text("utf-8")).events[0]["text"] == "half \ud800 a pair"


def test_a_trace_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"missing.t\.jsonl cannot be written: No such file"):
        open_trace(tmp_path / "missing" / "t.jsonl")
