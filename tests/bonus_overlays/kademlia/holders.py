"""One holder by hand, and networks whose holders are asked from outside."""

from collections.abc import Collection
from typing import Any

from common.contract import CallId, Node, NodeId, on, operation
from common.course.suites.kit import ask_ok
from common.sim.simulation import Simulation
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.bonus_overlays.kademlia.alone import Alone
from tests.bonus_overlays.kademlia.keys import key
from tests.bonus_overlays.kademlia.lab import KademliaLab
from tests.bonus_overlays.kademlia.network import network

HOUR = 3600 * SECOND
DATA = b"some value"
SHORT = {"republish_every": 4 * SECOND, "expire_after": 20 * SECOND}
"""Lives of values are short here."""


def alone(lab: KademliaLab, **options: Any) -> Alone:
    """A node without seeds, with two contacts to a bucket."""
    return Alone(lab, lab.Dht, k=2, request_timeout=100 * MS, **options)


@operation
class IsKept:
    """Does ``node`` keep something under ``target``?"""

    node: NodeId
    target: str


def asker_for(lab: KademliaLab) -> type[Node]:
    """A client that asks nodes from outside, and has no key, so that nobody remembers it."""

    class Asker(Node):
        carries = (lab.FindItem,)

        def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
            super().__init__(id, peers)
            self.calls: dict[int, CallId] = {}

        @on(IsKept)
        def is_kept(self, asked: IsKept, call: CallId) -> None:
            """Ask it."""
            self.calls[len(self.calls)] = call
            self.send(asked.node, lab.FindItem(len(self.calls) - 1, "none", asked.target))

        @on(lab.Items)
        def items_received(self, answer: Any, sender: NodeId) -> None:
            """It has answered."""
            self.finish(self.calls[answer.number], Ok(bool(answer.items)))

    return Asker


def table_of_values(lab: KademliaLab, seed: int, count: int, **options: Any) -> Simulation:
    """A network of nodes that keep values, and a client "asker" outside it."""
    return network(lab, lab.Dht, seed, count, clients={"asker": asker_for(lab)}, **options)


def token(node: Alone, sender: NodeId = "n9") -> str:
    """A token for this address."""
    lab = node.lab
    [answer] = node.hear(sender, lab.FindItem(1, "none", key(1)))
    assert isinstance(answer.message.token, str)
    return answer.message.token


def store(
    node: Alone, item: Any, cas: int | None = None, sender: NodeId = "n9", left: int = 2 * HOUR
) -> int | None:
    """Let somebody store with a token that it has just got; the number of the objection, if any."""
    lab = node.lab
    [found] = node.hear(sender, lab.FindItem(1, "none", key(1)))
    [answer] = node.hear(sender, lab.Store(2, key(9), item, left, cas, found.message.token))
    assert answer.message.number == 2
    assert answer.message.key == found.message.key, "who answers says its own key"
    assert answer.to == sender
    if isinstance(answer.message, lab.Refused):
        code = answer.message.why.code
        assert isinstance(code, int)
        return code
    assert isinstance(answer.message, lab.Pong)
    return None


def kept(node: Alone, target: str) -> Any:
    """What the node says that it keeps."""
    lab = node.lab
    [answer] = node.hear("n9", lab.FindItem(3, "none", target))
    return answer.message.items[0] if answer.message.items else None


def holders(
    lab: KademliaLab, simulation: Simulation, target: str, dead: Collection[NodeId] = ()
) -> set[NodeId]:
    """Which of the living say that they keep something under a key: each is asked from outside."""
    living = [name for name in simulation.members if name not in dead]
    return {name for name in living if ask_ok(simulation, "asker", IsKept(name, target))}
