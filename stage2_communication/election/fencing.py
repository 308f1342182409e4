"""Fencing: an old leader may write what it likes, and the resource refuses it.

A leader with a lease looks at its clock, finds that the lease is good, stands still for a second (a
long collection of garbage, a slow network), and then writes. Meanwhile there is a newer leader. No
lease can prevent that, because time passes between looking and acting. Burrows 2006, "The Chubby
lock service", section 2.4, gives the remedy: a *sequencer*. Others call it a fencing token.

* The term is the token: a later leader has a greater one.
* Every write carries the token of the leader that sends it (:class:`Store`).
* The resource remembers the greatest token that it has seen, and refuses every write with a lesser
  one (:class:`Refused`).

So the writes that the resource has taken are in the order of their terms, whatever clocks and
processes do. The check is the resource's own: a leader cannot make it for the resource.

The token promises nothing else. A write of the *present* leader may come after one that it sent
later. A message that comes twice is taken twice. One that is lost is not sent again, and the person
is told Unknown. (Exactly once is the lab ``failures``.)
"""

from collections.abc import Mapping

from common.contract import CallId, Node, NodeId, begin_life, message, on, operation, timer
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS
from stage2_communication.election.bully import WhoLeads, rank
from stage2_communication.election.terms import Voter


@operation
class Write:
    """Let the resource take ``text``. Ends with Ok(term) if it did, in the term of the leader."""

    text: str


@operation
class Read:
    """What has the resource taken? Ends with Ok(lines), each (term, text), the first one first."""


@message
class Store:
    """Take ``text``, from the leader of term ``token``; ``number`` names it among the leader's."""

    number: int
    token: int
    text: str


@message
class Stored:
    """The Store of this number is taken, and on disk."""

    number: int


@message
class Refused:
    """The Store of this number is not taken and never will be: I have seen ``token``."""

    number: int
    token: int


@timer
class NotStored:
    """The resource has said nothing about the Store of this number."""

    number: int


class Resource(Node):
    """What only one leader at a time may write: a list of lines, on disk.

    Args:
        id: the name of this process.
        peers: those that write.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.token = 0
        """The greatest token that was ever seen. Saved; it only grows."""
        self.lines: tuple[tuple[int, str], ...] = ()
        """What was taken, each line with its token. Saved."""

    def status(self) -> Mapping[str, object]:
        """The token, and how many lines there are."""
        return {"token": self.token, "lines": len(self.lines)}

    def on_start(self) -> None:
        """Go on with what was saved: an old token is as old after a crash."""
        self.token, self.lines = self.saved.get("taken", (0, ()))

    def read(self, call: CallId) -> None:
        """Answer with the lines."""
        self.finish(call, Ok(self.lines))

    @on(Store)
    def store_received(self, store: Store, sender: NodeId) -> None:
        """Take the line, if its token is no lesser one than the greatest that was seen.

        The new token and all lines are saved under "taken", before the sender is told. The same
        leader may write again, so an equal token is good. Who is refused is told the greatest one.
        """
        if store.token < self.token:
            self.note(f"{sender}'s write is refused: token {store.token}, and {self.token} is seen")
            self.send(sender, Refused(store.number, self.token))
            return
        self.token = store.token
        self.lines = (*self.lines, (store.token, store.text))
        self.save("taken", (self.token, self.lines))
        self.send(sender, Stored(store.number))


class Writer(Voter):
    """A process that writes while it leads.

    Args:
        id: the name of this process.
        peers: the other ones that vote.
        resource: where to write.
        stored_within: how long to wait for the resource, in microseconds.
        options: as of a :class:`Voter`.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        resource: NodeId,
        stored_within: int = 100 * MS,
        **options: int,
    ) -> None:
        super().__init__(id, peers, **options)
        self.resource = resource
        self.stored_within = stored_within
        self.number = 0
        """How many writes were sent in this life."""
        self.under_way: dict[int, tuple[CallId, int]] = {}
        """By number, each write without an end: who waits for it, and its token."""

    def on_start(self) -> None:
        """Number the writes of this life beyond those of earlier ones."""
        super().on_start()
        self.number = begin_life(self)

    def write(self, text: str, call: CallId) -> None:
        """Send the line to the resource with the term as the token; only a leader with a lease.

        Anybody else fails the call, and says who leads. The call ends with the resource's word, or
        ``stored_within`` later.
        """
        if not self.has_lease:
            self.finish(call, Failed(f"{self.id} has no lease; {self.leader or 'nobody'} leads"))
            return
        self.number += 1
        self.under_way[self.number] = (call, self.term)
        self.send(self.resource, Store(self.number, self.term, text))
        self.set_timer(self.stored_within, NotStored(self.number))

    @on(Stored)
    def stored(self, stored: Stored, sender: NodeId) -> None:
        """The line is taken: its call ends with Ok(token), the term in which it was sent."""
        if stored.number in self.under_way:
            call, token = self.under_way.pop(stored.number)
            self.finish(call, Ok(token))

    @on(Refused)
    def refused(self, refused: Refused, sender: NodeId) -> None:
        """The line is not taken: its call fails. There is a later term, and this one is over.

        Of the later term it tells in any case, also where the call has ended already.
        """
        if refused.number in self.under_way:
            call, token = self.under_way.pop(refused.number)
            self.finish(call, Failed(f"token {token} is old: the resource has {refused.token}"))
        if refused.token > self.term:
            self.enter(refused.token)
            self.await_leader()

    @on(NotStored)
    def not_stored(self, timer: NotStored) -> None:
        """Nobody knows whether the line is taken, or still will be: the call ends with Unknown."""
        if timer.number in self.under_way:
            call, _ = self.under_way.pop(timer.number)
            self.finish(call, Unknown("the resource has not answered"))


class Machine(Node):
    """The resource, or a process that writes: the resource is on the machine of the lowest rank.

    Args:
        id: the name of this machine.
        peers: the other ones.
        options: as of a :class:`Voter`.
    """

    subnodes = (Resource, Writer)

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **options: int) -> None:
        super().__init__(id, peers)
        lowest, *writers = sorted((id, *peers), key=rank)
        others = tuple(each for each in writers if each != id)
        self.resource: Resource | None = None
        self.writer: Writer | None = None
        if id == lowest:
            self.resource = self.subnode("fenced", Resource(id, others))
        else:
            writer = Writer(id, others, resource=lowest, **options)
            self.writer = self.subnode("fenced", writer)

    def status(self) -> Mapping[str, object]:
        """What it is."""
        return {"is": "writer" if self.resource is None else "resource"}

    @on(Write)
    def write(self, write: Write, call: CallId) -> None:
        """That is for the writer, if one is here."""
        if self.writer is None:
            self.finish(call, Failed(f"{self.id} is the resource: ask a writer"))
        else:
            self.writer.write(write.text, call)

    @on(Read)
    def read(self, read: Read, call: CallId) -> None:
        """That is for the resource, if it is here."""
        if self.resource is None:
            self.finish(call, Failed(f"the resource is not on {self.id}"))
        else:
            self.resource.read(call)

    @on(WhoLeads)
    def who_leads(self, ask: WhoLeads, call: CallId) -> None:
        """That is for the writer, if one is here."""
        if self.writer is None:
            self.finish(call, Failed(f"{self.id} is the resource: ask a writer"))
        else:
            self.writer.who_leads(ask, call)
