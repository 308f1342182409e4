"""A member of a live room: the node class of the lab, on TCP and with a disk, in this process."""

import asyncio

from common.codec import MessagePackCodec, Schema
from common.contract import NodeId
from common.contract.events import CallId
from common.runtime.clock import Clock
from common.runtime.handshake import Identity
from common.runtime.host import Host
from common.runtime.storage import LogStorage
from common.runtime.transport import Address
from common.runtime.wire import numbers
from common.values.errors import LabError
from common.values.history import Outcome, Unknown
from stage2_communication.chat.front.folder import RoomCard, RoomFolder
from stage2_communication.chat.member import Member
from stage2_communication.chat.messages import Operation

HERE = "127.0.0.1"


class Seated:
    """A member that runs in this process; an asynchronous context manager.

    Args:
        folder: where the room is.
        card: which room it is.
        name: whose place to take.
        kind: the member's class.

    Raises:
        BadInput: the name cannot be had.
    """

    def __init__(
        self, folder: RoomFolder, card: RoomCard, name: NodeId, kind: type[Member]
    ) -> None:
        self.name = name
        self._folder = folder
        self._card = card
        self._place = folder.sit(card, name)
        self._calls: dict[CallId, asyncio.Future[Outcome]] = {}
        self._last_call: CallId = 0
        self._known: dict[NodeId, Address] = {}
        schema = Schema.of(kind)
        self._storage = LogStorage(self._place / "data", schema)
        peers = () if name == card.opener else (card.opener,)
        self.member = kind(name, peers, founders=(card.opener,))
        self._host = Host(
            self.member,
            Identity(card.room, name, bytes.fromhex(card.secret)),
            MessagePackCodec(schema),
            numbers=numbers(0, 0),
            clock=Clock.starting_now(),
            seed=name,
            log=lambda sentence: None,  # the person is told by the screen who does not answer
            on_return=self._returned,
            on_failure=self._failed,
            storage=self._storage,
        )
        self.failure: LabError | None = None
        """Why the member cannot go on, once it cannot."""

    async def __aenter__(self) -> "Seated":
        transport = self._host.transport
        self._folder.publish(self._place, (HERE, await transport.listen(HERE, hold=True)))
        self.meet()
        self._host.start(self._storage.load())
        transport.release()
        return self

    async def __aexit__(self, *_: object) -> None:
        for answer in self._calls.values():
            answer.cancel()
        await self._host.close()
        self._storage.close()
        self._folder.stand_up()

    def meet(self) -> None:
        """Learn where everybody listens now."""
        book = self._folder.book(self._card)
        moved = {name: at for name, at in book.items() if self._known.get(name) != at}
        self._known = book
        if moved:
            self._host.transport.know(moved)

    async def call(self, operation: Operation) -> Outcome:
        """Ask the member for something, and wait for the answer however long it takes.

        Raises:
            LabError: the member cannot go on.
        """
        if self.failure is not None:
            raise self.failure
        self._last_call += 1
        call = self._last_call
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._calls[call] = answer
        try:
            self._host.invoke(call, operation)
            return await answer
        finally:
            del self._calls[call]

    def _returned(self, call: CallId, outcome: Outcome) -> None:
        answer = self._calls.get(call)
        if answer is not None and not answer.done():
            answer.set_result(outcome)

    def _failed(self, error: LabError) -> None:
        self.failure = error
        for answer in self._calls.values():
            if not answer.done():
                answer.set_result(Unknown(str(error)))
