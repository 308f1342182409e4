"""Part 4: an answer in many parts.

The entries of an account may be many. A *stream* sends them one by one, and three things have to be
decided that a single answer spares us:

* **How fast?** The caller gives *credit*: up to which position it wants parts. A callee never sends
  more, so a slow caller is not flooded (the windows of TCP and HTTP/2 are the same idea).
* **In which order?** Parts have positions, and parts that come early wait: never more than there
  was credit for.
* **What if something is lost?** The caller asks again, from the first position that is missing. So
  the callee remembers nothing of a stream, and one that has crashed goes on with it. That works
  where a position always means the same: entries are never taken back.

A gRPC stream is bound to its connection, and ends with it; who wants to go on has to build this.
"""

from dataclasses import dataclass, field
from typing import Any

from common.contract import CallId, NodeId, TimerId, message, on, operation, timer
from common.values.history import Failed, Ok, Unknown
from stage2_communication.rpc.deadlines import BusyCallee, ThriftyCaller
from stage2_communication.rpc.once import LONGEST_WAIT

CREDIT = 8
"""How many parts may be under way."""

MOST_STREAMS = 16
"""Of one caller at once."""


@operation
class Listen:
    """All entries of the account, one after the other. Ends with Ok(entries)."""


@message
class Open:
    """To the callee: send the parts from ``position`` on, and none from ``limit`` on.

    Attributes:
        incarnation: of the caller.
        number: of the stream in this incarnation.
        position: of the first part that is wanted.
        limit: the position up to which there is credit.
    """

    incarnation: int
    number: int
    position: int
    limit: int


@message
class Item:
    """To the caller: the part at this position."""

    incarnation: int
    number: int
    position: int
    entry: int


@message
class Last:
    """To the caller: there is no part at this position, nor behind it."""

    incarnation: int
    number: int
    position: int


@timer
class Stalled:
    """Nothing has come of the stream ``number`` for a while."""

    number: int


@dataclass(slots=True)
class Stream:
    """A stream that has no end so far.

    Attributes:
        call: what its end will be told to.
        ends_at: its deadline.
        entries: the parts that have come and have all parts before them here, in order.
        early: by position, the parts behind a gap.
        limit: up to where credit was given.
        end: where the stream ends, as far as the callee has said.
        timer: what asks again.
    """

    call: CallId
    ends_at: int
    entries: list[int] = field(default_factory=list)
    early: dict[int, int] = field(default_factory=dict)
    limit: int = 0
    end: int | None = None
    timer: TimerId = 0


class StreamingCaller(ThriftyCaller):
    """A caller that listens to streams as well."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **options: Any) -> None:
        super().__init__(id, peers, **options)
        self.streams: dict[int, Stream] = {}
        """By number, the streams without an end."""
        self.last_stream = 0
        """The number of the latest stream of this life."""

    @on(Listen)
    def listen(self, operation: Listen, call: CallId) -> None:
        """Open a stream with a new number from position 0."""
        if len(self.streams) >= MOST_STREAMS:
            self.finish(call, Failed(f"not opened: {MOST_STREAMS} streams are open"))
            return
        self.last_stream += 1
        self.streams[self.last_stream] = Stream(call, self.now + self.deadline)
        self.ask_on(self.last_stream)

    def ask_on(self, number: int) -> None:
        """Ask for the parts behind ``entries``, CREDIT of them, and wait for LONGEST_WAIT.

        ``limit`` is what was asked for. The timer of the wait before is cancelled.
        """
        stream = self.streams[number]
        position = len(stream.entries)
        stream.limit = position + CREDIT
        self.cancel_timer(stream.timer)
        stream.timer = self.set_timer(LONGEST_WAIT, Stalled(number))
        self.send(self.server, Open(self.incarnation, number, position, stream.limit))

    def stream_of(self, part: Item | Last) -> Stream | None:
        """The stream to which this belongs: of this incarnation, and open. Else None."""
        return self.streams.get(part.number) if part.incarnation == self.incarnation else None

    @on(Item)
    def item_received(self, item: Item, sender: NodeId) -> None:
        """Keep a part that was asked for, and move those that have no gap before them to entries.

        A part that is there already, and one from ``limit`` on, is passed over.
        """
        stream = self.stream_of(item)
        if stream is None or not len(stream.entries) <= item.position < stream.limit:
            return
        stream.early[item.position] = item.entry
        while (entry := stream.early.pop(len(stream.entries), None)) is not None:
            stream.entries.append(entry)
        self.go_on(item.number)

    @on(Last)
    def last_received(self, last: Last, sender: NodeId) -> None:
        """Remember where the stream ends; some parts before may still be under way."""
        stream = self.stream_of(last)
        if stream is not None:
            stream.end = last.position
            self.go_on(last.number)

    def go_on(self, number: int) -> None:
        """Close a stream that has come to its end; ask on where the credit is used up."""
        stream = self.streams[number]
        if stream.end is not None and len(stream.entries) >= stream.end:
            self.close(number, Ok(tuple(stream.entries)))
        elif len(stream.entries) == stream.limit:
            self.ask_on(number)

    @on(Stalled)
    def stalled(self, timer: Stalled) -> None:
        """Ask again from where it has come to; after the deadline nobody knows."""
        if self.now < self.streams[timer.number].ends_at:
            self.ask_on(timer.number)
        else:
            self.close(timer.number, Unknown("the stream had no end before the deadline"))

    def close(self, number: int, outcome: Ok | Unknown) -> None:
        """A stream has its end."""
        stream = self.streams.pop(number)
        self.cancel_timer(stream.timer)
        self.finish(stream.call, outcome)


class StreamingCallee(BusyCallee):
    """A callee that sends streams as well, and remembers nothing of them."""

    @on(Open)
    def open_received(self, open: Open, sender: NodeId) -> None:
        """Send the parts from ``position`` up to ``limit``, and never more than CREDIT.

        If there are no parts behind them, Last goes after them, with the position behind the last
        part. A position that there is not is the position of Last.
        """
        entries = self.account.entries
        position = max(open.position, 0)
        end = min(open.limit, position + CREDIT, len(entries))
        for place in range(position, end):
            self.send(sender, Item(open.incarnation, open.number, place, entries[place]))
        if open.limit > len(entries):
            end = max(position, len(entries))
            self.send(sender, Last(open.incarnation, open.number, end))
