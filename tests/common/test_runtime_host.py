"""The host of a node: what happens when, within one turn of the loop."""

import asyncio
import time
from collections.abc import Callable

import pytest

from common.codec import MessagePackCodec
from common.contract import CallId, Node, NodeId, TimerId, message, on, operation, timer
from common.contract.effects import SetTimer
from common.contract.schema import Schema
from common.runtime.clock import Clock
from common.runtime.handshake import Identity
from common.runtime.host import Host
from common.runtime.loops import run
from common.runtime.timers import MOST_PASSES, Timers
from common.runtime.wire import numbers
from common.values.history import Ok, Outcome
from common.values.units import MS

SECRET = b"a secret of sixteen bytes or more"


@message
class News:
    """Something to send."""


@message
class Bulk:
    """Something large to send."""

    data: bytes


@timer
class Alarm:
    """Nobody is to hear it."""


@timer
class Next:
    """What a node does right after a step."""


@operation
class Begin:
    """Ends at once; an alarm is set."""


@operation
class Calm:
    """Ends at once; the alarm is cancelled."""


class Watchman(Node):
    """Sets an alarm in the very step that ends an operation."""

    alarm: TimerId = 0
    heard = 0

    @on(Begin)
    def begin(self, operation: Begin, call: CallId) -> None:
        """Ended before the alarm is set, as far as the effects' order goes."""
        self.finish(call, Ok())
        self.alarm = self.set_timer(1 * MS, Alarm())

    @on(Calm)
    def calm(self, operation: Calm, call: CallId) -> None:
        """No alarm any more."""
        self.cancel_timer(self.alarm)
        self.finish(call, Ok())

    @on(Alarm)
    def alarmed(self, timer: Alarm) -> None:
        """It was cancelled."""
        self.heard += 1


class Sender(Node):
    """Sends to a friend, and does something of its own at once afterwards."""

    seen: tuple[int, ...] = ()
    written: Callable[[], int] = staticmethod(lambda: 0)

    @on(Begin)
    def begin(self, operation: Begin, call: CallId) -> None:
        """The timer is set first; the message leaves first all the same."""
        self.set_timer(0, Next())
        self.send("n2", News())

    @on(Next)
    def go_on(self, timer: Next) -> None:
        """How much is on its way by now?"""
        self.seen = (*self.seen, self.written())

    @on(News)
    def news(self, news: News, sender: NodeId) -> None:
        """Nobody sends any."""


def host_of(node: Node, on_return: Callable[[CallId, Outcome], None]) -> Host:
    """A host without a disk and without connections."""
    return Host(
        node,
        Identity("test", node.id, SECRET),
        MessagePackCodec(Schema.of(type(node))),
        numbers=numbers(0, 0),
        clock=Clock.starting_now(),
        seed="1",
        log=lambda _: None,
        on_return=on_return,
        on_failure=lambda error: (_ for _ in ()).throw(error),
    )


def test_a_timer_can_be_cancelled_by_what_the_end_of_an_operation_brings_about() -> None:
    """Who is told that an operation has ended may ask for the next one right then, within the
    step that set the timer."""

    async def play() -> int:
        node = Watchman("n1", ())

        def ended(call: CallId, outcome: Outcome) -> None:
            if call == 1:
                host.invoke(2, Calm())

        host = host_of(node, ended)
        host.start({})
        host.invoke(1, Begin())
        await asyncio.sleep(0.02)
        await host.close()
        return node.heard

    assert run(play()) == 0, "an alarm went off that was cancelled"


def test_what_a_step_sends_is_written_before_its_timer_of_no_time_fires() -> None:
    async def play() -> tuple[int, ...]:
        node, friend = Sender("n1", ("n2",)), Sender("n2", ("n1",))
        host, other = host_of(node, lambda *_: None), host_of(friend, lambda *_: None)
        port = await other.transport.listen("127.0.0.1", 0)
        host.transport.know({"n2": ("127.0.0.1", port)})
        for each in (host, other):
            each.start({})
        host.invoke(1, Begin())  # it connects
        await asyncio.sleep(0.2)
        connection = host.transport.peers["n2"].connections[-1]
        node.written = lambda: connection.out_bytes
        node.seen = ()
        host.invoke(2, Begin())
        await asyncio.sleep(0.05)
        for each in (host, other):
            await each.close()
        return node.seen

    assert run(play()) == (0,), "the frame was still waiting to be written"


class Follower(Node):
    """Takes its leader for dead unless it is heard in time; what is large keeps it busy."""

    elections = 0
    heard = 0
    alarm: TimerId = 0

    @on(Begin)
    def begin(self, operation: Begin, call: CallId) -> None:
        """As the leader, be heard, behind much else. As the follower, wait for that."""
        if self.peers:
            for _ in range(3):
                self.send(self.peers[0], Bulk(bytes(300_000)))
            self.send(self.peers[0], News())
        else:
            self.alarm = self.set_timer(20 * MS, Alarm())

    @on(Bulk)
    def bulk(self, bulk: Bulk, sender: NodeId) -> None:
        """The processor is busy with it, until the alarm is due."""
        time.sleep(0.03)

    @on(News)
    def news(self, news: News, sender: NodeId) -> None:
        """The leader lives."""
        self.heard += 1
        self.cancel_timer(self.alarm)

    @on(Alarm)
    def alarmed(self, timer: Alarm) -> None:
        """The leader is dead."""
        self.elections += 1


@pytest.mark.parametrize("stock", [False, True])
def test_a_busy_node_hears_what_has_arrived_before_its_timers_fire(stock: bool) -> None:
    """The heartbeat is in the socket when the timer is due: nothing is late but this process."""

    async def play() -> tuple[int, int]:
        node, leader = Follower("n1", ()), Follower("n2", ("n1",))
        host, other = host_of(node, lambda *_: None), host_of(leader, lambda *_: None)
        other.transport.know({"n1": ("127.0.0.1", await host.transport.listen("127.0.0.1", 0))})
        for each in (host, other):
            each.start({})
        other.invoke(1, Begin())  # it connects
        while not node.heard:
            await asyncio.sleep(0.01)
        for call in range(2, 6):
            other.invoke(call, Begin())
            other.transport._flush()
            host.invoke(call, Begin())
            while node.heard < call:
                await asyncio.sleep(0)
        for each in (host, other):
            await each.close()
        return node.heard, node.elections

    assert run(play(), stock=stock) == (5, 0)


@pytest.mark.parametrize("stock", [False, True])
def test_a_late_timer_fires_at_last_though_more_and_more_arrives(stock: bool) -> None:
    looks: list[int] = []
    fired: list[int] = []

    def arrivals() -> int:
        looks.append(1)
        return len(looks)

    async def play() -> None:
        loop = asyncio.get_running_loop()
        timers = Timers(loop, lambda effect: fired.append(effect.id), arrivals)
        for id in (1, 2, 3):
            timers.set(SetTimer(id, 1, Alarm()), 0.001)
        timers.cancel(3)
        time.sleep(0.05)
        while len(fired) < 2:
            await asyncio.sleep(0)
        timers.clear()

    run(play(), stock=stock)
    assert sorted(fired) == [1, 2]
    assert len(looks) <= 2 * (MOST_PASSES + 1)
