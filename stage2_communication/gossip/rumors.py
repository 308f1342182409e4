"""Rumors: each site that has news tells another one, by chance, until it loses interest.

Demers and others 1987, "Epidemic algorithms for replicated database maintenance", section 1.4
(rumor mongering, or complex epidemics). To a rumor a site is one of three:

* *susceptible*: it has not heard the rumor;
* *infective*: it knows it, and tells it: the rumor is *hot* here;
* *removed*: it knows it, and tells it no more.

In each round an infective site tells one other site, drawn by chance. In the beginning nearly all
such contacts bring news, later hardly any. When does a site lose interest? Two choices, so four
ways:

* *feedback* or *blind*: a contact counts if the other site knew the rumor already, or always;
* *counter* or *coin*: the site loses interest after ``k`` contacts that count, or after each of
  them with a chance of 1 in ``k``.

What remains is the *residue* s: the part of all sites that never hears the rumor, although nobody
has failed. With feedback and a coin it solves ``s = exp(-(k + 1) (1 - s))``: 20 % for k = 1, 6 %
for k = 2. The *traffic* m is how often the rumor was sent for each site, and for pushing
``s = exp(-m)``, in all four ways. So rumors are cheap, and miss some: the part ``sites`` is for
those.
"""

from collections.abc import Mapping

from common.contract import CallId, Node, NodeId, message, on, operation, timer
from common.values.history import Ok
from common.values.units import MS


@operation
class Tell:
    """Spread ``text``. Ends with Ok() once it is known at this site."""

    text: str


@operation
class Known:
    """Which rumors are known here? Ends with Ok(texts), sorted."""


@message
class Push:
    """These rumors are hot at the sender."""

    texts: tuple[str, ...]


@message
class Feedback:
    """Of the rumors that were sent these were known already."""

    texts: tuple[str, ...]


@timer
class Round:
    """The next round begins."""


class Spreader(Node):
    """One site that pushes.

    Args:
        id: the name of this site.
        peers: the other ones; its own name may be among them.
        k: how hard it is to lose interest.
        feedback: whether only those contacts count that brought no news.
        counter: whether ``k`` contacts are counted, or a coin is thrown after each.
        round_every: microseconds from one round to the next.
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
        super().__init__(id, peers)
        self.k = k
        self.feedback = feedback
        self.counter = counter
        self.round_every = round_every
        self.known: set[str] = set()
        """The rumors that this site has heard. It only grows."""
        self.hot: dict[str, int] = {}
        """The rumors that it tells, in the order in which it heard them, with the contacts that
        have counted so far."""
        self.awake = False
        """Whether a round will begin by itself. A site with no hot rumor sleeps."""

    def status(self) -> Mapping[str, object]:
        """How many rumors are known, and hot."""
        return {"known": len(self.known), "hot": len(self.hot)}

    @on(Tell)
    def tell(self, tell: Tell, call: CallId) -> None:
        """A person has news."""
        self.learn(tell.text)
        self.finish(call, Ok())

    @on(Known)
    def asked(self, known: Known, call: CallId) -> None:
        """Answer with what is known."""
        self.finish(call, Ok(tuple(sorted(self.known))))

    def learn(self, text: str) -> bool:
        """Hear a rumor: whether it is news here. What is news is hot, and wakes the site."""
        if text in self.known:
            return False
        self.known.add(text)
        self.hot[text] = 0
        self.wake()
        return True

    def wake(self) -> None:
        """Let a round begin ``round_every`` from now, if none would."""
        if not self.awake:
            self.awake = True
            self.set_timer(self.round_every, Round())

    def partner(self) -> NodeId:
        """Another site, drawn by chance, each with the same chance."""
        while (drawn := self.random.choice(self.peers)) == self.id:
            pass
        return drawn

    @on(Round)
    def round_begins(self, timer: Round) -> None:
        """Tell one partner all hot rumors, and go on as long as there are any.

        A blind site counts the contact at once, whatever the partner knew. Without a hot rumor, or
        without anybody else, the site sleeps until it learns something.
        """
        self.awake = False
        if self.hot and self.peers:
            self.send(self.partner(), Push(tuple(self.hot)))
            if not self.feedback:
                for text in tuple(self.hot):
                    self.contact_counts(text)
            self.wake()

    @on(Push)
    def push_received(self, push: Push, sender: NodeId) -> None:
        """Learn what is news, and tell the sender which rumors were none, if it wants to know.

        With feedback there is an answer to every Push, even if all was news.
        """
        old = tuple(text for text in push.texts if not self.learn(text))
        if self.feedback:
            self.send(sender, Feedback(old))

    @on(Feedback)
    def feedback_received(self, feedback: Feedback, sender: NodeId) -> None:
        """Each rumor that was no news there is a contact that counts."""
        for text in feedback.texts:
            self.contact_counts(text)

    def contact_counts(self, text: str) -> None:
        """A contact counts: lose interest in the rumor, or not yet.

        With a counter it is lost at the ``k``-th contact that counts. With a coin it is lost with a
        chance of 1 in ``k``: ``random.randrange(k) == 0``. A rumor that is not hot stays cold.
        """
        if text not in self.hot:
            return
        self.hot[text] += 1
        if self.hot[text] >= self.k if self.counter else self.random.randrange(self.k) == 0:
            del self.hot[text]
