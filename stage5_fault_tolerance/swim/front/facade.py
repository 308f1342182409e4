"""The sockets on which Serf agents, and all that use memberlist, reach a node: UDP and TCP."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, get_args

from common.contract import NodeId
from common.runtime.carrier import Address
from common.runtime.facade import Door
from common.runtime.ports import take_port
from common.runtime.refusals import Refusals, Refused
from common.runtime.udp import UdpSocket
from common.values.errors import BadInput
from common.values.history import Ok
from stage5_fault_tolerance.swim.front.book import AddressBook
from stage5_fault_tolerance.swim.front.packets import MAX_ARRIVING, REFUSED, Kind, labelled, write
from stage5_fault_tolerance.swim.front.states import TELLER, list_of, read_stream
from stage5_fault_tolerance.swim.front.translate import Message, Translator
from stage5_fault_tolerance.swim.messages import Join, Members, News

STREAM_SECONDS = 10.0
"""A connection that has not said all after this long is closed."""
MAX_STREAMS = 64
"""So many connections may be open at once; one more is closed unheard."""
JOIN_AGAIN_SECONDS = 1.0

_LIST = b"push/pull"
"""What :meth:`MemberlistFront.pack` makes of a Join: it becomes a connection, and no packet."""


class MemberlistFront:
    """Speaks memberlist's protocol for one node: to its own fellows too, once it is there.

    It is the node's carrier (:mod:`common.runtime.carrier`): what the node sends to a member whose
    address is known leaves here.

    Args:
        door: to the node.
        host: the address to listen on, as it is told to others.
        ports: by node, where its front listens.
        label: of the cluster; packets with another one are refused. "" for none.
        seeds: members of a cluster to join, each at an address.
    """

    def __init__(
        self,
        door: Door,
        host: str,
        ports: Mapping[NodeId, int],
        label: str = "",
        seeds: Sequence[Address] = (),
    ) -> None:
        self._door = door
        self._node = door.node
        self._host = host
        self._port = ports[door.node]
        self._seeds = seeds
        self._book = AddressBook({node: (host, port) for node, port in ports.items()})
        self._translator = Translator(door.node, self._book, label)
        self._refusals = Refusals(REFUSED, door.log)
        self._socket = UdpSocket(door.node, MAX_ARRIVING, self._packet_arrived)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._lists = 0
        door.carry(self)

    # Life.

    async def listen(self) -> None:
        """Take the port, for UDP and TCP; BadInput if it is taken."""
        where = f"{self._host}:{self._port}"
        self._socket.bind(self._host, self._port)
        try:
            self._server = await take_port("Serf agents", where, self._listen)
        except BadInput:
            self._socket.close()
            raise

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, self._host, self._port)

    def release(self) -> None:
        """The node has begun: take what arrives, and join."""
        self._socket.release()
        for seed in self._seeds:
            self._begin(self._join_until_answered(seed))

    def end(self) -> None:
        """Send and take no packet any more."""
        self._socket.close()

    async def close(self) -> None:
        """Close everything, connections under way as well."""
        self.end()
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, object]) -> None:
        if len(self._tasks) >= MAX_STREAMS:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # As the node's carrier.

    @property
    def counters(self) -> dict[str, int]:
        """Packets that were refused, by kind; lists that were exchanged; updates left out."""
        refused = {f"packets_{kind}": count for kind, count in self._refusals.counts.items()}
        return {
            **refused,
            "lists_exchanged": self._lists,
            "updates_left_out": self._translator.left_out,
            "messages_of_serf": self._translator.ignored,
        }

    def know(self, book: Mapping[NodeId, Address]) -> None:
        """Where members listen for our own messages is of no use here."""

    def reaches(self, to: NodeId) -> bool:
        """Whether memberlist has told us where this member is, or it is one of our own."""
        return to != self._node and self._book[to] is not None

    def pack(self, to: NodeId, message: object, number: int) -> bytes:
        """The packet that says it. To join is not a packet in memberlist, but a connection."""
        if isinstance(message, Join):
            return _LIST
        assert isinstance(message, get_args(Message)), "a member of SWIM sends nothing else"
        return self._translator.packet(to, message, number)

    def send(self, to: NodeId, packed: bytes, number: int) -> None:
        """Send a packet, or begin to exchange lists."""
        place = self._book[to]
        if place is None or not packed:
            self._door.dropped(to, number, "no address" if place is None else "nothing to tell")
        elif packed == _LIST:
            self._begin(self._exchange_lists(to, place.address, number))
        elif why := self._socket.send(packed, place.address):
            self._door.dropped(to, number, why)

    def _packet_arrived(self, packet: bytes, source: Address) -> None:
        try:
            arrived = self._translator.arrived(packet, source)
        except Refused as error:
            self._refuse("a packet", source, error)
            return
        number = arrived.number
        for message in arrived.messages:
            self._door.arrived(arrived.sender, message, number)
            number = 0

    def _refuse(self, what: str, source: Address, error: Refused) -> None:
        self._refusals.add(error.kind, f"refused {what} from {source[0]}:{source[1]}: {error}")

    # Over TCP.

    async def _list(self, *, joins: bool) -> bytes:
        outcome = await self._door.ask(Members())
        rows = outcome.value if isinstance(outcome, Ok) else ()
        assert isinstance(rows, tuple), "Members is answered by rows"
        return list_of(rows, self._translator, joins=joins)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "each connection has a task of its own"
        if len(self._tasks) >= MAX_STREAMS:
            writer.transport.abort()
            return
        self._tasks.add(task)
        source = writer.get_extra_info("peername")[:2]
        try:
            async with asyncio.timeout(STREAM_SECONDS):
                await self._answer(reader, writer, source)
        except Refused as error:
            self._refuse("a connection", source, error)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # it is gone, or slow, or this node ends: nothing was promised
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, source: Address
    ) -> None:
        """Answer a list by ours, and a ping by an ack.

        The node itself is asked before: it is to be seen here whether it lives, not only its front.
        """
        asked = await read_stream(reader, self._translator, self._node)
        if asked.kind is Kind.PING:
            self._translator.check_target(asked.fields)
            name = self._translator.asker(asked.fields, source)
        else:
            name = asked.fields.name(TELLER, needed=False) or source[0]
        if self._door.cut(name):
            return
        ours = await self._list(joins=False)
        if asked.kind is Kind.PING:
            answer = write(Kind.ACK, {"SeqNo": asked.fields.number("SeqNo"), "Payload": b""})
            ours = labelled(answer, self._translator.label)
        writer.write(ours)
        await writer.drain()
        if asked.kind is Kind.PUSH_PULL:
            self._lists += 1
            self._door.arrived(name, News(asked.updates))

    async def _exchange_lists(
        self, to: NodeId, address: Address, number: int | None = None
    ) -> bool:
        """Send our list to a member, and take its answer as News; returns whether one came."""
        try:
            async with asyncio.timeout(STREAM_SECONDS):
                reader, writer = await asyncio.open_connection(*address)
                try:
                    writer.write(await self._list(joins=True))
                    answer = await read_stream(reader, self._translator, self._node)
                finally:
                    writer.close()
        except Refused as error:
            self._refuse("the list", address, error)
        except (OSError, TimeoutError) as error:
            if number is not None:
                self._door.dropped(to, number, str(error) or "no answer in time")
        else:
            self._lists += 1
            self._door.arrived(to, News(answer.updates))
            return True
        return False

    async def _join_until_answered(self, seed: Address) -> None:
        while not await self._exchange_lists(self._book.name_at(seed), seed):
            await asyncio.sleep(JOIN_AGAIN_SECONDS)


def make(door: Door, settings: Mapping[str, Any]) -> MemberlistFront:
    """The front of a node.

    Args:
        door: to the node.
        settings: ``host``, ``ports`` by node; and perhaps ``label`` and ``seeds``.

    Raises:
        BadInput: others could not be told where this node is, or a seed is no address.
    """
    host = settings["host"]
    if not _is_address(host):
        raise BadInput(
            f"members tell each other where they listen, and {host!r} says nobody where that is: "
            "give --host an IP address of this machine"
        )
    seeds = [_address(seed) for seed in settings.get("seeds", ())]
    label: str = settings.get("label", "")
    return MemberlistFront(door, host, settings["ports"], label, seeds)


def _is_address(host: str) -> bool:
    try:
        return not ip_address(host).is_unspecified
    except ValueError:
        return False


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise BadInput(f"{text!r} is no address of a member to join: write host:port")
    return host, int(port)
