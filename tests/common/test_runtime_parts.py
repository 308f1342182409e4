"""Small parts of the socket world: message numbers, clocks, the control channel, configurations."""

import asyncio
import gc
import json
import stat
import sys
import weakref
from pathlib import Path

import msgspec
import pytest

from common.runtime import control
from common.runtime.clock import Clock
from common.runtime.config import NodeConfig, load_class, make_node
from common.runtime.garbage import collect_by_the_clock
from common.runtime.wire import MAX_LIVES, MAX_NODES, number_of, numbers, pack, unpack
from common.values import faults
from common.values.errors import BadInput, ContractError, RemoteProtocolError
from common.values.units import MS, SECOND
from tests.support.live import eventually, live

CONFIG = NodeConfig(
    lab="echo",
    cluster="c",
    secret="00ff",
    node="n1",
    index=0,
    life=0,
    members=("n1",),
    node_class="stage1_foundations.echo.node:Echo",
    directory="data",
    epoch_ns=0,
)


def test_message_numbers_differ_between_nodes_and_lives_and_are_exact_in_json() -> None:
    ends = [(index, life) for index in (0, 1, MAX_NODES - 1) for life in (0, MAX_LIVES - 1)]
    given = [next(giver) for giver in (numbers(*end) for end in ends) for _ in range(100)]
    assert len(set(given)) == 600
    assert max(given) < 2**53


def test_a_frame_carries_its_number_and_its_message() -> None:
    made = pack(2**53 - 1, b"body")
    assert number_of(made) == 2**53 - 1
    assert unpack(made[4:]) == (2**53 - 1, b"body")
    for cut in range(8):
        with pytest.raises(RemoteProtocolError, match="too short"):
            unpack(made[4 : 4 + cut])


def test_a_right_clock_shows_the_worlds_time_and_a_skewed_one_does_not() -> None:
    clock = Clock.starting_now()
    assert abs(clock.local() - clock.world()) < 100 * MS
    clock.set(faults.Clock(0, "n1", skew=50 * SECOND))
    assert 49 * SECOND < clock.local() - clock.world() < 51 * SECOND
    clock.set(faults.Clock(0, "n1", skew=0))
    assert abs(clock.local() - clock.world()) < 100 * MS
    assert clock.seconds(SECOND) == 1.0
    clock.set(faults.Clock(0, "n1", drift=1_000_000))  # twice as fast
    assert clock.seconds(SECOND) == 0.5


def test_every_command_and_report_survives_its_line() -> None:
    commands: list[control.Command] = [
        control.Begin({"n1": ("127.0.0.1", 1)}, [{"at": 0, "fault": "heal"}]),
        control.Know({}),
        control.DoFault({"at": 0, "fault": "heal"}),
        control.AskStatus(7),
        control.DoInvoke(1, '{"type":"Say","text":"hi"}'),
        control.Stop(),
    ]
    reports: list[control.Report] = [
        control.Ready(80),
        control.Status(7, {"term": 1}, {"steps": 2}, {}),
        control.Returned(1, '{"type":"Ok"}'),
        control.Error("why"),
    ]
    for command in commands:
        assert control.read_command(control.to_line(command)) == command
    for report in reports:
        line = control.to_line(report)
        assert line.count(b"\n") == 1
        assert control.read_report(line) == report


def test_a_line_that_is_no_command_is_refused() -> None:
    for line in (b"", b"hello", b'{"do":"dance"}', b'{"do":"status"}'):
        with pytest.raises(RemoteProtocolError, match="is no command"):
            control.read_command(line)


def test_a_configuration_is_written_for_its_owner_only_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    CONFIG.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert NodeConfig.read(path) == CONFIG


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"port": "eighty"}, "Expected `int`, got `str` - at `\\$.port`"),
        ({"prot": 80}, "unknown field `prot`"),
        ({"secret": "no hex"}, "non-hexadecimal"),
        ({"format": 2}, "has format 2"),
    ],
)
def test_a_wrong_configuration_is_refused_with_the_field(
    tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    path = tmp_path / "config.json"
    plain: dict[str, object] = msgspec.to_builtins(CONFIG)
    path.write_text(json.dumps({**plain, **change}))
    with pytest.raises(BadInput, match=sentence):
        NodeConfig.read(path)


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("x = 1 / 0", BadInput, "cannot load lab_module:Lab: ZeroDivisionError"),
        ("def", BadInput, "cannot load lab_module:Lab: SyntaxError"),
        ("Lab = 3", BadInput, "'Lab' is no Node class"),
        ("from nowhere import x", BadInput, "No module named 'nowhere'"),
        ("class Lab(Node):\n  def __init__(self): pass", BadInput, "Lab cannot be made with"),
        (
            "class Lab(Node):\n  def __init__(self, id, peers): peers[9]",
            ContractError,
            "__init__ raised IndexError",
        ),
    ],
)
def test_a_class_that_cannot_be_used_is_explained(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    error: type[Exception],
    sentence: str,
) -> None:
    (tmp_path / "lab_module.py").write_text(f"from common.contract import Node\n{text}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lab_module", raising=False)
    with pytest.raises(error, match=sentence):
        make_node(load_class("lab_module:Lab"), "n1", ())


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read the configuration .*config.json"):
        NodeConfig.read(tmp_path / "config.json")


class Knot:
    """An object that holds itself."""

    def __init__(self) -> None:
        self.itself = self


@live
async def test_garbage_in_cycles_goes_by_the_clock() -> None:
    try:
        collect_by_the_clock(asyncio.get_running_loop(), every_seconds=0.01)
        assert not gc.isenabled()
        gone = weakref.ref(Knot())
        await eventually(lambda: gone() is None)
    finally:
        gc.enable()
