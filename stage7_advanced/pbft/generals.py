"""The Byzantine generals: to agree on one general's order, although some generals lie.

Lamport, Shostak and Pease 1982, "The Byzantine Generals Problem". A commander gives an order to
n - 1 lieutenants. Some of the n generals may be traitors, the commander too, and say anything to
anybody. The loyal lieutenants need *interactive consistency*:

* IC1: all loyal lieutenants obey the same order;
* IC2: if the commander is loyal, every loyal lieutenant obeys the order that he gives.

The two algorithms differ in what a lieutenant can prove:

* :class:`OralGeneral` is OM(m), section 3. A general that hears a message knows who said it, and
  can prove it to nobody. So each lieutenant asks all others what they were told, and believes the
  majority. It bears m traitors among n >= 3m + 1 generals. With three generals and one traitor no
  algorithm can exist (section 2).
* :class:`SignedGeneral` is SM(m), section 4. Orders are signed, and handed on as they are. A
  traitor can keep an order back, and a traitorous commander can sign two; nobody can invent one. It
  bears m traitors among any number of generals.

Both need a network in which a message arrives within :data:`ROUND`, and one that does not can be
missed (A1 to A3). A message that was handed on k times has k + 1 rounds to arrive; what comes later
was never said. All generals begin at the same time.
"""

from collections.abc import Collection, Mapping, Sequence
from math import prod
from typing import Any, TypeAlias

from common.contract import CallId, Node, NodeId, Signed, message, on, operation, record, timer
from common.values.history import Ok
from common.values.units import MS

RETREAT = "retreat"
"""What is done when no order was heard, or no single one: the same for all generals."""

ROUND = 100 * MS
"""A message arrives before this time is over, and is handed on at once."""

MOST_ORDERS = 2
"""Different signed orders that a general hands on; two are proof enough of a traitor."""

Path: TypeAlias = tuple[NodeId, ...]
"""Who said it to whom: the commander, a lieutenant who hands it on, the next one who does."""


@message
class Oral:
    """``path[-1]`` says: this is the value that I was told along the rest of the path."""

    path: Path
    value: str


@record
class Order:
    """What the commander signs; each lieutenant that hands it on signs it again."""

    value: str


@timer
class Deadline:
    """All rounds are over: what has not come by now will not come."""


@operation
class AskGeneral:
    """Somebody asks a general what he does; he is told as soon as the general knows."""


def majority(values: Sequence[str]) -> str:
    """The value that more than half of ``values`` are; RETREAT if there is none (section 3)."""
    for value in values:
        if 2 * values.count(value) > len(values):
            return value
    return RETREAT


def choice(orders: Collection[str]) -> str:
    """The one order that there is; RETREAT if there is none, or more than one (section 4)."""
    return next(iter(orders)) if len(orders) == 1 else RETREAT


def messages_of_oral(generals: int, traitors: int) -> int:
    """How many messages OM(traitors) takes among loyal generals.

    The commander sends n - 1 messages. Each of their receivers sends the value to the n - 2 who
    have had no part in it, each of those to n - 3, and so on, m times: (n-1) + (n-1)(n-2) + ...
    """
    n, m = generals, traitors
    return sum(prod(n - j for j in range(1, k + 1)) for k in range(1, m + 2))


