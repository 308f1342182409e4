"""A room as a folder: how the terminals of one machine find each other.

Every person of a live room is a process of their own. Those of one room meet in a folder::

    room.json              which room this is, who opened it, its secret (for its owner's eyes only)
    ROOM/NAME/lock         locked by the process of NAME while it lives
    ROOM/NAME/address.json where that process listens
    ROOM/NAME/data         what the member saved, to come back after a crash

The lock is what makes a name one's own: the system takes it away when the process ends, however it
ends. So a name cannot be taken twice, and a member that crashed can come back under its own.
"""

import fcntl
import json
import re
import secrets
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from common.contract import NodeId
from common.runtime.carrier import Address
from common.values.errors import BadInput

OPENER = "host"
"""The name of the person who opens a room."""

DEFAULT = "total"
"""The variant of a room whose opener names none."""

USUAL = Path("out/run/chat/room")
"""Where the room is unless somebody says otherwise, below the present folder."""

NAME = re.compile(r"[a-z][a-z0-9_-]{0,15}")
CLOSING_SECONDS = 3.0
"""How long somebody who closes a room waits for the others to go."""


@dataclass(frozen=True, slots=True)
class RoomCard:
    """What ``room.json`` says.

    Attributes:
        room: the room's name, different for every room.
        secret: what proves that somebody may come in, in hexadecimal.
        opener: who opened it.
        variant: which of the lab's variants is played.
    """

    room: str
    secret: str
    opener: NodeId
    variant: str


class RoomFolder:
    """One folder with at most one open room.

    Args:
        folder: where; it need not be there yet.
        lab: whose people meet there, for sentences that say what to do.
    """

    def __init__(self, folder: Path, lab: str = "chat") -> None:
        self.folder = folder
        self._command = f"lab run {lab}"
        self._card = folder / "room.json"
        self._locks: list[IO[str]] = []

    @property
    def is_usual(self) -> bool:
        """Whether nobody has to be told where it is."""
        return self.folder == USUAL

    def open(self, variant: str) -> RoomCard:
        """Open a room, or come back to the one that this person opened and that is still there.

        Args:
            variant: the variant wanted; "" for that of the room, where there is one.

        Raises:
            BadInput: a room is open here, or it is of another variant, or the folder is no use.
        """
        if self._card.exists():
            card = self.card()
            if self.is_present(card, card.opener):
                raise BadInput(
                    f"a room is open in {self.folder} already: join it with {self._command} --join "
                    "NAME, or open another one with --data FOLDER"
                )
            if variant not in ("", card.variant):
                raise BadInput(
                    f"the room in {self.folder} is {card.variant}, not {variant}: open another one "
                    "with --data FOLDER"
                )
            return card
        card = RoomCard(secrets.token_hex(4), secrets.token_hex(32), OPENER, variant or DEFAULT)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh = self.folder / f"room-{card.room}.new"
            fresh.touch(mode=0o600)
            fresh.write_text(json.dumps(asdict(card)) + "\n", encoding="utf-8")
            fresh.replace(self._card)
        except OSError as error:
            raise BadInput(
                f"no room can be opened in {self.folder}: {error.strerror}: name another folder "
                "with --data"
            ) from None
        return card

    def card(self) -> RoomCard:
        """Which room is here.

        Raises:
            BadInput: there is none, or its card cannot be read.
        """
        try:
            return RoomCard(**json.loads(self._card.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise BadInput(
                f"there is no room in {self.folder}: open one in another terminal with "
                f"{self._command}, in this same folder, or name the room's folder with --data"
            ) from None
        except (OSError, ValueError, TypeError) as error:
            raise BadInput(f"{self._card} is no card of a room: {error}: remove it") from None

    def is_open(self, card: RoomCard) -> bool:
        """Whether this very room is still there."""
        try:
            return self.card() == card
        except BadInput:
            return False

    def sit(self, card: RoomCard, name: NodeId) -> Path:
        """Take a name in a room; returns the folder of its data.

        Raises:
            BadInput: it is no name, or somebody else sits there.
        """
        if not NAME.fullmatch(name):
            raise BadInput(
                f"{name[:40]!r} is no name: write 1 to 16 of a-z, 0-9, - and _, a letter first"
            )
        place = self.folder / card.room / name
        place.mkdir(parents=True, exist_ok=True)
        lock = (place / "lock").open("a", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise BadInput(
                f"{name} sits in this room already, in another terminal: take another name"
            ) from None
        self._locks.append(lock)
        return place

    def stand_up(self) -> None:
        """Give back the names that were taken here; the end of the process does that too."""
        for lock in self._locks:
            lock.close()
        self._locks.clear()

    def is_present(self, card: RoomCard, name: NodeId) -> bool:
        """Whether the process of ``name`` lives."""
        try:
            with (self.folder / card.room / name / "lock").open("r", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def publish(self, place: Path, address: Address) -> None:
        """Let the others know where the process that sits at ``place`` listens."""
        fresh = place / "address.new"
        fresh.write_text(json.dumps(address), encoding="utf-8")
        fresh.replace(place / "address.json")

    def book(self, card: RoomCard) -> dict[NodeId, Address]:
        """Where everybody listens, or listened last."""
        found: dict[NodeId, Address] = {}
        for path in sorted((self.folder / card.room).glob("*/address.json")):
            try:
                host, port = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # it has just been removed: the room is closing
            found[path.parent.name] = (host, port)
        return found

    def close(self, card: RoomCard) -> None:
        """Close a room: nobody can join it any more; its data go when all have gone."""
        self._card.unlink(missing_ok=True)
        end = time.monotonic() + CLOSING_SECONDS
        others = [name for name in self.book(card) if name != card.opener]
        while time.monotonic() < end and any(self.is_present(card, name) for name in others):
            time.sleep(0.05)
        shutil.rmtree(self.folder / card.room, ignore_errors=True)
