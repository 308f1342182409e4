"""``lab run chat``: people of one machine talk, each at a terminal, each a member of the room.

The first one opens the room (``lab run chat``), the others join it (``lab run chat --join bob``).
Every terminal is a process with the very node class of the lab in it, on TCP, with a disk. Who
closes the terminal without leaving has crashed, and comes back with the same command.
"""

import asyncio
import os
import signal
import sys
import termios
import threading
import tty
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress

from common.contract import NodeId
from common.runtime import loops
from common.values.errors import BadInput
from common.values.history import Failed, Ok, Outcome
from common.worlds import Seat
from stage2_communication.chat.checks import told
from stage2_communication.chat.front.editor import LineEditor, Typed
from stage2_communication.chat.front.folder import USUAL, RoomCard, RoomFolder
from stage2_communication.chat.front.screen import Screen
from stage2_communication.chat.front.seated import Seated
from stage2_communication.chat.member import Member
from stage2_communication.chat.messages import MAX_TEXT, Join, Leave, Read, Remove, Say
from stage2_communication.chat.worlds import WORLDS

LOOK_SECONDS = 0.1
"""How often a terminal looks for new lines, and for new people."""

SILENT_SECONDS = 2.0
"""After so long without a word that everybody waits for, the person is told whose."""

READ_BYTES = 4_096

HELP = (
    "write a line and press Enter; /who says who is here; /leave or Ctrl-D leaves for good; "
    "Ctrl-C goes without leaving, as a crash would, and the same command brings you back"
)
OPENERS_HELP = "/remove NAME takes out somebody who has crashed; /leave closes the room for all"


def sit_down(seat: Seat) -> None:
    """Sit down in a room and stay until the person leaves.

    Raises:
        BadInput: there is no room, or no such variant, or the name cannot be had; the text says
            what to do.
        LabError: the member's code broke the contract, or its disk failed.
    """
    folder = RoomFolder(seat.directory or USUAL)
    WORLDS.variant(seat.variant)
    card = folder.card() if seat.name else folder.open(seat.variant)
    if seat.variant not in ("", card.variant):
        raise BadInput(f"the room is {card.variant}, not {seat.variant}: leave --variant out")
    loops.run(_sit(folder, card, seat.name or card.opener))


async def _sit(folder: RoomFolder, card: RoomCard, name: NodeId) -> None:
    kind = WORLDS.variant(card.variant).node
    assert issubclass(kind, Member), "the variants of a chat are members"
    with typing(sys.stdin.fileno()) as keys:
        async with Seated(folder, card, name, kind) as seated:
            await Terminal(folder, card, seated, Screen(keys)).run()


@contextmanager
def typing(fd: int) -> Iterator[bool]:
    """Get every key at once while this lasts; says whether there are keys, or a pipe."""
    if not os.isatty(fd):
        yield False
        return
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    try:
        yield True
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


