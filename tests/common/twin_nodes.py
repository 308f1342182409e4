"""One chooses, the others believe it: right as long as nobody lies. And a relay, which is not."""

from typing import Any

from common.check.explorer import WorldView
from common.contract import CallId, Node, NodeId, message, on, operation
from common.contract.lies import Liar, Lie, Plan
from common.values.history import Ok


@message
class Ask:
    """A client's wish."""

    value: str


@message
class Chosen:
    """What the chooser has chosen, once and for all."""

    value: str


@operation
class Wish:
    """Ask the chooser for a value."""

    value: str


class Chooser(Node):
    """n1 chooses the first value that it is asked for; the others take what n1 says first."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.chosen = ""

    def on_start(self) -> None:
        """A chosen value is for ever."""
        self.chosen = self.saved.get("chosen", "")

    @on(Ask)
    def asked(self, ask: Ask, sender: NodeId) -> None:
        """Only the first wish counts; everybody is told what was chosen."""
        if not self.chosen:
            self.choose(ask.value)
        self.broadcast(Chosen(self.chosen))
        self.send(sender, Chosen(self.chosen))

    @on(Chosen)
    def heard(self, chosen: Chosen, sender: NodeId) -> None:
        """Believe it."""
        if not self.chosen:
            self.choose(chosen.value)

    def choose(self, value: str) -> None:
        """Never again."""
        self.chosen = value
        self.save("chosen", value)


class Wisher(Node):
    """Asks n1, and ends with what it says."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.call = 0

    @on(Wish)
    def wished(self, wish: Wish, call: CallId) -> None:
        """Ask."""
        self.call = call
        self.send(self.peers[0], Ask(wish.value))

    @on(Chosen)
    def told(self, chosen: Chosen, sender: NodeId) -> None:
        """The first answer counts."""
        if self.call:
            self.finish(self.call, Ok(chosen.value))
            self.call = 0


def another_value(liar: Liar, to: NodeId, chosen: Any) -> Chosen:
    """The opposite."""
    return Chosen(f"not {chosen.value}")


EQUIVOCATES = Plan(Lie(of=(Chosen,), says=another_value))
SAYS_BOTH = Plan(Lie(of=(Chosen,), says=another_value, truth=True))


def agreement(world: Any) -> str | None:
    """No two nodes hold different values."""
    held = {id: node.chosen for id, node in world.items() if getattr(node, "chosen", "")}
    if len(set(held.values())) > 1:
        return ", ".join(f"{id} holds {value!r}" for id, value in held.items())
    return None


def two_hold_it(world: WorldView) -> bool:
    """Two nodes hold a value."""
    return sum(bool(getattr(node, "chosen", "")) for node in world.values()) > 1
