"""``lab run crdt``: people of one machine edit one text, each in a terminal with an own copy.

The first one opens it (``lab run crdt``), the others join (``lab run crdt --join ann``). Every
terminal is a process with the lab's own node class in it, on TCP, with a disk. Nobody is special:
who leaves or crashes comes back with the same command, and the others go on meanwhile.

The members of this lab are fixed, so the seats have names, and an empty one is a member that is
down. Since somebody who is down may come back, gravestones are kept.
"""

import asyncio
import os
import shutil
import sys
import threading
from contextlib import suppress
from pathlib import Path

from common.contract import NodeId, on
from common.runtime import loops
from common.runtime.carrier import Address
from common.runtime.clock import Clock
from common.runtime.handshake import Identity
from common.runtime.resident import Resident
from common.values.errors import BadInput
from common.values.history import Failed, Outcome
from common.worlds import Seat
from stage2_communication.chat.front.folder import OPENER, RoomCard, RoomFolder
from stage2_communication.chat.front.terminal import typing
from stage2_communication.clocks.vector import VectorClock
from stage7_advanced.crdt.front.page import Action, Keyboard, Page
from stage7_advanced.crdt.operations import MAX_TYPED, Erase, Have, TextReplica, Type

NAMES = (OPENER, "ann", "bob", "cat", "dan", "eve")
"""The seats."""

USUAL = Path("out/run/crdt/text")
"""Where the text is unless somebody says otherwise, below the present folder."""

HERE = "127.0.0.1"
LOOK_SECONDS = 0.05
"""How often a terminal looks whether the text has changed."""

MAX_TEXT = 100_000
"""Characters that a text takes from a keyboard."""

READ_BYTES = 4_096
LEAVE_SECONDS = 3.0
"""So long somebody who leaves waits for the others to have all; what they lack comes later."""


