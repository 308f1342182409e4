"""A node in this process: who asked gets the answer, and what was saved outlives the node."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from common.contract import CallId, Node, message, on, operation
from common.contract.events import NodeId
from common.runtime.carrier import Address
from common.runtime.clock import Clock
from common.runtime.facade import Door
from common.runtime.handshake import Identity
from common.runtime.loops import run
from common.runtime.resident import Resident
from common.values.errors import LabError
from common.values.faults import Partition
from common.values.history import Ok, Outcome, Unknown

HERE = "127.0.0.1"


@operation
class Add:
    """Add to the sum."""

    number: int


@operation
class Forward:
    """Ask the other node to add."""

    number: int


@operation
class Stumble:
    """Raise an exception."""


@operation
class Brood:
    """Never end."""


@message
class PleaseAdd:
    """Asks for an addition."""

    number: int


class Adder(Node):
    """Keeps a sum on its disk."""

    total = 0

    def on_start(self) -> None:
        """Go on where the last life ended."""
        total = self.saved.get("total", 0)
        assert isinstance(total, int)
        self.total = total

    @on(Add)
    def add(self, asked: Add, call: CallId) -> None:
        """Add, and say the sum."""
        self.save("total", self._plus(asked.number))
        self.finish(call, Ok(self.total))

    @on(Forward)
    def forward(self, asked: Forward, call: CallId) -> None:
        """Let the other one add."""
        self.send(self.peers[0], PleaseAdd(asked.number))
        self.finish(call, Ok())

    @on(PleaseAdd)
    def asked(self, asked: PleaseAdd, sender: NodeId) -> None:
        """Add what another node asked for."""
        self._plus(asked.number)

    @on(Stumble)
    def stumble(self, asked: Stumble, call: CallId) -> None:
        """As a student's code may."""
        raise ZeroDivisionError("a bug")

    @on(Brood)
    def brood(self, asked: Brood, call: CallId) -> None:
        """No answer."""

    def _plus(self, number: int) -> int:
        self.total += number
        return self.total


def resident(
    directory: Path, id: NodeId = "n1", on_failure: Callable[[LabError], None] = lambda _: None
) -> Resident:
    peers = ("n2",) if id == "n1" else ("n1",)
    return Resident(
        Adder(id, peers), Identity("test", id, b"a secret of sixteen bytes"), directory / id,
        clock=Clock.starting_now(), seed=id, place=(int(id[1:]), 0), on_failure=on_failure,
    )  # fmt: skip


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not what():
            await asyncio.sleep(0.01)


def play(directory: Path, what: Callable[[Resident], Awaitable[None]]) -> None:
    """Let something be done with a node that has begun."""

    async def life() -> None:
        (directory / "n1").mkdir(exist_ok=True)
        one = resident(directory)
        one.begin({})
        try:
            await what(one)
        finally:
            await one.close()

    run(life())


def test_what_a_node_saved_is_there_in_its_next_life(tmp_path: Path) -> None:
    async def first(one: Resident) -> None:
        assert await one.ask(Add(2)) == Ok(2)
        assert await one.ask(Add(3)) == Ok(5)

    async def second(one: Resident) -> None:
        assert await one.ask(Add(1)) == Ok(6)

    play(tmp_path, first)
    play(tmp_path, second)


def test_calls_under_way_and_later_ones_are_unknown_once_the_node_cannot_go_on(
    tmp_path: Path,
) -> None:
    told: list[Outcome] = []

    async def stumbles(one: Resident) -> None:
        one.submit(Brood(), told.append)
        outcome = await one.ask(Stumble())
        one.submit(Add(1), told.append)
        assert isinstance(one.failure, LabError)
        assert "raised ZeroDivisionError: a bug" in str(one.failure)
        assert [outcome, *told] == [Unknown(str(one.failure))] * 3

    play(tmp_path, stumbles)


