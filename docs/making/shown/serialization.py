"""A program of yesterday between two of today: what it does not know is lost, or is not."""

from collections.abc import Mapping
from functools import partial

from common.check.verdict import Verdict
from common.contract import CallId, Node, NodeId, message, on, operation
from common.sim import LinkModel
from common.values.history import Ok
from common.values.units import MS
from common.worlds import Scene
from docs.making.shown import told
from stage2_communication.serialization import protobuf
from stage2_communication.serialization.protobuf import Field, MessageType

YESTERDAY = MessageType("Order", (Field(1, "id", "int32"), Field(2, "item", "string")))
TODAY = MessageType("Order", (*YESTERDAY.fields, Field(3, "address", "string")))
ORDER = {"id": 7, "item": "tea", "address": "Oslo"}


@message
class Bytes:
    """An order, written down."""

    hex: str


@operation
class Send:
    """Write an order and send it off; ends with Ok(order), as the last program reads it."""


class Program(Node):
    """Reads an order, and writes it on to the next one.

    Args:
        id, peers: as of every node.
        kind: the order as this program knows it.
        to: who gets it next; "" where it ends.
    """

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, kind: MessageType, to: NodeId
    ) -> None:
        super().__init__(id, peers)
        self.kind = kind
        self.to = to
        self.known: dict[str, object] = {}
        """The order as this program sees it."""
        self.asked: CallId | None = None

    def status(self) -> Mapping[str, object]:
        """The order as this program sees it."""
        return {"order": self.known}

    @on(Send)
    def send_order(self, send: Send, call: CallId) -> None:
        """Write the order, and send it off."""
        self.asked = call
        self.write_on(dict(ORDER))

    @on(Bytes)
    def received(self, bytes_: Bytes, sender: NodeId) -> None:
        """Read it, and hand it on; the last one tells the first one what it has read."""
        order = protobuf.decode(self.kind, bytes.fromhex(bytes_.hex))
        if self.asked is not None:
            self.known = _shown(order)
            self.finish(self.asked, Ok(self.known))
        else:
            self.write_on(order)

    def write_on(self, order: dict[str, object]) -> None:
        """Write what is known, and what is not."""
        self.known = _shown(order)
        written = protobuf.encode(self.kind, order)
        self.note(f"writes {len(written)} bytes: {written.hex(' ')}")
        self.send(self.to, Bytes(written.hex(" ")))


def handed_on() -> tuple[Scene, Verdict]:
    """n1 and n3 are of today and know the address; n2 between them does not."""
    nodes = {
        "n1": partial(Program, kind=TODAY, to="n2"),
        "n2": partial(Program, kind=YESTERDAY, to="n3"),
        "n3": partial(Program, kind=TODAY, to="n1"),
    }
    link = LinkModel(latency=(10 * MS, 10 * MS))
    scene = Scene("serialization", nodes, seed=1, link=link)
    asked = scene.ask("n1", Send())
    assert isinstance(asked.outcome, Ok), "nothing is lost on the way"
    sentence = (
        f"n1 sent {ORDER}; n2, which knows no address, handed it on; in the end it is "
        f"{asked.outcome.value}."
    )
    return told(scene, "what is unknown is kept", asked.outcome.value == ORDER, sentence, asked)


def _shown(order: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in order.items() if name != protobuf.UNKNOWN and value}
