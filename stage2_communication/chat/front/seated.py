"""A member of a live room: the node class of the lab, on TCP and with a disk, in this process."""

from common.contract import NodeId
from common.runtime.carrier import Address
from common.runtime.clock import Clock
from common.runtime.handshake import Identity
from common.runtime.resident import Resident
from common.values.errors import LabError
from common.values.history import Outcome
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
        self._known: dict[NodeId, Address] = {}
        peers = () if name == card.opener else (card.opener,)
        self.member = kind(name, peers, founders=(card.opener,))
        self._resident = Resident(
            self.member,
            Identity(card.room, name, bytes.fromhex(card.secret)),
            self._place,  # nothing is logged: the screen tells the person who does not answer
            clock=Clock.starting_now(),
            seed=name,
        )

    @property
    def failure(self) -> LabError | None:
        """Why the member cannot go on, once it cannot."""
        return self._resident.failure

    async def __aenter__(self) -> "Seated":
        self._folder.publish(self._place, (HERE, await self._resident.listen(HERE)))
        self.meet()
        self._resident.begin({})
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._resident.close()
        self._folder.stand_up()

    def meet(self) -> None:
        """Learn where everybody listens now."""
        book = self._folder.book(self._card)
        moved = {name: at for name, at in book.items() if self._known.get(name) != at}
        self._known = book
        if moved:
            self._resident.know(moved)

    async def call(self, operation: Operation) -> Outcome:
        """Ask the member for something, and wait for the answer however long it takes.

        Raises:
            LabError: the member cannot go on.
        """
        if self.failure is not None:
            raise self.failure
        return await self._resident.ask(operation)
