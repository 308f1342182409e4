"""Functions and objects behind the judge's pipe: types are kept, tricks do not pass."""

import asyncio
import socket
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from common.course.judge.calls import CallFailure, Calls
from common.course.judge.channel import Channel
from common.course.judge.declared import problem
from common.course.judge.errors import StudentError
from common.course.judge.worker.values import Unfit, Values
from common.course.suites.under_test import MissingName
from common.values.errors import BadInput, ContractError
from tests.support.judging import changed, judged

FRAMES = "stage1_foundations/echo/frames.py"
ROUND_TRIPS = "stage1_foundations/netem/roundtrips.py"
HEAD = "def percentile("


def own_percentile(folder: Path, body: str) -> Path:
    """A workspace in which ``percentile`` is another function."""
    text = f"{body}\n\n\ndef former_percentile("
    return changed(folder, {ROUND_TRIPS: (HEAD, text)})


TRICKS = {
    "an object that equals everything": """class Anything:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 5


def percentile(*args):
    return Anything()""",
    "a number of a class of its own": """class Number(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


def percentile(*args):
    return Number(5)""",
    "a list that equals everything": """class Anything(list):
    def __eq__(self, other):
        return True


def percentile(*args):
    return Anything([5])""",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_what_says_that_it_equals_everything_equals_nothing(trick: str, tmp_path: Path) -> None:
    with judged("netem", own_percentile(tmp_path, TRICKS[trick])) as lab:
        found = lab.percentile([5, 5, 5], 50)
        assert found != 5
        assert found != [5]
        assert not isinstance(found, (int, list))
        assert found == found


def test_values_come_back_as_what_they_are(tmp_path: Path) -> None:
    body = "def percentile(*args):\n    return args"
    values: list[Any] = [
        None, True, 0, -5, 2**200, 1.5, float("inf"), "text", b"bytes", bytearray(b"more"),
        (1, (2,)), [1, [2]], {1, 2}, frozenset((3,)), {"a": 1, (1, 2): b""}, range(3),
    ]  # fmt: skip
    with judged("netem", own_percentile(tmp_path, body)) as lab:
        for value in values:
            (found,) = lab.percentile(value)
            assert found == value
            assert type(found) is type(value)
        (drawn,) = lab.percentile(Random("a seed"))
        assert drawn.random() == Random("a seed").random()


@pytest.mark.parametrize(
    ("value", "declared", "text"),
    [
        (True, int, "True, a bool, not int"),
        (1.0, int, "1.0, a float, not int"),
        (1, bool, "1, a int, not bool"),
        (True, float, "True, a bool, not float"),
        ([1, True], list[int], "True, a bool, not int"),
        ((1, 1), tuple[int, bool], "1, a int, not bool"),
        ({"a": True}, dict[str, int], "True, a bool, not int"),
        (1, float, ""),
        (None, int | None, ""),
        ("a", int | str, ""),
        ((1, 2), tuple[int, ...], ""),
    ],
)
def test_a_truth_is_no_number(value: Any, declared: Any, text: str) -> None:
    assert problem(value, declared) == text


def test_a_result_is_held_against_its_declaration(tmp_path: Path) -> None:
    theory = "stage1_foundations/link/theory.py"
    old = "def window_to_fill(round_trip_us: int, transmission_us: int) -> int:"
    new = (
        f"{old}\n    return True\n\n\ndef unused(round_trip_us: int, transmission_us: int) -> int:"
    )
    wrong = pytest.raises(CallFailure, match="returned True, a bool, not int")
    with judged("link", changed(tmp_path, {theory: (old, new)})) as lab, wrong:
        lab.window_to_fill(1, 1)


def test_errors_come_back_under_their_names(tmp_path: Path) -> None:
    body = """class Own(Exception):
    pass


def percentile(kind, *args):
    raise {"key": KeyError, "own": Own, "exit": SystemExit, "lookup": LookupError}[kind]("why")"""
    with judged("netem", own_percentile(tmp_path, body)) as lab:
        with pytest.raises(KeyError):
            lab.percentile("key")
        with pytest.raises(LookupError, match="^why$"):
            lab.percentile("lookup")
        with pytest.raises(StudentError, match="^Own: why$"):
            lab.percentile("own")
        with pytest.raises(StudentError, match="^SystemExit: why$"):
            lab.percentile("exit")


def test_a_process_that_ends_itself_fails_its_call(tmp_path: Path) -> None:
    body = "def percentile(*args):\n    import os\n    os._exit(0)"
    with judged("netem", own_percentile(tmp_path, body)) as lab:
        with pytest.raises(CallFailure, match="it ended before it answered"):
            lab.percentile([1])
        lab.end_test()
        assert lab.wilson_interval(5, 10), "the next test has another process"


def test_what_is_awaited_is_heard_though_its_answer_came_with_that_to_a_call() -> None:
    """Both were read in one piece, and nothing more will come to wake the event loop."""
    ours, theirs = socket.socketpair()

    async def talk() -> None:
        calls = Calls(Channel(ours, called=True), {}, RuntimeError, lambda kind, method: None)
        waiting = asyncio.ensure_future(calls.wait(7))
        await asyncio.sleep(0)
        theirs.sendall(b'{"id": 2, "value": "of the call"}\n{"id": 1, "value": "awaited"}\n')
        assert calls.find("called") == "of the call"
        async with asyncio.timeout(10):
            assert await waiting == "awaited"

    with ours, theirs:
        asyncio.run(talk())


def test_a_name_that_is_gone_is_told(tmp_path: Path) -> None:
    theory = "stage1_foundations/link/theory.py"
    workspace = changed(tmp_path, {theory: ("def window_to_fill(", "def window(")})
    with judged("link", workspace) as lab, pytest.raises(MissingName, match="was it renamed"):
        lab.window_to_fill(1, 1)


def test_an_object_keeps_its_state_and_its_errors_are_those_of_the_course() -> None:
    with judged("echo") as lab:
        decoder = lab.FrameDecoder(max_payload=100)
        assert decoder.feed(b"\0\0\0\5hel") == []
        assert decoder.feed(b"lo\0\0") == [b"hello"]
        with pytest.raises(BadInput, match="101"):
            lab.encode_frame(b"x" * 101, max_payload=100)


def test_what_is_awaited_is_answered_when_it_is_done() -> None:
    async def talk(lab: Any) -> None:
        server = lab.EchoServer()
        await server.start()
        address = server.address
        first = await asyncio.open_connection(sock=lab.connect(server.address))
        first[1].write(b"\0\0\0\6echo 1")
        assert await first[0].readexactly(10) == b"\0\0\0\6echo 1"
        stopping = asyncio.ensure_future(server.stop(grace=0))
        assert await first[0].read() == b""
        await stopping
        with pytest.raises(OSError):
            lab.connect(address)
        first[1].transport.abort()
        await asyncio.sleep(0)

    with judged("echo") as lab:
        asyncio.run(talk(lab))


def nothing(value: object) -> dict[str, Any]:
    raise Unfit("an object")


SAME_HASH = [{"int": str((2**61 - 1) * number)} for number in range(200)]


@pytest.mark.parametrize(
    "plain",
    [
        {"pickle": "gASV"}, {"record": "os:system", "fields": {}}, {"class": "builtins:eval"},
        {"enum": "x:Y", "member": "Z"}, {"tuple": 5}, {"dict": [[1]]}, {"set": [{"list": []}]}, [1],
        {"range": [0, 10**9, 1]}, {"set": SAME_HASH}, {"frozenset": SAME_HASH},
        {"dict": [[key, 0] for key in SAME_HASH]},
        {"bytes": "!"}, {"random": [3, [1], None]}, {"int": "x"}, {"range": ["a", 1, 1]},
    ],
)  # fmt: skip
def test_plain_data_that_stands_for_nothing_is_refused(plain: Any) -> None:
    def find(plain: dict[str, Any]) -> object:
        raise Unfit("nothing is known here")

    with pytest.raises(Unfit):
        Values({}, nothing, find).unpack(plain)


@pytest.mark.parametrize("wrong", ["class (  # no Python", "raise SystemExit(0)\n\n\nclass "])
def test_a_file_that_cannot_be_imported_costs_the_others_nothing(
    wrong: str, tmp_path: Path
) -> None:
    file, old = "stage1_foundations/link/durable_receiver.py", "class DurableReceiver"
    theory = "stage1_foundations/link/theory.py"
    handed_in = changed(tmp_path, {file: (old, f"{wrong}DurableReceiver"), theory: ("", "")})
    with judged("link", handed_in) as lab:
        assert lab.window_to_fill(20_000, 1_000) == 20
        receiver = lab.look_into("DurableReceiver")
        with pytest.raises((StudentError, ContractError), match="durable_receiver|SystemExit"):
            receiver("n1", ("n2",))


def test_half_a_character_goes_to_the_code_and_does_not_come_back() -> None:
    def nothing(what: object) -> Any:
        raise Unfit(f"{what!r} stands for nothing")

    judge, code = (Values({}, nothing, nothing, trusts=trusts) for trusts in (False, True))
    for text in ("half of \ud800", "\udc80", "whole \U0001f600"):
        written = msgspec.json.encode(judge.pack([text]))
        assert code.unpack(msgspec.json.decode(written)) == [text]
    assert judge.unpack(code.pack("whole \U0001f600")) == "whole \U0001f600"
    with pytest.raises(Unfit, match="stands for nothing"):
        judge.unpack(code.pack("half of \ud800"))
