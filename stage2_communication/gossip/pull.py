"""Pull: each site asks another one, by chance, whether there is news. And push-pull: both.

Demers and others 1987, section 1.4, "push versus pull". A push wastes its last rounds: nearly all
know the rumor, and whom chance draws knows it too. A pull wastes its first ones, in which hardly
anybody has news to give. At the end it is better: who has not heard asks each round, and nearly
anybody can answer. With a part p of sites that have not heard,

* a round of pushes leaves ``p * exp(-(1 - p))``, about a third of them;
* a round of pulls leaves ``p * p``.

So pulling leaves less residue for the same traffic. Its price: everybody asks in each round, also
when there is no news at all. That pays where there is always some.

**When a site that is asked loses interest** (the paper's footnote): it may be asked many times in
one round. If some asker needed the rumor, the counter begins again. If there were askers and none
of them needed it, that is one contact that counts.
"""

from common.contract import NodeId, message, on
from common.values.units import MS
from stage2_communication.gossip.rumors import Push, Round, Spreader


@message
class Ask:
    """Is there news?"""


@message
class News:
    """These rumors are hot here; an answer to Ask."""

    texts: tuple[str, ...]


@message
class Needed:
    """Of the rumors that were given as News, these were known already, and those were not."""

    old: tuple[str, ...]
    new: tuple[str, ...]


class Puller(Spreader):
    """One site that asks. It never sleeps.

    Args:
        id: the name of this site.
        peers: the other ones; its own name may be among them.
        k: as of a :class:`Spreader`; likewise the others.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        k: int = 2,
        feedback: bool = True,
        counter: bool = True,
        round_every: int = 50 * MS,
    ) -> None:
        super().__init__(
            id, peers, k=k, feedback=feedback, counter=counter, round_every=round_every
        )
        self.given: dict[str, bool] = {}
        """The rumors that somebody was given in this round, and whether anybody needed them."""

    def on_start(self) -> None:
        """Begin the rounds, at a moment by chance, so that not all ask at the same one."""
        self.awake = True
        self.set_timer(self.random.randint(1, self.round_every), Round())

    @on(Round)
    def round_begins(self, timer: Round) -> None:
        """End the round before this one, contact a partner, and go on, hot rumors or not."""
        self.end_round()
        self.awake = False
        if self.peers:
            self.contact(self.partner())
        self.wake()

    def contact(self, partner: NodeId) -> None:
        """Ask it."""
        self.send(partner, Ask())

    def end_round(self) -> None:
        """Count the contacts of the round: one for each rumor that was given and not needed.

        A rumor that somebody needed begins to count again at 0. Without feedback every rumor that
        was given is a contact that counts.
        """
        for text, needed in self.given.items():
            if not needed:
                self.contact_counts(text)
            elif text in self.hot:
                self.hot[text] = 0
        self.given.clear()

    @on(Ask)
    def asked_for_news(self, ask: Ask, sender: NodeId) -> None:
        """Give all hot rumors. Without any, silence is the answer.

        Until an asker says that it needed them, they were given in vain.
        """
        if self.hot:
            self.send(sender, News(tuple(self.hot)))
            for text in self.hot:
                self.given.setdefault(text, False)

    @on(News)
    def news_received(self, news: News, sender: NodeId) -> None:
        """Learn what is news; with feedback, tell the sender what was and what was not."""
        new = tuple(text for text in news.texts if self.learn(text))
        old = tuple(text for text in news.texts if text not in new)
        if self.feedback:
            self.send(sender, Needed(old, new))

    @on(Needed)
    def needed_received(self, needed: Needed, sender: NodeId) -> None:
        """Remember until the end of the round that these rumors were needed."""
        for text in needed.new:
            self.given[text] = True


class PushPuller(Puller):
    """One site that tells and asks in the same round."""

    def contact(self, partner: NodeId) -> None:
        """Tell it all hot rumors, if there are any, and ask it."""
        if self.hot:
            self.send(partner, Push(tuple(self.hot)))
            if not self.feedback:
                for text in tuple(self.hot):
                    self.contact_counts(text)
        super().contact(partner)