class General(Node):
    """What both kinds of general have: an order to give or to hear of, and in the end a decision.

    Args:
        commander: who gives the order.
        order: what he orders; the lieutenants do not know it.
        traitors: so many traitors are borne, the m of OM(m) and SM(m).

    Attributes:
        began: when the first round began, by this general's clock.
        decision: the order that this general obeys; None until he knows, and never changed.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        commander: NodeId = "n1",
        order: str = "attack",
        traitors: int = 1,
    ) -> None:
        super().__init__(id, peers)
        self.commander = commander
        self.order = order
        self.traitors = traitors
        self.began = 0
        self.decision: str | None = None
        self.asked: list[CallId] = []

    def status(self) -> Mapping[str, object]:
        """What a picture shows."""
        return {"decision": self.decision}

    @on(AskGeneral)
    def was_asked(self, _: AskGeneral, call: CallId) -> None:
        """Say what this general does, now or once he has decided."""
        if self.decision is None:
            self.asked.append(call)
        else:
            self.finish(call, Ok(self.decision))

    def begin(self) -> None:
        """The first round begins; after m + 1 rounds all are over."""
        self.began = self.now
        self.set_timer((self.traitors + 1) * ROUND, Deadline())

    def in_time(self, hops: int) -> bool:
        """Whether a message that was sent ``hops`` times, one after the other, may come now."""
        return self.now - self.began < hops * ROUND

    def obey(self, decision: str) -> None:
        """Decide, for good, and tell those who have asked."""
        self.decision = decision
        for call in self.asked:
            self.finish(call, Ok(decision))
        self.asked.clear()


class OralGeneral(General):
    """OM(m): everybody tells everybody what he was told, and the majority is believed (section 3).

    Attributes:
        heard: what was said along each path: the first value only, and never changed.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **orders: Any) -> None:
        super().__init__(id, peers, **orders)
        self.heard: dict[Path, str] = {}

    def on_start(self) -> None:
        """The rounds begin: the commander sends his value to every lieutenant (step 1).

        He obeys his own order at once.
        """
        self.begin()
        if self.id == self.commander:
            self.broadcast(Oral((self.id,), self.order))
            self.obey(self.order)

    @on(Oral)
    def value_heard(self, oral: Oral, sender: NodeId) -> None:
        """Remember the value, and hand it on as the commander of OM(m - 1) would (step 2).

        A message counts if it is credible, and the first one along its path. As long as the path
        has no more than m generals, its value goes to every general who is not in it, with this
        general at the end of the path. A general that has heard along every path need not wait any
        longer.
        """
        if oral.path in self.heard or not self.credible(oral.path, sender):
            return
        self.heard[oral.path] = oral.value
        if len(oral.path) <= self.traitors:
            for general in self.others(oral.path):
                self.send(general, Oral((*oral.path, self.id), oral.value))
        if len(self.heard) == self.paths():
            self.obey(self.resolve((self.commander,)))

    @on(Deadline)
    def rounds_over(self, _: Deadline) -> None:
        """The absence of a message can be detected (A3): decide with what was heard."""
        if self.decision is None:
            self.obey(self.resolve((self.commander,)))

    def credible(self, path: Path, sender: NodeId) -> bool:
        """Whether a loyal ``sender`` could say now what he heard along the rest of ``path``.

        The receiver of a message knows who sent it (A2), so the path ends with the sender. It
        begins with the commander, names nobody twice, and not this general; it has m + 1 generals
        at most; and it has come in time: one round for each general in the path.
        """
        return (
            path[-1:] == (sender,)
            and path[0] == self.commander
            and len(set(path)) == len(path) <= self.traitors + 1
            and self.id not in path
            and self.in_time(hops=len(path))
        )

    def others(self, path: Path) -> list[NodeId]:
        """The generals besides this one who have no part in ``path``."""
        return [general for general in self.peers if general not in path]

    def paths(self) -> int:
        """Along how many paths a lieutenant hears a value, if nobody is silent."""
        lieutenants = len(self.peers)
        return messages_of_oral(lieutenants + 1, self.traitors) // lieutenants

    def resolve(self, path: Path) -> str:
        """The value that ``path[-1]`` said along ``path``, as far as it can be known (step 3).

        What he said to this general is one vote, RETREAT if he said nothing. If the path has no
        more than m generals, there are others to ask: of each general who has no part in the path,
        the vote is the value that *he* said he was told, found in the same way. The majority of
        all votes is the value.
        """
        told = self.heard.get(path, RETREAT)
        if len(path) > self.traitors:
            return told
        return majority([told, *(self.resolve((*path, other)) for other in self.others(path))])


class SignedGeneral(General):
    """SM(m): orders are signed, and handed on to all who have not signed them yet (section 4).

    Where we leave the paper: a general keeps and hands on :data:`MOST_ORDERS` orders, and no third
    one. With two the choice is RETREAT, whatever else there is; and all others hear of those two.

    Attributes:
        orders: the properly signed orders that he knows of, V in the paper, in the order in which
            they came.
    """

    signs = True

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **orders: Any) -> None:
        super().__init__(id, peers, **orders)
        self.orders: list[str] = []

    def on_start(self) -> None:
        """The rounds begin: the commander signs his order and sends it to everyone (step 1)."""
        self.begin()
        if self.id == self.commander:
            self.orders = [self.order]
            self.broadcast(self.sign(Order(self.order)))

    @on(Signed)
    def order_received(self, signed: Signed, sender: NodeId) -> None:
        """Take a new order, and hand it on with one signature more (step 2).

        An order counts if it is properly signed, is not known yet, and is no third one. If it has
        no more than m signatures, it goes to every general who has not signed it. It does not
        matter who brings it: the signatures say where it comes from.
        """
        signers, order = self.read(signed)
        if order is None or order.value in self.orders or len(self.orders) == MOST_ORDERS:
            return
        self.orders.append(order.value)
        if len(signers) <= self.traitors:
            for general in self.peers:
                if general not in signers:
                    self.send(general, self.sign(signed))

    @on(Deadline)
    def rounds_over(self, _: Deadline) -> None:
        """No more messages will come: obey the choice of the orders (step 3)."""
        self.obey(choice(self.orders))

    def read(self, signed: Signed) -> tuple[Path, Order | None]:
        """Who signed an order, the last one first, and the order; None unless all is proper.

        Every signature is verified. The first to sign was the commander; nobody signed twice, and
        this general not at all. There are m + 1 signatures at most, and the order has come in time:
        one round for each signature.
        """
        signers: Path = ()
        content: object = signed
        while isinstance(content, Signed) and len(signers) <= self.traitors:
            if content.signer in (self.id, *signers) or not self.verify(content):
                return (), None
            signers = (*signers, content.signer)
            content = content.content
        in_time = self.in_time(hops=len(signers))
        if not isinstance(content, Order) or signers[-1] != self.commander or not in_time:
            return (), None
        return signers, content


def disagreement(world: Mapping[NodeId, Any]) -> str | None:
    """IC1 and IC2 hold among the loyal generals who have decided.

    Args:
        world: the loyal generals, by name.
    """
    decided = {id: node.decision for id, node in world.items() if node.decision is not None}
    for id, node in world.items():
        for other, decision in decided.items():
            if id == node.commander and decision != node.order:
                return f"IC2: {id} is loyal and orders {node.order}, and {other} does {decision}"
            if decided.get(id, decision) != decision:
                return f"IC1: {id} does {decided[id]}, and {other} does {decision}"
    return None
