"""A client that asks, for the tests of asking: it writes texts down at a server, the keeper."""

from collections.abc import Sequence
from typing import Any

from common.contract import (
    Application,
    Asker,
    AtMostOnce,
    CallId,
    Effect,
    Fire,
    Node,
    NodeId,
    Numbered,
    Return,
    Send,
    SetTimer,
    Start,
    message,
    on,
    operation,
)
from common.contract.asking import AskAgain
from common.values.history import Ok, Outcome

SERVERS = ("n1", "n2", "n3")


@operation
class Note:
    """Write ``text`` down. Ends with Ok(how many texts there are)."""

    text: str


@operation
class Look:
    """How many texts are there?"""


@message
class NoteRequest:
    """Please write this down."""

    number: int
    text: str
    sent_on: bool = False


@message
class LookRequest:
    """Please count."""

    number: int


@message
class Done:
    """It was done."""

    number: int
    count: int


@message
class Elsewhere:
    """Not here, but there."""

    number: int
    server: NodeId


@message
class Busy:
    """Not now."""

    number: int
    why: str


class Writer(Asker):
    """A client that writes texts down at a server."""

    @on(Note)
    def note_asked(self, asked: Note, call: CallId) -> None:
        """Ask for a change."""
        self.ask(NoteRequest(self.new_number(), asked.text), call)

    @on(Look)
    def look_asked(self, asked: Look, call: CallId) -> None:
        """Ask a question."""
        self.ask(LookRequest(self.new_number()), call, question=True)

    @on(Done)
    def done(self, done: Done, sender: NodeId) -> None:
        """A server did it."""
        self.end(done.number, Ok(done.count), sender)

    @on(Elsewhere)
    def elsewhere(self, reply: Elsewhere, sender: NodeId) -> None:
        """Another server is the right one."""
        self.redirect(reply.number, reply.server)

    @on(Busy)
    def busy(self, busy: Busy, sender: NodeId) -> None:
        """Not now."""
        self.not_now(busy.number, busy.why)


class ManyWriter(Writer):
    """The same with five requests under way."""

    most_under_way = 5
    most_redirects = 3


class Book(Application):
    """Texts, in the order in which they were written down."""

    def __init__(self) -> None:
        self.texts: tuple[str, ...] = ()

    def apply(self, command: object) -> object:
        """Write a text down."""
        self.texts += (str(command),)
        return len(self.texts)

    def snapshot(self) -> object:
        """All texts."""
        return self.texts

    def restore(self, snapshot: object) -> None:
        """Hold these."""
        assert isinstance(snapshot, tuple)
        self.texts = snapshot


class Keeper(Node):
    """The server's half: what it wrote down it saves, together with who asked for it."""

    def on_start(self) -> None:
        self.book = Book()
        self.once = AtMostOnce(self.book)
        if "book" in self.saved:
            self.once.restore(self.saved["book"])

    @on(NoteRequest)
    def noted(self, request: NoteRequest, sender: NodeId) -> None:
        count = self.once.apply(Numbered(sender, request.number, request.text))
        if count is not None:
            self.save("book", self.once.snapshot())
            self.send(sender, Done(request.number, int(str(count))))

    @on(LookRequest)
    def looked(self, request: LookRequest, sender: NodeId) -> None:
        self.send(sender, Done(request.number, len(self.book.texts)))


def writer(kind: type[Writer] = Writer, life: int = 0, **config: Any) -> Writer:
    """A client that has begun a life."""
    made = kind("c1", SERVERS, **config)
    made.step(Start(0, {"life": life} if life else {}))
    return made


def sent(effects: Sequence[Effect]) -> list[tuple[NodeId, Any]]:
    """To whom a step has sent what."""
    return [(each.to, each.message) for each in effects if isinstance(each, Send)]


def ends(effects: Sequence[Effect]) -> list[tuple[CallId, Outcome]]:
    """Which calls a step has ended, and how."""
    return [(each.call, each.outcome) for each in effects if isinstance(each, Return)]


def silence(node: Writer, effects: Sequence[Effect], number: int = 0) -> list[Effect]:
    """Let the timer fire that a step has set, for nobody has answered."""
    (setting,) = [each for each in effects if isinstance(each, SetTimer)]
    assert isinstance(setting.timer, AskAgain)
    assert setting.timer.number == (number or setting.timer.number)
    return node.step(Fire(0, setting.id, setting.timer))