class SeatedReplica(TextReplica):
    """The lab's replica; it remembers what others have said that they have, for who leaves."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.told: dict[NodeId, VectorClock] = {}

    @on(Have)
    def have_received(self, have: Have, sender: NodeId) -> None:
        """As ever, and remembered."""
        self.told[sender] = VectorClock(have.counts)
        super().have_received(have, sender)

    def is_known_to(self, peer: NodeId) -> bool:
        """Whether a peer has said that it has all that was done here."""
        return peer in self.told and self.told[peer].covers(self.done)


def sit_down(seat: Seat) -> None:
    """Sit down at the text and stay until the person leaves.

    Raises:
        BadInput: there is no text to join, or the name cannot be had; the text says what to do.
        LabError: the replica's code broke the contract, or its disk failed.
    """
    if seat.variant:
        raise BadInput("people edit the text by operations: leave --variant out, or add --headless")
    name = seat.name or OPENER
    if name not in NAMES:
        raise BadInput(f"there is no seat {name[:40]!r}: the seats are {', '.join(NAMES)}")
    folder = RoomFolder(seat.directory or USUAL, lab="crdt")
    card = folder.card() if seat.name else folder.open("text")
    loops.run(_sit(folder, card, name))


async def _sit(folder: RoomFolder, card: RoomCard, name: NodeId) -> None:
    await Terminal(folder, card, name).run()


class Terminal:
    """What one person sees and types.

    Args:
        folder: where the text's people find each other.
        card: which text it is.
        name: who sits here.

    Raises:
        BadInput: somebody sits here already.
    """

    def __init__(self, folder: RoomFolder, card: RoomCard, name: NodeId) -> None:
        self.folder, self.card, self.name = folder, card, name
        self._place = folder.sit(card, name)
        self.replica = SeatedReplica(name, tuple(each for each in NAMES if each != name))
        self.page = Page(self.replica.text)
        self.notice = ""
        self._resident = Resident(
            self.replica,
            Identity(card.room, name, bytes.fromhex(card.secret)),
            self._place,
            clock=Clock.starting_now(),
            seed=name,
        )
        self._known: dict[NodeId, Address] = {}
        self._actions: asyncio.Queue[Action] = asyncio.Queue()
        self._drawn: tuple[object, ...] = ()

    async def run(self) -> None:
        """Sit there until the person leaves, or the replica cannot go on."""
        self.folder.publish(self._place, (HERE, await self._resident.listen(HERE)))
        self._resident.begin({})
        with typing(sys.stdin.fileno()) as keys:
            loop = asyncio.get_running_loop()
            threading.Thread(target=self._read, args=(loop, keys), daemon=True).start()
            looking = asyncio.create_task(self._look(keys))
            try:
                await self._obey()
                await self._say_goodbye()
            finally:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
                await self._resident.close()
                self.folder.stand_up()
        end = "\x1b[2J\x1b[H" if keys else ""
        sys.stdout.write(f"{end}{self.page.text.text()}\n")
        if self._resident.failure is not None:
            raise self._resident.failure

    # What the person types.

    def _read(self, loop: asyncio.AbstractEventLoop, keys: bool) -> None:
        """In a thread of its own: hand over what is typed, until it ends."""
        keyboard = Keyboard()
        with suppress(RuntimeError):  # the loop has ended before stdin
            while data := self._bytes():
                for action in keyboard.feed(data):
                    if keys or action[0] == "type":
                        loop.call_soon_threadsafe(self._actions.put_nowait, action)
            loop.call_soon_threadsafe(self._actions.put_nowait, ("leave", ""))

    def _bytes(self) -> bytes:
        try:
            return os.read(sys.stdin.fileno(), READ_BYTES)
        except OSError:
            return b""  # the terminal is gone

    async def _obey(self) -> None:
        """Do what is typed, one after the other, until the person leaves."""
        while self._resident.failure is None:
            what, text = await self._actions.get()
            if what == "leave":
                return
            if what == "type":
                await self._type(text)
            elif what == "backspace":
                await self._erase(self.page.index() - 1)
            elif what == "delete":
                await self._erase(self.page.index())
            else:
                self.page.move(what)

    async def _type(self, text: str) -> None:
        room = max(0, MAX_TEXT - len(self.page.text))
        if len(text) > room:
            self.notice = f"the text is full: it has at most {MAX_TEXT:,} characters"
        for begin in range(0, min(room, len(text)), MAX_TYPED):
            piece = text[begin : min(room, begin + MAX_TYPED)]
            at = self.page.index()
            self._complain(await self._resident.ask(Type(at, piece)))
            self.page.put(at + len(piece))

    async def _erase(self, index: int) -> None:
        if index >= 0:
            self._complain(await self._resident.ask(Erase(index)))
            self.page.put(index)

    def _complain(self, outcome: Outcome) -> None:
        self.notice = outcome.reason if isinstance(outcome, Failed) else self.notice

    async def _say_goodbye(self) -> None:
        """Wait until all who are there have what was typed here, but not forever."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                while not all(map(self.replica.is_known_to, self._present())):
                    await asyncio.sleep(LOOK_SECONDS)

    # What the person sees.

    async def _look(self, keys: bool) -> None:
        """See who is there, and draw what has changed."""
        while True:
            book = self.folder.book(self.card)
            moved = {name: at for name, at in book.items() if self._known.get(name) != at}
            self._known = book
            if moved:
                self._resident.know(moved)
            if keys:
                self._draw()
            if self._resident.failure is not None:
                self._actions.put_nowait(("leave", ""))
            await asyncio.sleep(LOOK_SECONDS)

    def _present(self) -> list[NodeId]:
        """The others who are there now."""
        others = (name for name in NAMES if name != self.name)
        return [name for name in others if self.folder.is_present(self.card, name)]

    def _draw(self) -> None:
        size, present = shutil.get_terminal_size(), self._present()
        seen = (size, present, self.notice, self.page.cursor, self.replica.done.counts())
        if seen == self._drawn:
            return
        self._drawn = seen
        lines, row, column = self.page.draw(size.columns - 1, size.lines - 2)
        company = f"with {', '.join(present)}" if present else "alone"
        status = f"you are {self.name}, {company} | Ctrl-D leaves | {self.notice}"
        shown = "\r\n".join((f"\x1b[7m{status[: size.columns - 1]}\x1b[0m", *lines))
        sys.stdout.write(f"\x1b[2J\x1b[H{shown}\x1b[{row + 2};{column + 1}H")
        sys.stdout.flush()
