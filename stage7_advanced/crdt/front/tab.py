"""A page of the docs site as a replica: in goes what a person wrote, out comes what others hear.

Sans-I/O. The page is this node's world (``docs/assets/playground/together.mjs``): it keeps the
clock, carries what is said to the other pages of the browser, and shows the text. One turn after
the other::

    {"now": 1200, "heard": [["page-b", {...}]], "shows": true, "wrote": "tea", "cursor": [3, 3]}

Pages come and go, so nobody knows all replicas: every gravestone is kept. Nothing is saved either.
A page that is closed is gone, and what was typed in it lives on in the others.

The person goes on typing while Python works. So what they wrote may be a change to an older text
than the one that is here. It is the identities of the characters, not their numbers, that say what
was erased, and behind what something was typed.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

from common.contract import NodeId, TimerId
from common.contract.effects import Broadcast, CancelTimer, Send, SetTimer
from common.contract.events import Event, Fire, Invoke, Receive, Start
from common.values.errors import BadInput
from common.values.units import MS
from stage7_advanced.crdt.dots import Dot
from stage7_advanced.crdt.front.page import Page
from stage7_advanced.crdt.fugue import Delete, Insert
from stage7_advanced.crdt.operations import MAX_TYPED, Edit, Edits, Erase, Have, TextReplica, Type

OTHERS = "the other pages"
"""The only peer that a page knows of: all pages that hear it."""

EVERY = 200 * MS
"""The time between two rounds of asking what is lacking."""

MOST = 20_000
"""Characters that a text takes."""

Plain: TypeAlias = Any
"""What JSON has."""


class Tab:
    """A copy of the text, in a page.

    Args:
        name: of this page; no other one ever has it.
        now: the page's clock, in microseconds.

    Attributes:
        view: the characters that the page shows, each with its identity and its sign. The text may
            be newer.
    """

    def __init__(self, name: NodeId, now: int) -> None:
        self.replica = TextReplica(name, (OTHERS,), every=EVERY)
        self.view: list[tuple[Dot, str]] = []
        self._offered: list[tuple[Dot, str]] = []
        self._timers: dict[TimerId, tuple[int, object]] = {}
        self._said: list[tuple[NodeId, Plain]] = []
        self._calls = 0
        self._now = now
        self._step(Start(now, {}))

    def turn(self, told: Mapping[str, Any]) -> dict[str, Plain]:
        """Take what has happened in the page, and answer what it should show and say.

        Args:
            told: ``now``, the clock; ``heard``, pairs of a page's name and what it said;
                ``shows``, whether the page shows the text of the last answer; ``wrote``, what the
                person has made of what the page shows, or None; ``cursor``, the beginning and the
                end of their selection.

        Returns:
            ``say``: pairs of a page's name, "" for all, and what it should hear. ``text`` and
            ``cursor``: what to show. ``wake``: after how many milliseconds to come again.
            ``full``: whether something that was typed found no room. ``problem``: what was wrong
            with something that was heard, or "".
        """
        self._now = max(self._now, int(told["now"]))
        if told["shows"]:
            self.view = self._offered
        problem = self._hear(told["heard"])
        for id, (at, timer) in sorted(self._timers.items()):
            if at <= self._now:
                del self._timers[id]
                self._step(Fire(self._now, id, timer))
        full = told["wrote"] is not None and self._write(told["wrote"], told["cursor"][1])
        said, self._said = self._said, []
        answer = {"say": said, "full": full, "problem": problem, **self.replica.status()}
        answer["wake"] = max(0, min(at for at, _ in self._timers.values()) - self._now) // MS
        return answer | self._shown_with(told["cursor"])

    def _shown_with(self, cursor: Sequence[int]) -> dict[str, Plain]:
        """What to show, and where the cursor of the view is in that."""
        text = self.replica.text
        shown = text.text()
        self._offered = list(zip(self._names(), shown, strict=True))
        behind = [self.view[at - 1][0] if 0 < at <= len(self.view) else None for at in cursor]
        return {"text": shown, "cursor": [Page(text, name).index() for name in behind]}

    # What happens to the replica, and what it asks for.

    def _step(self, event: Event) -> None:
        for effect in self.replica.step(event):
            match effect:
                case Send(to, message):
                    self._said.append((to, written(message)))
                case Broadcast(_, message):
                    self._said.append(("", written(message)))
                case SetTimer(id, after, timer):
                    self._timers[id] = (self._now + after, timer)
                case CancelTimer(id):
                    self._timers.pop(id, None)

    def _hear(self, heard: Sequence[Plain]) -> str:
        problem = ""
        for sender, plain in heard:
            try:
                self._step(Receive(self._now, sender, read(plain)))
            except BadInput as error:
                problem = str(error)
        return problem

    def _ask(self, operation: Type | Erase) -> None:
        self._calls += 1
        self._step(Invoke(self._now, self._calls, operation))

    # What the person wrote.

    def _write(self, wrote: str, cursor: int) -> bool:
        """Do what makes ``wrote`` of the view; returns whether something found no room.

        Who has typed or erased something has the cursor behind it. So what stands behind the cursor
        was there before, as far as it is the same. That tells which of two equal signs is new.
        """
        old = "".join(sign for _, sign in self.view)
        end = _alike(old[::-1], wrote[cursor:][::-1])
        begin = _alike(old[: len(old) - end], wrote[: len(wrote) - end])
        gone = {name for name, _ in self.view[begin : len(old) - end]}
        come = wrote[begin : len(wrote) - end]
        self._erase(gone)
        room = max(0, MOST - len(self.replica.text))
        at = Page(self.replica.text, self.view[begin - 1][0] if begin else None).index()
        taken = come[:room]
        for piece in range(0, len(taken), MAX_TYPED):
            self._ask(Type(at + piece, taken[piece : piece + MAX_TYPED]))
        names = islice(self._names(), at, at + len(taken))
        rest = self.view[len(old) - end :]
        self.view = [*self.view[:begin], *zip(names, taken, strict=True), *rest]
        return len(taken) < len(come)

    def _erase(self, gone: set[Dot]) -> None:
        """Erase these characters, as far as they are still there: run by run, the last one first,
        so that the places of the others stay what they are."""
        runs: list[list[int]] = []
        for at, name in enumerate(self._names()):
            if name not in gone:
                continue
            if runs and sum(runs[-1]) == at and runs[-1][1] < MAX_TYPED:
                runs[-1][1] += 1
            else:
                runs.append([at, 1])
        for at, count in reversed(runs):
            self._ask(Erase(at, count))

    def _names(self) -> Iterator[Dot]:
        row = self.replica.text.row
        return (name for name in row if row.shows(name))


def _alike(one: str, other: str) -> int:
    """How many signs both texts begin with."""
    both = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in both if a != b), min(len(one), len(other)))


# What pages say to each other, as JSON.


def written(message: object) -> Plain:
    """A message as a page can carry it."""
    match message:
        case Have(counts):
            return {"have": counts}
        case Edits(edits):
            plain = [
                (each.author, each.vector, list(map(_written, each.changes))) for each in edits
            ]
            return {"edits": plain}
    raise AssertionError(f"a replica of the text says nothing like {message}")


def _written(change: Insert | Delete) -> Plain:
    if isinstance(change, Delete):
        return [change.id]
    return [change.id, change.sign, change.parent, change.side]


def read(plain: Plain) -> Have | Edits:
    """What a page has said.

    Raises:
        BadInput: it is nothing that a replica of the text says.
    """
    try:
        match plain:
            case {"have": counts}:
                return Have(_counts(counts))
            case {"edits": edits}:
                return Edits(tuple(_edit(*each) for each in edits))
    except (TypeError, ValueError):
        pass
    raise BadInput("another page has said what no text says: close it, it is of another time")


def _edit(author: Plain, vector: Plain, changes: Plain) -> Edit:
    return Edit(_text(author), _counts(vector), tuple(map(_change, changes)))


def _change(plain: Plain) -> Insert | Delete:
    match plain:
        case [id]:
            return Delete(_dot(id))
        case [id, str(sign), parent, "left" | "right" as side] if len(sign) == 1:
            return Insert(_dot(id), sign, None if parent is None else _dot(parent), side)
    raise ValueError(plain)


def _counts(plain: Plain) -> tuple[Dot, ...]:
    return tuple(map(_dot, plain))


def _dot(plain: Plain) -> Dot:
    name, number = plain
    if type(number) is not int or number < 1:
        raise ValueError(plain)
    return _text(name), number


def _text(plain: Plain) -> str:
    if type(plain) is not str:
        raise TypeError(plain)
    return plain
