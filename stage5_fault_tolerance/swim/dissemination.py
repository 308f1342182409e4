"""Dissemination: news spread like an infection, on messages that are sent anyway; and joining.

SWIM, section 4.1. A member does not multicast. It puts what it has learned on its next pings,
ping-reqs and acks, a few updates on each. Members that learn it there do the same. An update that
was on few messages so far goes first, and after lambda * log n messages a member stops telling it.
Then everybody knows it, except for a part that is about n ** (2 - 2 * lambda).

So news reach everybody in a time that grows with log n, for no message more.

A newcomer knows some member, and asks it for the list (the paper's section 3.2 leaves open how).
After a long partition each side believes the other one to be dead, and nobody probes the dead. So
now and then a member greets one of the dead, as Serf does. If that one lives, both refute.
"""

from collections.abc import Mapping
from typing import Unpack

from common.contract import NodeId, on, timer
from stage5_fault_tolerance.swim.members import update_of
from stage5_fault_tolerance.swim.messages import (
    Alive,
    Join,
    News,
    Ping,
    Update,
    Updates,
)
from stage5_fault_tolerance.swim.probing import PeriodBegins
from stage5_fault_tolerance.swim.suspicion import Suspecter, SuspecterOptions

PIGGYBACK = 8
"""So many updates go on one message at most: it has to fit into a datagram."""

LIST_PART = 15
"""The list for a newcomer is sent in messages of so many updates."""

GREET_EVERY = 5
"""In one of so many periods one of the dead is greeted."""


@timer
class JoinAgain:
    """Nobody has sent the list so far."""


class SwimOptions(SuspecterOptions, total=False):
    """How a member of :class:`Swim` is set up; see there."""

    spreading: int
    joins: bool


class Swim(Suspecter):
    """A member that tells its news on its probes: the whole of SWIM.

    Args:
        id, peers, options: as of a :class:`Suspecter`.
        spreading: lambda: how many messages an update is put on, for each doubling of the number of
            members.
        joins: whether to ask for the list at the start. Founders who know each other need not.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        spreading: int = 2,
        joins: bool = True,
        **options: Unpack[SuspecterOptions],
    ) -> None:
        super().__init__(id, peers, **options)
        self.spreading = spreading
        self.joined = not joins
        """Whether somebody has sent news: then there is no need to ask for the list."""
        self.news: dict[NodeId, Update] = {}
        """What is still to be told, by whom it is about: the latest of each member only."""
        self.told: dict[NodeId, int] = {}
        """On how many messages each of them was so far."""
        self.periods = 0
        """How many periods have begun."""

    def status(self) -> Mapping[str, object]:
        """What is believed, and how much is still to be told."""
        return {**super().status(), "incarnation": self.incarnation, "news": len(self.news)}

    # Telling.

    def learn(self, update: Update) -> bool:
        """What is news here is told on: that makes it an infection (section 4.1)."""
        if is_news := super().learn(update):
            self.spread(update)
        return is_news

    def spread(self, update: Update) -> None:
        """Have an update told from now on, in place of an earlier one about the same member.

        It was on no message yet.
        """
        self.news[update.member] = update
        self.told[update.member] = 0

    def updates_for(self, to: NodeId) -> Updates:
        """What goes on the next message: first what only concerns ``to``, then what was told least.

        At most :data:`PIGGYBACK` in all, and nothing about a member twice. Each that is taken from
        the news was told once more; at ``spreading`` times the number of binary digits of the
        number of living members it has been told often enough, and is dropped.
        """
        first = super().updates_for(to)
        if not self.news:
            return first
        about = {update.member for update in first}
        fresh = [member for member in self.news if member not in about]
        chosen = sorted(fresh, key=self.told.__getitem__)[: PIGGYBACK - len(first)]
        taken = tuple(self.news[member] for member in chosen)
        enough = self.spreading * self.table.living.bit_length()
        for member in chosen:
            self.told[member] += 1
            if self.told[member] >= enough:
                del self.news[member], self.told[member]
        return first + taken

    # Joining.

    def on_start(self) -> None:
        """Begin, as before; and ask for the list."""
        super().on_start()
        self.spread(Alive(self.id, self.incarnation))
        if not self.joined:
            self.join_again(JoinAgain())

    @on(JoinAgain)
    def join_again(self, again: JoinAgain) -> None:
        """Ask a member by chance for the list, once in each period, until news come."""
        if not self.joined:
            for member in self.table.some(1, self.random, but=self.id):
                self.send(member, Join(self.incarnation))
            self.set_timer(self.period, JoinAgain())

    @on(Join)
    def join_received(self, join: Join, sender: NodeId) -> None:
        """Take the newcomer in, then send it all that is believed, this member itself first.

        What is believed of the newcomer is in the list too. If the list says that it is dead, in an
        incarnation as great as its own now, it hears so and refutes.
        """
        self.learn(Alive(sender, join.incarnation))
        known: list[Update] = [Alive(self.id, self.incarnation)]
        known += [update_of(name, self.table[name], self.id) for name in self.table]
        for begin in range(0, len(known), LIST_PART):
            self.send(sender, News(tuple(known[begin : begin + LIST_PART])))

    @on(News)
    def news_received(self, news: News, sender: NodeId) -> None:
        """Learn it; there is no need to ask for the list any more."""
        self.joined = True
        self.learn_all(news.updates)

    @on(Ping)
    def ping_received(self, ping: Ping, sender: NodeId) -> None:
        """As before; and greet who is a stranger here: the news of it died out before it came.

        A rumor reaches all but a few, and nobody tells it to these later on. But the newcomer knows
        them, and probes them one day.
        """
        super().ping_received(ping, sender)
        if sender not in self.table:
            self.send(sender, Join(self.incarnation))

    @on(PeriodBegins)
    def period_begins(self, begins: PeriodBegins) -> None:
        """As before; and now and then greet one of the dead, by chance: it may live after all."""
        super().period_begins(begins)
        self.periods += 1
        if self.table.dead and self.periods % GREET_EVERY == 0:
            self.send(self.random.choice(self.table.dead), Join(self.incarnation))
