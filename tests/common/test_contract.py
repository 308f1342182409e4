"""The contract: dispatch, effects, and errors that name the place and say what to do instead."""

import json
import re
from dataclasses import FrozenInstanceError, field, replace
from inspect import signature

import pytest

from common.contract import (
    Application,
    AtMostOnce,
    Broadcast,
    CancelTimer,
    Fire,
    Invoke,
    Node,
    NodeId,
    Note,
    Numbered,
    Receive,
    Return,
    Save,
    Send,
    SetTimer,
    Start,
    message,
    on,
    operation,
    record,
    timer,
)
from common.contract.calls import describe
from common.contract.kinds import check_value
from common.contract.rules import check_effects, check_protocol_source, check_step
from common.contract.sizes import ENVELOPE_BYTES, wire_size
from common.values.errors import BadInput, ContractError
from common.values.history import History, Ok
from common.values.units import MS


@message
class Ping:
    text: str


@message
class Stray:
    pass


@message
class Wide:
    values: tuple[object, ...]


@timer
class Tick:
    round: int


@operation
class Put:
    key: str
    value: int


@record
class Entry:
    term: int


class Everything(Node):
    def on_start(self) -> None:
        self.save("lives", self.saved.get("lives", 0) + 1)
        self.set_timer(10 * MS, Tick(1))

    @on(Ping)
    def ping_received(self, ping: Ping, sender: NodeId) -> None:
        self.send(sender, Ping(ping.text.upper()))
        self.broadcast(ping)
        self.note("ping", text=ping.text)

    @on(Tick)
    def ticked(self, tick: Tick) -> None:
        self.cancel_timer(self.set_timer(tick.round * MS, tick))

    @on(Put)
    def put(self, put: Put, call: int) -> None:
        self.finish(call, Ok(put.value + self.random.randrange(1)))


@pytest.fixture
def node() -> Everything:
    return Everything("n1", ("n2", "n3"))


def test_a_message_reaches_its_handler_and_its_effects_come_out_in_order(node: Everything) -> None:
    assert node.step(Receive(5, "n2", Ping("hi"))) == [
        Send("n2", Ping("HI")),
        Broadcast(("n2", "n3"), Ping("hi")),
        Note("ping", {"text": "hi"}),
    ]
    assert node.now == 5


def test_start_timer_and_operation_reach_their_handlers(node: Everything) -> None:
    started = node.step(Start(0, {"lives": 1}))
    assert started == [Save("lives", 2), SetTimer(1, 10 * MS, Tick(1))]
    assert node.step(Fire(10 * MS, 1, Tick(3))) == [SetTimer(2, 3 * MS, Tick(3)), CancelTimer(2)]
    assert node.step(Invoke(11 * MS, 4, Put("x", 9))) == [Return(4, Ok(9))]


def test_a_message_that_no_handler_takes_names_the_node_and_the_message(node: Everything) -> None:
    with pytest.raises(
        ContractError, match=r"node n1 \(Everything\): no handler takes the message"
    ):
        node.step(Receive(0, "n2", Stray()))
    with pytest.raises(ContractError, match=r"add a method marked @on\(Stray\)"):
        node.step(Receive(0, "n2", Stray()))


def test_a_key_error_inside_a_handler_is_not_taken_for_a_missing_handler() -> None:
    class Broken(Node):
        @on(Ping)
        def ping_received(self, ping: Ping, sender: NodeId) -> None:
            missing: dict[str, int] = {}
            missing[ping.text] += 1

    with pytest.raises(KeyError):
        Broken("n1", ()).step(Receive(0, "n2", Ping("hi")))


def test_an_effect_outside_a_handler_is_refused(node: Everything) -> None:
    with pytest.raises(ContractError, match="called outside a handler"):
        node.send("n2", Ping("hi"))
    with pytest.raises(ContractError, match="called outside a handler"):
        node.save("x", 1)


def test_an_effect_in_the_constructor_is_refused() -> None:
    class Eager(Node):
        def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
            super().__init__(id, peers)
            self.set_timer(1, Tick(1))

    with pytest.raises(ContractError, match="never in __init__"):
        Eager("n1", ())


def test_only_declared_kinds_pass_the_door(node: Everything) -> None:
    class Sloppy(Node):
        def on_start(self) -> None:
            self.send("n2", {"text": "hi"})

    with pytest.raises(ContractError, match="declare its class with @message"):
        Sloppy("n1", ()).step(Start(0, {}))