def test_the_failure_is_told_before_those_who_wait_are(tmp_path: Path) -> None:
    told: list[str] = []

    async def life() -> None:
        (tmp_path / "n1").mkdir()
        one = resident(tmp_path, on_failure=lambda error: told.append("failure"))
        one.begin({})
        one.submit(Stumble(), lambda outcome: told.append("outcome"))
        await one.close()

    run(life())
    assert told == ["failure", "outcome"]


def test_calls_end_as_is_said_when_nobody_will_answer(tmp_path: Path) -> None:
    async def leaves(one: Resident) -> None:
        waits = asyncio.ensure_future(one.ask(Brood()))
        await asyncio.sleep(0)
        one.end_calls(Unknown("gone"))
        assert await waits == Unknown("gone")

    play(tmp_path, leaves)


def test_who_stopped_waiting_is_forgotten(tmp_path: Path) -> None:
    async def impatient(one: Resident) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await one.ask(Brood())
        assert not one._waiting

    play(tmp_path, impatient)


@pytest.mark.parametrize("cut", [False, True])
def test_faults_that_stand_when_a_node_begins_hold_from_its_first_message_on(
    tmp_path: Path, cut: bool
) -> None:
    """Two in one process: what the first sends arrives, unless they were apart at the start."""

    async def two() -> tuple[int, int]:
        for id in ("n1", "n2"):
            (tmp_path / id).mkdir()
        one, other = resident(tmp_path), resident(tmp_path, "n2")
        port = await other.listen(HERE)
        other.begin({})
        one.begin({"n2": (HERE, port)}, [Partition(0, (("n1",), ("n2",)))] if cut else [])
        await one.ask(Forward(7))
        await until(lambda: bool(other.host.node.total or one.host.counters["messages_dropped"]))  # type: ignore[attr-defined]
        await one.close()
        await other.close()
        return other.host.node.total, one.host.counters["messages_dropped"]  # type: ignore[attr-defined]

    assert run(two()) == ((0, 1) if cut else (7, 0))


class Ferry:
    """A carrier to one peer that keeps what it is given; its peer is in no process of ours."""

    counters = {"trips": 1}

    def __init__(self, door: Door) -> None:
        self.sent: list[tuple[NodeId, bytes]] = []
        self.begun = self.ended = False
        door.carry(self)

    def reaches(self, to: NodeId) -> bool:
        """Nobody else."""
        return to == "n2"

    def pack(self, to: NodeId, message: object, number: int) -> bytes:
        """In a format of its own."""
        return repr(message).encode()

    def send(self, to: NodeId, packed: bytes, number: int) -> None:
        """Keep it."""
        self.sent.append((to, packed))

    def know(self, book: Mapping[NodeId, Address]) -> None:
        """It knows."""

    def release(self) -> None:
        """The node has begun."""
        self.begun = True

    def end(self) -> None:
        """The node has ended."""
        self.ended = True


def test_a_facade_may_carry_messages_to_peers_and_from_them_under_the_same_faults(
    tmp_path: Path,
) -> None:
    async def among_others() -> None:
        (tmp_path / "n1").mkdir()
        one = resident(tmp_path)
        door = Door(one, ("n1",), print)
        ferry = Ferry(door)
        one.begin({})
        door.begun()
        assert ferry.begun
        assert await door.ask(Forward(7)) == Ok()
        assert ferry.sent == [("n2", b"PleaseAdd(number=7)")]
        door.arrived("n2", PleaseAdd(5))
        assert one.host.node.total == 5  # type: ignore[attr-defined]
        assert door.cut("n2") == ""
        one.host.apply(Partition(0, (("n1",),)))
        assert door.cut("n2") == "partition"
        await door.ask(Forward(8))
        door.arrived("n2", PleaseAdd(5))
        assert one.host.node.total == 5, "a cut is one both ways"  # type: ignore[attr-defined]
        door.dropped("n2", 99, "no address")
        assert len(ferry.sent) == 1, "a cut is a cut, whatever carries the message"
        assert one.host.counters["messages_dropped"] == 3
        assert one.host.counters["trips"] == 1
        await one.close()
        assert ferry.ended

    run(among_others())
