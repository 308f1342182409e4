"""One NATS client: commands in, messages out.

Nothing grows without bound: a client that does not read what it has subscribed to is cut off when
:data:`MOST_PENDING` bytes wait for it (NATS: *slow consumer*). Others would wait for it otherwise.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from stage2_communication.queue.front.exchange import Counts, Exchange, Message
from stage2_communication.queue.front.parser import (
    PARSER_ERROR,
    UNKNOWN,
    Command,
    Parser,
    ProtocolError,
)
from stage2_communication.queue.subjects import is_literal, is_pattern

MOST_PENDING = 64 * 1024 * 1024
"""Bytes that wait for one client, as with NATS."""
MUCH_PENDING = 4 * 1024 * 1024
"""Bytes from which on a client is behind: what can wait elsewhere does (:mod:`jetstream`)."""
VIOLATION = "Authorization Violation"
MOST_SUBSCRIPTIONS = 10_000
"""Of one client."""


@dataclass(slots=True)
class Live:
    """A subscription of this client.

    Attributes:
        most: after so many messages it ends; 0 for never.
        delivered: how many it has got.
    """

    most: int = 0
    delivered: int = 0


class Connection(asyncio.Protocol):
    """One client.

    Args:
        id: its number.
        exchange: where it publishes and subscribes.
        greeting: makes the INFO line.
        log: takes a sentence for people.
        login: the user and password that CONNECT has to name; None if anybody may come.
    """

    def __init__(
        self,
        id: int,
        exchange: Exchange,
        greeting: Callable[[int, str], bytes],
        log: Callable[[str], None],
        login: tuple[str, str] | None = None,
    ) -> None:
        self.id = id
        self.counts = Counts()
        self.echo = True
        self.wants_no_responders = False
        self.peer = ""
        self._exchange = exchange
        self._greeting = greeting
        self._log = log
        self._verbose = self._pedantic = self._headers = False
        self._parser = Parser()
        self._live: dict[str, Live] = {}
        self._out: list[bytes] = []
        self._waiting = 0
        self._ended = False
        self._login = login

    # From the socket.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there: say who we are."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        host, port = transport.get_extra_info("peername")[:2]
        self.peer = f"{host}:{port}"
        self._exchange.connections[self.id] = self
        self._write(self._greeting(self.id, host))

    def data_received(self, data: bytes) -> None:
        """Carry out what has come."""
        if self._ended:
            return
        try:
            for command in self._parser.feed(data):
                self._carry_out(command)
        except ProtocolError as error:
            self.end(str(error))

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        self._ended = True
        self._exchange.leave(self.id)

    def end(self, problem: str) -> None:
        """Say what is wrong, and close."""
        self._log(f"client {self.peer}: {problem}")
        self._error(problem)
        self._flush()
        self._ended = True
        self._exchange.leave(self.id)
        self.transport.close()

    @property
    def is_behind(self) -> bool:
        """Whether it has much to read already."""
        return self._unread > MUCH_PENDING

    @property
    def _unread(self) -> int:
        return self._waiting + self.transport.get_write_buffer_size()

    # Commands.

    def _carry_out(self, command: Command) -> None:
        words = command.words
        if self._login is not None and command.verb != b"CONNECT":
            raise ProtocolError(VIOLATION)
        match command.verb:
            case b"PUB" | b"HPUB":
                if command.header and not self._headers:
                    raise ProtocolError(UNKNOWN)
                self._publish(command)
                return
            case b"PING":
                self._write(b"PONG\r\n")
                return
            case b"CONNECT":
                self._connect(words[0])
            case b"SUB":
                self._subscribe(*map(_text, words))
                return
            case b"UNSUB":
                self._unsubscribe(_text(words[0]), words[1] if len(words) > 1 else b"0")
            case _:
                return
        self._done()

    def _connect(self, options: bytes) -> None:
        try:
            told = json.loads(options)
        except (ValueError, RecursionError):
            raise ProtocolError(PARSER_ERROR) from None
        if not isinstance(told, dict):
            raise ProtocolError(PARSER_ERROR)
        if told.get("protocol", 0) not in (0, 1):
            raise ProtocolError("invalid client protocol")
        if self._login not in (None, (told.get("user"), told.get("pass"))):
            raise ProtocolError(VIOLATION)
        self._login = None
        self.echo = told.get("echo", True) is True
        self._verbose = told.get("verbose", True) is True
        self._pedantic = told.get("pedantic", True) is True
        self._headers = told.get("headers", False) is True
        self.wants_no_responders = self._headers and told.get("no_responders", False) is True

    def _publish(self, command: Command) -> None:
        subject = _text(command.words[0])
        reply = _text(command.words[1]) if len(command.words) > 1 else ""
        if self._pedantic and not is_literal(subject):
            self._error("Invalid Publish Subject")
            return
        self._done()
        message = Message(subject, reply, command.header, command.payload)
        self._exchange.publish(message, self)

    def _subscribe(self, pattern: str, *words: str) -> None:
        sid, group = words[-1], words[0] if len(words) > 1 else ""
        if not is_pattern(pattern):
            self._error("Invalid Subject")
            return
        if len(self._live) >= MOST_SUBSCRIPTIONS:
            self._error("maximum subscriptions exceeded")
            return
        if sid not in self._live:  # as NATS does: the first subscription of a name stays
            self._live[sid] = Live()
            self._exchange.interest.subscribe((self.id, sid), pattern, group)
        self._done()

    def _unsubscribe(self, sid: str, most: bytes) -> None:
        live = self._live.get(sid)
        if live is None:
            return
        live.most = int(most) if most.isdigit() and len(most) < 10 else 0
        if live.delivered >= live.most:
            self._forget(sid)

    def _forget(self, sid: str) -> None:
        del self._live[sid]
        self._exchange.interest.unsubscribe((self.id, sid))

    # To the client.

    def deliver(self, sid: str, message: Message) -> None:
        """Send a message for a subscription, which may end with it."""
        live = self._live[sid]
        live.delivered += 1
        if live.delivered == live.most:
            self._forget(sid)
        header = message.header if self._headers else b""
        reply = f"{message.reply} " if message.reply else ""
        size = len(message.payload)
        sizes = f"{len(header)} {len(header) + size}" if header else f"{size}"
        verb = "HMSG" if header else "MSG"
        line = f"{verb} {message.subject} {sid} {reply}{sizes}\r\n"
        encoded = line.encode("utf-8", "surrogateescape")
        self._write(b"%b%b%b\r\n" % (encoded, header, message.payload))

    def _done(self) -> None:
        if self._verbose:
            self._write(b"+OK\r\n")

    def _error(self, problem: str) -> None:
        self._write(f"-ERR '{problem}'\r\n".encode())

    def _write(self, data: bytes) -> None:
        """Write it, together with all else of this turn of the loop."""
        if self._ended:
            return
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(data)
        self._waiting += len(data)
        if self._unread > MOST_PENDING:
            self._ended = True  # it does not read, so there is nobody to tell
            self._log(f"client {self.peer} is a slow consumer: cut off")
            self._exchange.leave(self.id)
            self.transport.abort()

    def _flush(self) -> None:
        out, self._out = self._out, []
        self._waiting = 0
        if out and not self.transport.is_closing():
            self.transport.write(b"".join(out))


def _text(word: bytes) -> str:
    """A word as text; bytes that are none are kept and go back as they came."""
    return word.decode("utf-8", "surrogateescape")
