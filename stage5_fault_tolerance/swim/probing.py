"""SWIM's failure detector: a few messages for each member and period, however many there are.

Das, Gupta, Motivala 2002, "SWIM: scalable weakly-consistent infection-style process group
membership protocol", section 3, with the order of probing of section 4.3.

In each period a member probes one other, and the next one in the next period:

    n1 ──ping──▶ n2                      no ack in time?  ask k others, for the path may be bad
    n1 ◀──ack─── n2                      n1 ──ping-req──▶ n5 ──ping──▶ n2
                                         n1 ◀────ack───── n5 ◀──ack─── n2

No ack until the end of the period: n2 has failed, and n1 tells everybody (section 3.2).

Everybody is probed by somebody in each period with probability 1 - 1/e, so the first detection
takes e / (e - 1) periods on average, whatever n is. Heartbeats take n messages where this takes
one.

Here a failure is final, as in the paper's section 3: what is called dead stays dead, though it may
live (``suspicion.py`` mends that). One thing is not in the paper: a member whose own period begins
too late by another period stood still itself, and takes no missing ack for a failure.
"""

from collections.abc import Mapping
from typing import TypedDict

from common.contract import CallId, Node, NodeId, on, timer
from common.values.history import Ok
from common.values.units import SECOND
from stage5_fault_tolerance.swim.members import Entry, Table, entry_of
from stage5_fault_tolerance.swim.messages import (
    ALIVE,
    DEAD,
    SUSPECT,
    Ack,
    Alive,
    Changed,
    Dead,
    Members,
    News,
    Ping,
    PingReq,
    Suspect,
    Update,
    Updates,
)

MOST_HELP = 256
"""A member helps with no more pings than this at a time; an older one is forgotten."""


@timer
class PeriodBegins:
    """The next protocol period begins."""


@timer
class AckIsLate:
    """The round-trip time for the probe of this number, to this target, is over."""

    number: int
    target: NodeId


class ProberOptions(TypedDict, total=False):
    """How a :class:`Prober` is set up; see there."""

    period: int
    ping_timeout: int
    helpers: int