def test_a_time_is_a_whole_number_of_microseconds() -> None:
    class Float(Node):
        def on_start(self) -> None:
            self.set_timer(0.5, Tick(1))  # type: ignore[arg-type]

    with pytest.raises(ContractError, match="write 150 \\* MS"):
        Float("n1", ()).step(Start(0, {}))


def test_messages_are_frozen_and_mutable_fields_are_refused() -> None:
    with pytest.raises(FrozenInstanceError):
        Ping("hi").text = "ho"  # type: ignore[misc]

    @message
    class Leaky:
        items: list[int]

    with pytest.raises(ContractError, match="'items' of message .*Leaky is a list.*use a tuple"):

        class Takes(Node):
            @on(Leaky)
            def leaky(self, leaky: Leaky, sender: NodeId) -> None: ...


def test_a_declared_class_is_made_as_any_dataclass_is() -> None:
    @record
    class Base:
        first: int
        second: str = "two"

    @record
    class Derived(Base):
        third: tuple[int, ...] = (3,)

    @record
    class Odd:
        self_: int = field(kw_only=True)
        many: tuple[int, ...] = field(default_factory=tuple)

    @record
    class Checked:
        part: int

        def __post_init__(self) -> None:
            if self.part < 0:
                raise ValueError("below 0")

    made = Derived(1, third=(4,))
    assert (made.first, made.second, made.third) == (1, "two", (4,))
    assert replace(made, second="2") == Derived(1, "2", (4,)) != made
    assert hash(Derived(1)) == hash(Derived(1, "two"))
    assert str(signature(Base)) == "(first: int, second: str = 'two') -> None"
    with pytest.raises(TypeError, match=r"Base.__init__\(\) missing 1 required .*'first'"):
        Base()  # type: ignore[call-arg]
    with pytest.raises(FrozenInstanceError):
        made.third = ()  # type: ignore[misc]
    assert (Odd(self_=1).self_, Odd(self_=1).many) == (1, ())
    with pytest.raises(ValueError, match="below 0"):
        Checked(-1)


def test_a_mutable_value_inside_a_message_is_found_when_it_leaves() -> None:
    class Smuggler(Node):
        def on_start(self) -> None:
            self.broadcast(Wide((1, [2])))

    smuggler = Smuggler("n1", ("n2",))
    effects = smuggler.step(Start(0, {}))
    with pytest.raises(ContractError, match=r"a list \(at Wide.values\[1\]\) would leave the node"):
        check_effects(smuggler, effects)
    check_value((1, "two", b"three", None, Entry(4), (5.0,)))


def test_a_handler_with_the_wrong_arguments_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(ContractError, match=r"handler of a timer is called \(self, timer\)"):

        class Wrong(Node):
            @on(Tick)
            def ticked(self, tick: Tick, sender: NodeId) -> None: ...


def test_a_helper_that_would_replace_one_of_nodes_own_is_refused() -> None:
    with pytest.raises(ContractError, match="the name _ask belongs to Node: give yours another"):

        class Clash(Node):
            def _ask(self) -> None: ...  # type: ignore[override]


def test_a_subclass_may_override_a_handler_without_marking_it_again() -> None:
    class Quiet(Everything):
        def ping_received(self, ping: Ping, sender: NodeId) -> None:
            pass

    assert Quiet("n1", ()).step(Receive(0, "n2", Ping("hi"))) == []


def test_a_handler_that_depends_on_hidden_state_is_caught() -> None:
    calls = iter(range(100))

    class Sneaky(Node):
        def on_start(self) -> None:
            self.send("n2", Ping(str(next(calls))))

    with pytest.raises(ContractError, match=r"same state: .*test_contract.py:\d+\)$"):
        check_step(Sneaky("n1", ()), Start(0, {}))