class Terminal:
    """What one person sees and types.

    Args:
        folder: where the room is.
        card: which room.
        seated: the person's member.
        screen: what to draw on.
    """

    def __init__(self, folder: RoomFolder, card: RoomCard, seated: Seated, screen: Screen) -> None:
        self.folder = folder
        self.card = card
        self.seated = seated
        self.screen = screen
        self.editor = LineEditor(screen.keys)
        self.opener = seated.name == card.opener
        self.shown = 0
        self.silent_since = 0.0
        self.silent: str | None = None
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[str] = self._loop.create_future()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Sit there until the person goes, the room closes, or the member cannot go on.

        Raises:
            LabError: the member cannot go on.
        """
        self._loop.add_signal_handler(
            signal.SIGINT, self._end, "gone without leaving: the same command brings you back"
        )
        self._greet()
        self._begin(self._come_in())
        while not self._done.done():
            await self._look()
            await asyncio.wait([self._done], timeout=LOOK_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.seated.failure is not None:
            raise self.seated.failure
        self.screen.say(f"* {self._done.result()}")
        self.screen.end()

    def _greet(self) -> None:
        name = self.seated.name
        if self.opener:
            self.screen.say(f"* you are {name}, and the room is open ({self.card.variant} order)")
            where = "" if self.folder.is_usual else f" --data {self.folder.folder}"
            self.screen.say(f"* in other terminals: lab run chat --join NAME{where}")
        else:
            self.screen.say(f"* you are {name}, and ask {self.card.opener} to let you in")
        self.screen.say(f"* {HELP}{'; ' + OPENERS_HELP if self.opener else ''}")

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _end(self, why: str) -> None:
        if not self._done.done():
            self._done.set_result(why)

    # What comes.

    async def _look(self) -> None:
        """Show what is new; see who is there."""
        if self.seated.failure is not None:
            self._end("")
            return
        self.seated.meet()
        while isinstance(outcome := await self.seated.call(Read(self.shown)), Ok):
            if not outcome.value:
                break
            assert isinstance(outcome.value, tuple), "Read ends with lines"
            for line in outcome.value:
                self.screen.say(told(line))
            self.shown += len(outcome.value)
        self._tell_of_silence()
        if self.seated.name in self.seated.member.room.removed:
            self._end("you are no longer in the room, and a name never comes back")
        elif not self.opener and not self.folder.is_open(self.card):
            self._end(f"{self.card.opener} has closed the room")

    def _tell_of_silence(self) -> None:
        """Say once for whose word everybody waits, if they have been silent for long."""
        silent = ", ".join(self.seated.member.waits_for())
        now = self._loop.time()
        if not silent:
            self.silent = None
        elif silent != self.silent:
            self.silent, self.silent_since = silent, now
        elif 0 < self.silent_since < now - SILENT_SECONDS:
            self.silent_since = 0
            self.screen.say(
                f"* nothing more can be shown without a word of {silent}, who may be slow or gone: "
                f"wait, or let {self.card.opener} say /remove {silent.partition(',')[0]}"
            )

    # What the person types.

    def _read_keys(self) -> None:
        """In a thread of its own: hand over what is typed, until it ends."""
        with suppress(RuntimeError):  # the loop has ended before stdin
            while not self.editor.ended:
                try:
                    data = os.read(sys.stdin.fileno(), READ_BYTES)
                except OSError:
                    data = b""  # the terminal is gone
                self._loop.call_soon_threadsafe(self._typed, data)
                if not data:
                    return

    def _typed(self, data: bytes) -> None:
        lines = self.editor.feed(data)
        self.screen.draw(self.editor.text)
        for line in lines:
            self._begin(self._carry_out(line))
        if self.editor.ended:
            self._begin(self._leave())

    async def _carry_out(self, typed: Typed) -> None:
        command, _, rest = typed.text.strip().partition(" ")
        if typed.length > len(typed.text):
            self.screen.say(
                f"! not posted: a post has at most {MAX_TEXT} characters, and this line has "
                f"{typed.length}"
            )
        elif command == "/leave":
            await self._leave()
        elif command == "/who":
            self._who()
        elif command == "/help":
            self.screen.say(f"* {HELP}")
        elif command == "/remove":
            self._complain("not removed", await self.seated.call(Remove(rest.strip())))
        elif command.startswith("/"):
            self.screen.say(f"! there is no {command}: {HELP}")
        elif command:
            self._complain("not posted", await self.seated.call(Say(typed.text)))

    def _complain(self, what: str, outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            self.screen.say(f"! {what}: {outcome.reason}")
        elif not isinstance(outcome, Ok):
            self.screen.say(f"! perhaps {what}: {outcome.reason}")

    def _who(self) -> None:
        members = [
            f"{name}{'' if self.folder.is_present(self.card, name) else ' (terminal closed)'}"
            for name in self.seated.member.room.members()
        ]
        self.screen.say(f"* here: {', '.join(members)}")

    async def _come_in(self) -> None:
        """Join the room, and from then on hear what the person types."""
        outcome = await self.seated.call(Join())
        if isinstance(outcome, Failed):
            self._end(f"not let in: {outcome.reason}")
        else:
            threading.Thread(target=self._read_keys, daemon=True).start()

    async def _leave(self) -> None:
        """Leave for good; who opened the room closes it. A script's posts are shown first."""
        if not self.screen.keys:
            await asyncio.gather(*(self._tasks - {asyncio.current_task()}))
        if self.opener:
            self.screen.say("* closing the room")
            await asyncio.to_thread(self.folder.close, self.card)
            self._end("the room is closed")
        else:
            self._complain("not left", await self.seated.call(Leave()))