class Prober(Node):
    """A member that probes the others.

    Args:
        id, peers: as of every node; ``peers`` are those that are known from the beginning.
        period: the protocol period T', in microseconds.
        ping_timeout: when an ack is late, in microseconds: a round trip as a rule takes less. It is
            less than half of the period. 3/10 of the period unless given.
        helpers: k, how many others are asked to ping in one's place.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        period: int = 1 * SECOND,
        ping_timeout: int = 0,
        helpers: int = 3,
    ) -> None:
        super().__init__(id, peers)
        self.period = period
        self.ping_timeout = ping_timeout or period * 3 // 10
        self.helpers = helpers
        self.table = Table(id, peers)
        """What this member believes of the others."""
        self.last_number = 0
        """The number of the latest ping of this member: one for each, also for those for others."""
        self.target: NodeId | None = None
        """The member that it probes in this period; None if nobody is living."""
        self.probe = 0
        """The number of the probe of this period."""
        self.acked = False
        """Whether that has its ack."""
        self.period_due = 0
        """When the next period is to begin."""
        self.helping: dict[int, tuple[NodeId, int]] = {}
        """By the number of a ping for somebody else: who has asked, and under which number."""

    def status(self) -> Mapping[str, object]:
        """How many members are believed to be in which state; this one is alive."""
        dead, suspects = len(self.table.dead), self.table.suspects
        return {ALIVE: self.table.living - suspects, SUSPECT: suspects, DEAD: dead}

    # Once in each period.

    def on_start(self) -> None:
        """Begin somewhere within a period: members do not beat together."""
        self.wait_for_period(self.random.randrange(self.period))

    @on(PeriodBegins)
    def period_begins(self, begins: PeriodBegins) -> None:
        """Judge the probe of the period that ends, and begin with the next (section 3.1).

        If its target has sent no ack, directly or by a helper, it has :meth:`failed`. It has not if
        this member itself has stood still: then it is now later than ``period_due`` by more than
        ``period``, and the ack may wait unread. The next probe begins in any case.
        """
        stood_still = self.now - self.period_due > self.period
        if self.target is not None and not self.acked and not stood_still:
            self.failed(self.target)
        self.probe_next()
        self.wait_for_period(self.scaled(self.period))

    def wait_for_period(self, time: int) -> None:
        """Let the next period begin in ``time`` microseconds."""
        self.period_due = self.now + time
        self.set_timer(time, PeriodBegins())

    def probe_next(self) -> None:
        """Ping the next member in turn, and set a timer for its ack.

        The probe has a new number. If nobody is living, there is no target.
        """
        self.target = self.table.next_to_probe(self.random)
        self.probe, self.acked = self.new_number(), False
        if self.target is not None:
            self.send(self.target, Ping(self.probe, self.updates_for(self.target)))
            self.set_timer(self.scaled(self.ping_timeout), AckIsLate(self.probe, self.target))

    @on(AckIsLate)
    def ack_is_late(self, late: AckIsLate) -> None:
        """If this is the present probe, and it has no ack, ask others to ping its target.

        There are ``helpers`` of them, drawn by chance (``table.some``) without the target.
        """
        if late.number == self.probe and not self.acked:
            for helper in self.table.some(self.helpers, self.random, but=late.target):
                self.ask_for_help(helper, late.target)

    def ask_for_help(self, helper: NodeId, target: NodeId) -> None:
        """Ask one other to ping the target in this member's place."""
        self.send(helper, PingReq(self.probe, target, self.updates_for(helper)))

    # What others send.

    @on(Ping)
    def ping_received(self, ping: Ping, sender: NodeId) -> None:
        """Learn what it brings, then answer with an Ack of the same number."""
        self.learn_all(ping.updates)
        self.send(sender, Ack(ping.number, self.updates_for(sender)))

    @on(PingReq)
    def ping_req_received(self, request: PingReq, sender: NodeId) -> None:
        """Ping the target for the sender, under a new number of this member's own.

        ``helping`` remembers who asked, and under which number of theirs. It never holds more than
        :data:`MOST_HELP`: the oldest one makes room.
        """
        self.learn_all(request.updates)
        number = self.new_number()
        self.helping[number] = (sender, request.number)
        if len(self.helping) > MOST_HELP:
            del self.helping[next(iter(self.helping))]
        self.send(request.target, Ping(number, self.updates_for(request.target)))

    @on(Ack)
    def ack_received(self, ack: Ack, sender: NodeId) -> None:
        """The ack of the present probe, or of a ping for somebody else, who then gets one too.

        The other one knows the ping by its own number. An ack of an earlier probe says nothing.
        """
        self.learn_all(ack.updates)
        if ack.number == self.probe:
            self.acked = True
        elif ack.number in self.helping:
            asker, number = self.helping.pop(ack.number)
            self.send(asker, Ack(number, self.updates_for(asker)))

    @on(News)
    def news_received(self, news: News, sender: NodeId) -> None:
        """Learn it."""
        self.learn_all(news.updates)

    @on(Members)
    def members_asked(self, asked: Members, call: CallId) -> None:
        """Answer with what is believed of everybody."""
        believed = [(self.id, Entry(ALIVE, self.own_incarnation()))]
        believed += [(name, self.table[name]) for name in self.table]
        answer = sorted((name, entry.state, entry.incarnation) for name, entry in believed)
        self.finish(call, Ok(tuple(answer)))

    # What is believed, and told: later parts change these.

    def failed(self, member: NodeId) -> None:
        """Nobody had an ack from ``member``: it is dead, and everybody hears of it (3.2)."""
        self.tell(Dead(member, 0, self.id))

    def tell(self, update: Update) -> None:
        """Learn an update that was made here; where it is news, spread it."""
        if self.learn(update):
            self.spread(update)

    def spread(self, update: Update) -> None:
        """Send an update to all that are living (section 3.2: the basic protocol multicasts)."""
        for member in self.table:
            if self.table.is_living(member):
                self.send(member, News((update,)))

    def learn_all(self, updates: Updates) -> None:
        """Learn what a message has brought."""
        for update in updates:
            self.learn(update)

    def learn(self, update: Update) -> bool:
        """Believe an update where it is news; returns whether it was.

        Here members only fail: Dead is news of one that is not dead yet, Alive of one that is not
        known. Nobody hears of itself.
        """
        known = self.table.get(update.member)
        if update.member == self.id or isinstance(update, Suspect):
            return False
        if known is not None and (known.state == DEAD or isinstance(update, Alive)):
            return False
        self.believe(update)
        return True

    def believe(self, update: Update) -> None:
        """Put an update into the table, and let others know of a change of state."""
        member, entry = update.member, entry_of(update)
        before = self.table.get(member)
        self.table[member] = entry
        if before is None or before.state != entry.state:
            self.deliver(Changed(member, entry.state, entry.incarnation))
            self.note(f"{member} is {entry.state}", incarnation=entry.incarnation)

    def updates_for(self, to: NodeId) -> Updates:
        """What the next message to a member carries besides; here nothing."""
        return ()

    def own_incarnation(self) -> int:
        """The incarnation of this member; here there is only one."""
        return 0

    def scaled(self, time: int) -> int:
        """How long a period, or a wait for an ack, is just now; here as configured."""
        return time

    def new_number(self) -> int:
        """A number for a ping."""
        self.last_number += 1
        return self.last_number