def test_a_handler_that_depends_on_its_state_and_the_event_alone_is_not(node: Everything) -> None:
    assert check_step(node, Start(0, {})) == [Save("lives", 1), SetTimer(1, 10 * MS, Tick(1))]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import time\n", "file.py:1: a protocol file must not import time: read self.now"),
        ("\nfrom random import random\n", "file.py:2: .*draw from self.random"),
        ("import asyncio.streams\n", "must not import asyncio.streams"),
        ("def f():\n    import socket\n", "file.py:2: .*use self.send"),
        ("import threading\n", "a node does one thing at a time"),
        ("x = hash('a')\n", "must not call hash"),
        ("print('hi')\n", "use self.note"),
        ("def f(:\n", "file.py:1: "),
        ("def f(self):\n    self._now = 3\n", "file.py:2: the attribute _now belongs to Node"),
    ],
)
def test_a_protocol_file_that_reaches_the_world_is_refused(source: str, told: str) -> None:
    with pytest.raises(ContractError, match=told):
        check_protocol_source(source, "file.py")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("class A:\n    votes = {}\n", "file.py:2: votes on the class A is shared by all nodes"),
        ("class A:\n    votes: dict[str, int] = dict()\n", "make it in `__init__`"),
        (
            "class A:\n    IDS = itertools.count()\n    def f(self):\n        next(self.IDS)\n",
            ":2: ",
        ),
        ("seen = []\ndef f(x):\n    seen.append(x)\n", "file.py:3: seen of the module is shared"),
        ("seen = {}\ndef f(x):\n    seen[x] = 1\n", "file.py:3: "),
        ("seen = {}\ndef f(x):\n    del seen[x]\n", "file.py:3: "),
        ("ids = count()\ndef f():\n    return next(ids)\n", "file.py:3: ids of the module"),
        ("n = 0\ndef f():\n    global n\n    n += 1\n", "file.py:3: n of the module"),
        ("class A:\n    n = 0\n    def f(self):\n        type(self).n += 1\n", "n of the class"),
        ("class A:\n    n = 0\n    def f(self):\n        self.__class__.n = 1\n", "n of the class"),
        ("def f(self, seen=[]):\n    pass\n", "file.py:1: the default of an argument is made once"),
    ],
)
def test_state_that_all_nodes_would_share_is_refused_with_its_line(source: str, told: str) -> None:
    with pytest.raises(ContractError, match=re.escape(told)):
        check_protocol_source(source, "file.py")


@pytest.mark.parametrize(
    "source",
    [
        "TABLE = {1: 2}\ndef f(x):\n    return TABLE[x]\n",
        "class A:\n    TABLE = {1: 2}\n    def f(self, x):\n        return self.TABLE[x]\n",
        "class A:\n    seen = []\n    def __init__(self):\n        self.seen = []\n",
        "class A:\n    seen: list[int] = field(default_factory=list)\n",
        "seen = []\ndef f():\n    seen = [1]\n    seen.append(2)\n",
        "votes = []\nclass A:\n    def f(self):\n        self.votes.append(1)\n",
    ],
)
def test_constants_and_what_each_object_has_for_itself_are_not_shared(source: str) -> None:
    check_protocol_source(source, "file.py")


def test_a_protocol_file_may_import_the_contract_and_plain_helpers() -> None:
    check_protocol_source("import heapq\nfrom common.contract import Node\n", "file.py")


class Log(Application):
    def __init__(self) -> None:
        self.commands: list[object] = []

    def apply(self, command: object) -> object:
        self.commands.append(command)
        return len(self.commands)

    def snapshot(self) -> object:
        return tuple(self.commands)

    def restore(self, snapshot: object) -> None:
        assert isinstance(snapshot, tuple)
        self.commands = list(snapshot)


def test_at_most_once_carries_out_a_retry_only_once_and_repeats_the_answer() -> None:
    replica = AtMostOnce(Log())
    assert replica.apply(Numbered("c1", 1, "a")) == 1
    assert replica.apply(Numbered("c2", 1, "b")) == 2
    assert replica.apply(Numbered("c1", 1, "a")) == 1
    assert replica.apply(Numbered("c1", 2, "c")) == 3
    assert replica.apply(Numbered("c1", 1, "a")) is None


def test_at_most_once_survives_a_snapshot() -> None:
    first = AtMostOnce(Log())
    first.apply(Numbered("c1", 1, "a"))
    second = AtMostOnce(Log())
    second.restore(first.snapshot())
    assert second.apply(Numbered("c1", 1, "a")) == 1
    assert second.snapshot() == first.snapshot()


def test_an_operation_is_described_by_function_key_and_argument() -> None:
    assert describe(Put("x", 3)) == ("put", "x", 3)


def test_sizes_grow_with_what_is_in_a_message() -> None:
    assert wire_size(Ping("")) == ENVELOPE_BYTES + 1 + len("Ping") + 1
    assert wire_size(Ping("x" * 1000)) - wire_size(Ping("")) == 1002


def test_a_history_writes_records_and_bytes_and_refuses_what_json_cannot_carry() -> None:
    history = History()
    history.finish(history.invoke("c1", "put", "x", Entry(3), 1), Ok(b"\x00"), 2)
    invoked, returned = (json.loads(line) for line in history.to_jsonl().splitlines())
    assert invoked["value"] == {"$type": "Entry", "term": 3}
    assert returned["value"] == {"$bytes": "AA=="}
    history.invoke("c1", "put", "x", {1, 2}, 3)
    with pytest.raises(BadInput, match="which JSON cannot carry"):
        history.to_jsonl()
