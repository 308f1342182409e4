"""Who hears what is published: the lab's :class:`Interest`, with connections at the ends.

At most once: what a client does not take is thrown away, and nobody is told but that client.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from stage2_communication.queue.subjects import Interest, Name

NO_RESPONDERS = b"NATS/1.0 503\r\nNats-Subject: %b\r\n\r\n"


@dataclass(slots=True)
class Message:
    """Something that is published.

    Attributes:
        subject: where to.
        reply: where answers go; "" for nowhere.
        header: from ``NATS/1.0`` to the empty line; empty for none.
        payload: the rest.
    """

    subject: str
    reply: str
    header: bytes
    payload: bytes


@dataclass(slots=True)
class Counts:
    """Messages and bytes from clients, and to them, under NATS' names."""

    in_msgs: int = 0
    in_bytes: int = 0
    out_msgs: int = 0
    out_bytes: int = 0

    def came(self, message: Message) -> None:
        """A client has sent one."""
        self.in_msgs += 1
        self.in_bytes += len(message.payload)

    def went(self, message: Message) -> None:
        """A client gets one."""
        self.out_msgs += 1
        self.out_bytes += len(message.payload)


class Subscriber(Protocol):
    """One client's connection, as the exchange knows it.

    Attributes:
        id: its number.
        counts: what it has sent and got.
        echo: whether it wants to hear what it publishes itself.
        wants_no_responders: whether it wants to be told that nobody hears its request.
    """

    id: int
    counts: Counts
    echo: bool
    wants_no_responders: bool

    @property
    def is_behind(self) -> bool:
        """Whether much waits for it that it has not read."""

    def deliver(self, sid: str, message: Message) -> None:
        """Send a message for its subscription."""


Tap = Callable[[Message], bool]
"""Sees each message first. Says whether somebody will answer."""


class Exchange:
    """All connections of one server.

    Attributes:
        interest: who wants to hear what.
        connections: by number.
        taps: who sees each message besides: JetStream.
        counts: what all clients together have sent and got.
    """

    def __init__(self) -> None:
        self.interest = Interest()
        self.connections: dict[int, Subscriber] = {}
        self.taps: list[Tap] = []
        self.counts = Counts()

    def publish(self, message: Message, source: Subscriber | None = None) -> None:
        """Let everybody hear it who wants to, and tell the source if nobody does."""
        if source is not None:
            self.counts.came(message)
            source.counts.came(message)
        answered = False
        for tap in self.taps:
            answered |= tap(message)
        names = self.interest.receivers(message.subject, random.getrandbits(32))
        heard = False
        for id, sid in names:
            to = self.connections[id]
            if to is not source or to.echo:
                self._deliver(to, sid, message)
                heard = True
        if message.reply and not heard and not answered and source and source.wants_no_responders:
            header = NO_RESPONDERS % message.subject.encode()
            self.publish(Message(message.reply, "", header, b""))

    def deliver(self, inbox: str, message: Message) -> None:
        """Hand a message to those who listen at ``inbox``, though its subject is another one."""
        for id, sid in self.interest.receivers(inbox, random.getrandbits(32)):
            self._deliver(self.connections[id], sid, message)

    def _deliver(self, to: Subscriber, sid: str, message: Message) -> None:
        self.counts.went(message)
        to.counts.went(message)
        to.deliver(sid, message)

    def is_heard(self, subject: str) -> bool:
        """Whether anybody wants to hear of a subject."""
        return bool(self.interest.receivers(subject, random.getrandbits(32)))

    def is_behind(self, inbox: str) -> bool:
        """Whether somebody who listens there has much to read already."""
        names = self.interest.receivers(inbox, random.getrandbits(32))
        return any(self.connections[id].is_behind for id, _ in names)

    def leave(self, id: int) -> None:
        """A client has gone, and all its subscriptions."""
        if self.connections.pop(id, None) is not None:
            gone: list[Name] = [name for name in self.interest.subscriptions if name[0] == id]
            for name in gone:
                self.interest.unsubscribe(name)
