"""What a node may save under: text, bytes, tuples of these and numbers, the same in every world."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.check.explorer import Answer, Bounds, Instance, NodeSystem, explore_instance
from common.check.explorer.canonical import canonical
from common.codec import JsonCodec
from common.contract import CallId, Forget, InnerKey, Node, Save, on, operation
from common.contract.events import Event, Key, SavedKey
from common.contract.rules import check_effects
from common.contract.schema import Schema
from common.contract.wrapped import check_key
from common.course.judge.worker.keys import read_key, write_key
from common.course.judge.worker.lines import (
    effect_of,
    event_of,
    read_event,
    read_reply,
    write_effects,
    write_event,
)
from common.sim import Simulation
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.errors import ContractError, RemoteProtocolError
from common.values.faults import Crash, Restart, Schedule
from common.values.history import Ok
from common.values.units import MS
from tests.common.subnode_nodes import Begin, Drop, House, Make, Street

ALIKE: tuple[Key, ...] = ("x", b"x", ("x",), (b"x",), ("x", 1), (b"x", 1), (), "", b"")
"""Keys that must not be taken for each other."""

NUMBERS = st.integers(-(2**64 - 1), 2**64 - 1)
OWN_KEYS = st.text() | st.binary() | st.lists(st.text() | NUMBERS | st.binary()).map(tuple)
KEYS = st.recursive(OWN_KEYS, lambda inner: st.builds(InnerKey, st.text(min_size=1), inner))


@operation
class Keep:
    """Save something under each key, or forget it."""

    forget: bool = False


class Keeper(Node):
    """Saves under keys that look alike."""

    @on(Keep)
    def keep(self, keep: Keep, call: CallId) -> None:
        for number, key in enumerate(ALIKE):
            if keep.forget and number % 2:
                self.forget(key)
            elif not keep.forget:
                self.save(key, number)
        self.finish(call, Ok())


KEPT = {key: number for number, key in enumerate(ALIKE)}


def test_keys_that_look_alike_are_kept_apart_and_come_back_after_a_crash() -> None:
    schedule = Schedule([Crash(20 * MS, "n1"), Restart(30 * MS, "n1")])
    running = Simulation({"n1": Keeper}, seed=1, schedule=schedule, check_handlers=1)
    running.call("n1", Keep())
    running.run(40 * MS)
    assert dict(running.nodes["n1"].saved) == KEPT
    running.call("n1", Keep(forget=True))
    running.run(50 * MS)
    assert running.on_disk("n1") == {key: n for key, n in KEPT.items() if n % 2 == 0}


@pytest.mark.parametrize(
    "key", [None, 5, 1.5, True, ("a", None), (("a",), 1), bytearray(b"x"), ("a", 2**64)]
)
def test_what_a_disk_would_refuse_to_save_under_is_refused_in_a_checked_simulation(
    key: Any,
) -> None:
    for effect in (Save(key, 1), Forget(key)):
        with pytest.raises(ContractError, match=r"node n1 \(Keeper\): .* is no key to save under"):
            check_effects(Keeper("n1", ()), [effect])
    with pytest.raises(ContractError, match="is no key to save under"):
        check_key(InnerKey("a", key))


# The explorer.


def test_the_canonical_forms_of_keys_that_look_alike_differ() -> None:
    assert len({canonical({key: 1}) for key in ALIKE}) == len(ALIKE)
    for kept in (KEPT, dict(reversed(KEPT.items()))):
        assert canonical(kept) == canonical(KEPT), "in whatever order they were saved"


def test_the_explorer_brings_back_what_was_saved_under_bytes() -> None:
    def all_or_nothing(world: Any) -> str | None:
        saved = [dict(node.saved) for node in world.values()]
        return None if all(each in ({}, KEPT) for each in saved) else f"{saved}"

    instance = Instance(
        nodes={"n1": Keeper},
        operations={"n1": (Keep(),)},
        bounds=Bounds(crashes=1, restarts=1),
        always=(all_or_nothing,),
        sometimes=(lambda world: any(node.saved for node in world.values()),),
    )
    assert explore_instance(instance).answer is Answer.YES
    assert len(list(NodeSystem(instance).initial())) == 1


# Traces.


def test_a_trace_shows_keys_for_eyes_and_a_subnodes_after_its_name() -> None:
    lines: list[str] = []
    recorder = Recorder(lines.append, Meta("keys", ("n1",)))
    keys: tuple[SavedKey, ...] = ("x", b"x", ("x", b"y", 1))
    inner: list[Save | Forget] = [Save(InnerKey("a", InnerKey("b", key)), 1) for key in keys]
    recorder.saved(1, "n1", [*[Save(key, 1) for key in keys], *inner])
    shown = msgspec.json.decode(lines[-1])["keys"]
    assert shown == [
        *("x", {"$bytes": "eA=="}, ["x", {"$bytes": "eQ=="}, 1]),
        *("a/b/x", ["a/b/", {"$bytes": "eA=="}], ["a/b/x", {"$bytes": "eQ=="}, 1]),
    ]


# The judge's lines.


@settings(max_examples=300, deadline=None, database=None)
@given(key=KEYS)
def test_a_key_comes_back_from_a_line_as_it_was(key: SavedKey) -> None:
    assert read_key(msgspec.json.decode(write_key(key))) == key


@pytest.mark.parametrize(
    "plain",
    [
        *(None, 5, 1.5, True, {}, {"bytes": "?"}, {"bytes": "eA==", "more": 1}, [None], [["x"]]),
        *({"of": "a"}, {"of": 3, "key": "x"}, {"of": "a", "key": 3}, {"of": "a", "key": [["x"]]}),
    ],
)
def test_a_line_with_something_else_in_the_place_of_a_key_is_refused(plain: Any) -> None:
    with pytest.raises(RemoteProtocolError, match="is no key: it is a text, bytes, or a list"):
        read_key(plain)


class ByLines:
    """A node behind lines of the step protocol, both ends in this process."""

    signs = False

    def __init__(self, node: Node) -> None:
        self.id, self.peers, self.seed = node.id, node.peers, node.seed
        self._node = node
        self._codec = JsonCodec(Schema.of(type(node)))
        self.full_status = node.full_status

    def step(self, event: Event) -> list[Any]:
        told: Any = read_event(write_event(event, self._codec))
        effects = self._node.step(event_of(told, self._codec))
        answer = b'{"effects":%b}' % write_effects(effects, self._codec)
        parts = read_reply(answer).effects
        assert parts is not None
        return [effect_of(part, self._codec) for part in parts]


@pytest.mark.parametrize("kind", [House, Street])
def test_a_node_with_subnodes_behaves_alike_behind_lines(kind: type[House] | type[Street]) -> None:
    def trace(make: Any) -> list[str]:
        lines: list[str] = []
        recorder = Recorder(lines.append, Meta("lines", ("n1", "n2")))
        schedule = Schedule([Crash(60 * MS, "n1"), Restart(70 * MS, "n1")])
        running = Simulation(
            {"n1": make, "n2": make}, seed=3, schedule=schedule, observers=[recorder]
        )
        operations = [Make("b"), Begin("b"), Drop("b", forget=False), Make("b"), Begin("home")]
        for asked in operations:
            running.run(running.now + 10 * MS)
            for id in ("n1", "n2"):
                running.call(id, asked)
        running.run(200 * MS)
        assert any(isinstance(key, InnerKey) for key in running.on_disk("n1"))
        return lines

    here = trace(kind)
    assert len(here) > 40
    assert trace(lambda id, peers: ByLines(kind(id, peers))) == here
