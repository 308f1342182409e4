"""One client's connection: commands in, replies out, in the same order.

A command may take its time (the disk, a key on its way) while the next ones are carried out; their
replies wait behind it. Nothing grows without bound: a client that sends faster than it is answered,
or that does not read its answers, is not read from; one that reads nothing for
:data:`STALL_SECONDS` is disconnected.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

from common.runtime.resp.replies import QUEUED, RespError, Value, encode, error
from common.runtime.resp.requests import ProtocolError, RequestReader
from common.runtime.resp.words import arity_problem
from common.values.history import Ok, Outcome
from stage3_partitioning.kv.commands import Held, Look
from stage3_partitioning.kv.front import data, lists
from stage3_partitioning.kv.front.client import Facade, Later, Reply, Slot
from stage3_partitioning.kv.front.plans import Plan
from stage3_partitioning.kv.front.server import SERVER_COMMANDS, unknown_command
from stage3_partitioning.kv.front.table import TABLE
from stage3_partitioning.kv.front.transactions import CROSS_SLOT, discard, execute, multi, watch
from stage3_partitioning.kv.front_commands import Fronted
from stage3_partitioning.kv.fronted import TOO_MUCH
from stage3_partitioning.kv.messages import Answer, Ask, Moved, Serve
from stage3_partitioning.kv.slots import key_slot

MOST_PENDING = 1024
"""So many commands of one client may wait for their replies."""

HIGH_WATER = 1024 * 1024
"""So many bytes of replies may wait for one client before no more of its commands are read."""

WRITE_AT_ONCE = 64 * 1024
"""So many bytes of replies are written at once; fewer wait for the end of what has arrived."""

LONG = 4096
"""The reply for a value of so many bytes is not made before it can be written."""

STALL_SECONDS = 30.0
MOST_QUEUED = 10_000
"""Commands in one transaction."""

PLANS = {**data.PLANS, **lists.PLANS}
"""By name, the commands about keys."""

TRY_AGAIN = "TRYAGAIN Multiple keys request during rehashing of slot"


def _is_long(results: Sequence[Any]) -> bool:
    """Whether the reply may be long: several results, a long text, a list."""
    kind = results[0].__class__
    return len(results) > 1 or kind is tuple or (kind is bytes and len(results[0]) >= LONG)


class _Unsaid(list[Reply]):
    """The place of a reply that the client does not want."""


class Connection(asyncio.Protocol):
    """One client.

    Args:
        facade: what it is connected to.
        id: its number.

    Attributes:
        version: of the protocol, 2 or 3.
        name: what the client calls itself.
        asking: whether the last command was ASKING.
        transaction: the plans that wait for EXEC, or None outside of a transaction.
        spoiled: whether a command of the transaction was refused, so that EXEC has to refuse all.
        watched: what the keys held that EXEC depends on; None for nothing.
    """

    def __init__(self, facade: Facade, id: int) -> None:
        self.facade = facade
        self.id = id
        self.version = 2
        self.name = ""
        self.asking = False
        self.transaction: list[Plan | Later] | None = None
        self.spoiled = False
        self.watched: dict[bytes, Held | None] = {}
        self.peer = ""
        self._hushed = False
        self._skips = 0
        """How many more commands get no reply, the present one among them."""
        self._reader = RequestReader()
        self._commands: deque[list[bytes]] = deque()
        self._problem: ProtocolError | None = None
        self._slots: deque[Slot] = deque()
        self._looking = False
        self._working = False
        self._unread = False
        self._ending = False
        self._stalled: asyncio.TimerHandle | None = None
        self._flush_soon = False

    # From the socket.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self.transport.set_write_buffer_limits(high=HIGH_WATER)
        host, port = transport.get_extra_info("peername")[:2]
        self.peer = f"{host}:{port}"
        self.facade.opened(self)

    def data_received(self, data: bytes) -> None:
        """Cut what came into commands, and carry them out."""
        if self._ending:
            return
        commands, self._problem = self._reader.feed(data)
        self._commands.extend(commands)
        self._work()

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone; what it asked for last may still be carried out."""
        self._ending = True
        self._commands.clear()
        if self._stalled is not None:
            self._stalled.cancel()
        self.facade.closed(self)

    def pause_writing(self) -> None:
        """The client does not read: stop reading from it, and give up after a while."""
        loop = asyncio.get_running_loop()
        self._stalled = loop.call_later(STALL_SECONDS, self._give_up)

    def resume_writing(self) -> None:
        """It reads again."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        self._work()

    def _give_up(self) -> None:
        self.facade.log(f"client {self.peer} read nothing for {STALL_SECONDS:g} s: disconnected")
        self.transport.abort()

    # The row of commands, and of replies.

    def _work(self) -> None:
        """Carry out what has arrived, as long as there is room for replies."""
        if self._working:
            return
        self._working = True
        while self._commands and self._has_room():
            while self._commands and self._has_room():
                self._carry_out(self._commands.popleft())
                self._skips = max(0, self._skips - 1)
            self._flush()  # which makes room, where replies are there
        self._working = False
        if self._problem is not None and not self._commands and not self._ending:
            self.reply(error(f"ERR Protocol error: {self._problem}"))
            self.facade.log(f"client {self.peer}: {self._problem}")
            self._ending = True
        self._flush()
        if bool(self._commands) != self._unread and not self.transport.is_closing():
            self._unread = bool(self._commands)
            if self._unread:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def _has_room(self) -> bool:
        return (
            len(self._slots) < MOST_PENDING
            and not self._looking
            and not self._ending
            and self._stalled is None
        )

    def _flush(self) -> None:
        """Write the replies that are there, up to the first that is not."""
        ready: list[bytes] = []
        size = 0
        while self._slots and self._slots[0] and self._stalled is None:
            reply = self._slots.popleft()[0]
            ready.append(reply if isinstance(reply, bytes) else reply())
            size += len(ready[-1])
            if size > WRITE_AT_ONCE:
                self._write(ready)
                ready, size = [], 0
        self._write(ready)
        if self._ending and not self._slots:
            self.transport.close()

    def _write(self, ready: list[bytes]) -> None:
        data = ready[0] if len(ready) == 1 else b"".join(ready)
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def _filled(self) -> None:
        """Later replies have come: write them, and go on with commands that found no room."""
        self._flush_soon = False
        self._flush()
        if self._commands:
            self._work()

    def slot(self) -> Slot:
        """Take the next place in the row of replies."""
        made: Slot = _Unsaid() if self._hushed or self._skips else []
        self._slots.append(made)
        return made

    def fill(self, slot: Slot, reply: Reply) -> None:
        """The reply of this place is there."""
        slot.append(b"" if isinstance(slot, _Unsaid) else reply)
        if not self._working and not self._flush_soon:
            self._flush_soon = True
            asyncio.get_running_loop().call_soon(self._filled)

    def reply(self, data: bytes) -> None:
        """Reply at once."""
        self.slot().append(b"" if self._hushed or self._skips else data)

    def hush(self, mode: str) -> None:
        """``off``: reply no more; ``skip``: not to the next command; ``on``: as it was."""
        self._hushed = mode == "off" or (mode == "skip" and self._hushed)
        self._skips = 2 if mode == "skip" and not self._hushed else 0

    def value(self, value: Value) -> None:
        """Reply with a value at once."""
        self.reply(encode(value, self.version))

    def ask(self, operation: object, tell: Callable[[Any], Value]) -> None:
        """Let the node do something, and reply with what ``tell`` makes of its result."""
        slot, version = self.slot(), self.version

        def then(outcome: Outcome) -> None:
            assert isinstance(outcome, Ok), "a node answers its front"
            self.fill(slot, encode(tell(outcome.value), version))

        self.facade.door.invoke(operation, then)

    def end(self) -> None:
        """Close once all replies are written."""
        self._ending = True

    # Commands.

    def _carry_out(self, words: list[bytes]) -> None:
        name = words[0].lower().decode("latin-1")
        entry = TABLE.get(name)
        if entry is None:
            self._refuse(unknown_command(words))
        elif not entry.fits(len(words)):
            self._refuse(arity_problem(name))
        elif name in PLANS:
            self._data(name, words)
        elif name in TRANSACTIONS:
            TRANSACTIONS[name](self, words)
        elif self.transaction is not None and name not in ("quit", "reset"):
            self._queue(Later(name, words))
        else:
            self.other(name, words)

    def other(self, name: str, words: list[bytes]) -> None:
        """A command about the connection, the server or the cluster."""
        if name != "asking":
            self.asking = False
        try:
            SERVER_COMMANDS[name](self, words)
        except RespError as refusal:
            self.reply(error(str(refusal)))

    def _refuse(self, problem: str) -> None:
        self.spoiled = True
        self.asking = False
        self.reply(error(problem))

    def _data(self, name: str, words: list[bytes]) -> None:
        """A command about keys: all in one slot, here or elsewhere."""
        keys = TABLE[name].keys(words)
        if len(keys) > 1 and len(set(map(key_slot, keys))) > 1:
            self._refuse(CROSS_SLOT)
            return
        try:
            plan = PLANS[name](words)
        except RespError as refusal:
            if self.transaction is None:
                self._refuse(str(refusal))
                return
            text = refusal  # like Redis: what is wrong with the arguments is found by EXEC
            plan = Plan((), lambda _: text)
        if self.transaction is None:
            self.serve(plan)
        else:
            self._queue(plan)

    def serve(self, plan: Plan) -> None:
        """Let the node carry out a plan, and reply with its result or a redirect."""
        slot, version, tell = self.slot(), self.version, plan.tell
        asking, self.asking = self.asking, False

        def then(outcome: Outcome) -> None:
            found: Any = outcome.value  # type: ignore[union-attr]
            if found.__class__ is Answer:
                results: Any = found.value
                if results == (TOO_MUCH,):
                    self.fill(slot, error(f"ERR {TOO_MUCH.text}"))
                elif _is_long(results):
                    self.fill(slot, lambda: encode(tell(results), version))
                else:
                    self.fill(slot, encode(tell(results), version))
            else:
                self.fill(slot, error(self._redirect(found)))

        self.facade.door.invoke(Serve(plan.commands, asking), then)

    def _redirect(self, found: object) -> str:
        """Moved, Ask or TryAgain, as Redis says it."""
        match found:
            case Moved(_, slot, node):
                return f"MOVED {slot} {self.facade.address(node)}"
            case Ask(_, slot, node):
                return f"ASK {slot} {self.facade.address(node)}"
        return TRY_AGAIN

    # Transactions.

    def look(self, plans: Sequence[Plan | Later], then: Callable[[str], None]) -> None:
        """Find out whether all keys are here; ``then`` gets "" or where they are."""
        commands = tuple(each for plan in plans for each in plan.commands)
        self._pause_for(commands, lambda _, redirect: then(redirect), only_look=True)

    def read(self, keys: Sequence[bytes], then: Callable[[Sequence[Any], str], None]) -> None:
        """What keys hold; ``then`` gets that, and "" or where the keys are."""
        self._pause_for(tuple(map(Look, keys)), then, only_look=False)

    def _pause_for(
        self,
        commands: tuple[Fronted, ...],
        then: Callable[[Sequence[Any], str], None],
        only_look: bool,
    ) -> None:
        """Ask the node; nothing else of this client is carried out meanwhile."""
        asking, self.asking = self.asking, False
        self._looking = True

        def found(outcome: Outcome) -> None:
            told: Any = outcome.value  # type: ignore[union-attr]
            self._looking = False
            if isinstance(told, Answer) and told.value == (TOO_MUCH,):
                then((), f"ERR {TOO_MUCH.text}")
            elif isinstance(told, Answer):
                then(cast(Sequence[Any], told.value), "")
            else:
                then((), self._redirect(told))

        self.facade.door.invoke(Serve(commands, asking, only_look), found)

    def _queue(self, plan: Plan | Later) -> None:
        """Queue it if its keys are here; else say where they are, and refuse all at EXEC."""
        assert self.transaction is not None, "within a transaction"
        if len(self.transaction) >= MOST_QUEUED:
            self._refuse(f"ERR a transaction has at most {MOST_QUEUED} commands")
            return
        if not self.spoiled:
            self.transaction.append(plan)
        if not plan.commands:
            self.reply(QUEUED)
            return
        slot = self.slot()

        def then(redirect: str) -> None:
            self.spoiled = self.spoiled or bool(redirect)
            self.fill(slot, error(redirect) if redirect else QUEUED)

        self.look([plan], then)


TRANSACTIONS: dict[str, Callable[[Connection, list[bytes]], None]] = {
    "multi": multi,
    "discard": discard,
    "exec": execute,
    "watch": watch,
}
"""By name of the command."""
