"""A chat in which all see the same: Lamport's total order, on a calm day.

Lamport 1978 uses his clock to put all requests for a printer into one order that every process
finds out by itself ("Ordering the events totally", page 561). Here the requests are posts, and to
grant a post is to show it.

* Every post carries its time, and is told to everybody.
* Every process keeps the posts that it has not shown yet in a queue, ordered by (time, process).
* Every post is acknowledged to everybody.
* The first post of the queue is shown once a *later* message has come from every other process.
  Then nothing can come any more that belongs before it.

The paper assumes that links lose nothing and keep their order, and that nobody crashes. Ours lose
nothing on a calm day either, but they do not keep the order; so every process numbers what it says,
and takes what others say in the order of their numbers. Losses and crashes are the lab ``chat``.

**The price.** Nothing is shown while one process is silent: pause one, and everybody waits.
"""

from collections.abc import Mapping
from typing import TypeAlias

from common.contract import CallId, Node, NodeId, message, on, operation
from common.values.history import Ok
from stage2_communication.clocks.lamport import LamportClock, Stamp

# What a person asks of a process.


@operation
class Say:
    """Post ``text``. Ends with Ok() once it is posted, which is before it is shown."""

    text: str


@operation
class Read:
    """What is shown here? Ends with Ok(lines), each line (author, text), the first one first."""


# What processes say to each other. ``number`` counts what its sender has said: 1, 2, 3 ...


@message
class TimedPost:
    """A post, and the time of posting by its author's clock."""

    number: int
    time: int
    text: str


@message
class Acknowledgement:
    """A post has arrived; ``time`` is later than the post's."""

    number: int
    time: int


Word: TypeAlias = TimedPost | Acknowledgement


class OrderedChat(Node):
    """One process of the chat."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.clock = LamportClock()
        self.spoken = 0
        """How many words this process has said."""
        self.heard: dict[NodeId, int] = dict.fromkeys(peers, 0)
        """Of each other process, how many words were taken: those numbered 1 up to this."""
        self.early: dict[tuple[NodeId, int], Word] = {}
        """Words that came before those that were said before them, by sender and number."""
        self.latest: dict[NodeId, int] = dict.fromkeys(peers, 0)
        """Of each other process, the time of the last word that was taken. It only grows."""
        self.queue: dict[Stamp, str] = {}
        """The posts that are here and not shown yet, by (time, author)."""
        self.shown: list[tuple[NodeId, str]] = []
        """The lines that are shown. Nothing is ever taken back or put between two of them."""

    def status(self) -> Mapping[str, object]:
        """Its time, and how many posts are shown and wait."""
        return {"time": self.clock.time, "shown": len(self.shown), "waiting": len(self.queue)}

    @on(Say)
    def say(self, say: Say, call: CallId) -> None:
        """Rule 1: put the post into the own queue, with a new time, and tell everybody."""
        time = self.clock.tick()
        self.queue[time, self.id] = say.text
        self.spoken += 1
        self.broadcast(TimedPost(self.spoken, time, say.text))
        self.finish(call, Ok())
        self.show_what_is_due()

    @on(Read)
    def read(self, read: Read, call: CallId) -> None:
        """Answer with the lines that are shown."""
        self.finish(call, Ok(tuple(self.shown)))

    @on(TimedPost, Acknowledgement)
    def word_received(self, word: Word, sender: NodeId) -> None:
        """Take the words of one sender in the order in which it has said them."""
        self.early[sender, word.number] = word
        while (following := self.early.pop((sender, self.heard[sender] + 1), None)) is not None:
            self.heard[sender] += 1
            self.take(following, sender)
        self.show_what_is_due()

    def take(self, word: Word, sender: NodeId) -> None:
        """Rule 2: a word arrives. A post goes into the queue, and everybody hears that it is here.

        First the clock witnesses the word's time (IR2), and ``latest`` remembers it. The
        acknowledgement is an event of its own, so its time is a new one (IR1).
        """
        self.clock.witness(word.time)
        self.latest[sender] = word.time
        if isinstance(word, TimedPost):
            self.queue[word.time, sender] = word.text
            self.spoken += 1
            self.broadcast(Acknowledgement(self.spoken, self.clock.tick()))

    def is_due(self, stamp: Stamp) -> bool:
        """Rule 5: whether every other process has said something later than ``stamp``.

        Times of two processes may be equal; then their names decide, as everywhere in the order.
        The author of the post said it at exactly ``stamp``; what it says next will be later.
        """
        return all((self.latest[peer], peer) >= stamp for peer in self.peers)

    def show_what_is_due(self) -> None:
        """Show the least post of the queue as long as it is due; a later one never overtakes it."""
        while self.queue and self.is_due(least := min(self.queue)):
            self.shown.append((least[1], self.queue.pop(least)))
