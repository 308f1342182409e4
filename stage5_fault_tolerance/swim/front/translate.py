"""Memberlist's messages and ours: the same protocol in two vocabularies.

===================  =====================================================================
memberlist           the lab
===================  =====================================================================
ping, ack            Ping, Ack
indirect ping, nack  PingReq, Nack
suspect, dead        Suspect, Dead; a dead that its member sent itself says that it left
alive                Alive; the address beside it goes into the book
compound             one message and its updates, or News where there are updates alone
user                 nothing: what Serf's agents tell each other about events and queries
===================  =====================================================================

Memberlist counts incarnations from 1, and takes an alive of incarnation 0 for none. The paper
counts from 0, and so does the lab. So each number is one more on the wire than in the node.
"""

from collections.abc import Callable
from typing import TypeAlias

from common.contract import NodeId
from common.runtime.carrier import Address
from common.runtime.refusals import Refused
from stage5_fault_tolerance.swim.front.book import AddressBook, Place, host_of
from stage5_fault_tolerance.swim.front.packets import (
    MAX_NUMBER,
    MAX_PACKET,
    Fields,
    Kind,
    join,
    read,
    split,
    write,
)
from stage5_fault_tolerance.swim.messages import (
    Ack,
    Alive,
    Dead,
    Nack,
    News,
    Ping,
    PingReq,
    Suspect,
    Update,
    Updates,
)

FIRST_INCARNATION = 1
"""What memberlist calls the incarnation that is 0 here."""

MAX_PORT = 65_535
MOST_PARTS = 255
"""A compound counts its parts in one byte."""

Message: TypeAlias = Ping | PingReq | Ack | Nack | News
_Probe: TypeAlias = Callable[[Updates], Message]


class Translator:
    """Translates for one node.

    Args:
        node: its name.
        book: who is where; what members say of themselves is learned.
        label: of the cluster; "" for none.

    Attributes:
        left_out: updates that were not sent, because they did not fit or nobody knows an address.
        ignored: messages of Serf's own that a member of SWIM has no use for.
    """

    def __init__(self, node: NodeId, book: AddressBook, label: str) -> None:
        self.node = node
        self.book = book
        self.label = label
        self.left_out = 0
        self.ignored = 0

    # From memberlist.

    def arrived(self, packet: bytes, source: Address) -> tuple[NodeId, list[Message]]:
        """Who sent a packet, and its messages in our words; all updates are on the first one.

        Raises:
            Refused: something is wrong with any part of it. Then none of it is taken.
        """
        sender = ""
        updates: list[Update] = []
        probes: list[_Probe] = []
        for kind, data in split(packet, self.label):
            match kind:
                case Kind.USER:
                    self.ignored += 1
                case Kind.SUSPECT | Kind.ALIVE | Kind.DEAD:
                    updates.append(self.update(kind, read(kind, data)))
                case Kind.PING | Kind.INDIRECT_PING:
                    fields = read(kind, data)
                    sender = self.asker(fields, source)
                    probes.append(self._question(kind, fields))
                case Kind.ACK | Kind.NACK:
                    probes.append(_answer(kind, read(kind, data).number("SeqNo")))
                case _:
                    raise Refused("garbled", f"it has a {kind.name}, which no datagram has")
        if updates and (not probes or isinstance(probes[0](()), Nack)):
            probes.insert(0, News)
        messages = [probe(() if at else tuple(updates)) for at, probe in enumerate(probes)]
        return sender or self.book.name_at(source), messages

    def asker(self, fields: Fields, source: Address) -> NodeId:
        """Who sent a question, and where to answer it: older members say nothing of it.

        Raises:
            Refused: it speaks in the name of this node.
        """
        name, packed = fields.name("SourceNode", needed=False), fields.data("SourceAddr")
        if name == self.node:
            raise Refused("forged", f"it calls itself {name!r}, which is our own name")
        address = (host_of(packed), fields.number("SourcePort", MAX_PORT)) if packed else source
        return self.book.called(name, address)

    def _question(self, kind: Kind, fields: Fields) -> _Probe:
        number = fields.number("SeqNo")
        if kind is Kind.PING:
            self.check_target(fields)
            return lambda updates: Ping(number, updates)
        packed, port = fields.data("Target"), fields.number("Port", MAX_PORT)
        target = self.book.called(fields.name("Node", needed=False), (host_of(packed), port))
        return lambda updates: PingReq(number, target, updates)

    def check_target(self, fields: Fields) -> None:
        """Refuse a ping that is for another member. Older members do not say for whom it is.

        Raises:
            Refused: it is; this node has the address that another one had before, for instance.
        """
        target = fields.name("Node", needed=False)
        if target not in ("", self.node):
            raise Refused("not_for_us", f"it is a ping for {target!r}, and we are {self.node!r}")

    def update(self, kind: Kind, fields: Fields) -> Update:
        """An update; what an alive says of an address is learned.

        Raises:
            Refused: a field is wrong.
        """
        member, incarnation = fields.name("Node"), incarnation_of(fields)
        if kind is Kind.ALIVE:
            self.learn(member, fields)
            return Alive(member, incarnation)
        accuser = fields.name("From", needed=False) or member
        return (Suspect if kind is Kind.SUSPECT else Dead)(member, incarnation, accuser)

    def learn(self, member: NodeId, fields: Fields) -> None:
        """Learn where a member is, from an alive or a state. Raises: Refused."""
        self.book.learn(
            member,
            Place(
                host_of(fields.data("Addr")),
                fields.number("Port", MAX_PORT),
                fields.data("Meta"),
                fields.data("Vsn"),
                fields.number("Incarnation"),
            ),
        )

    # To memberlist.

    def packet(self, to: NodeId, message: Message) -> bytes:
        """The packet that says it, with as many of its updates as fit."""
        parts = [self._probe(to, message)] if not isinstance(message, News) else []
        updates = () if isinstance(message, Nack) else message.updates
        room = MAX_PACKET - sum(map(len, parts)) - len(self.label) - 16  # all that goes around
        for update in updates:
            part = self._told(update)
            if part is None or len(part) + 2 > room or len(parts) == MOST_PARTS:
                self.left_out += 1
                continue
            room -= len(part) + 2
            parts.append(part)
        place = self.book[to]
        checksum = place is not None and place.takes_checksums
        return join(parts, label=self.label, checksum=checksum) if parts else b""

    def ping(self, to: NodeId, number: int) -> bytes:
        """A ping."""
        return write(Kind.PING, {"SeqNo": number, "Node": to, **self._source()})

    def _probe(self, to: NodeId, message: Ping | PingReq | Ack | Nack) -> bytes:
        match message:
            case Ping(number):
                return self.ping(to, number)
            case PingReq(number, target):
                place = self.book[target]
                host, port = (place.packed, place.port) if place is not None else (b"", 0)
                asked = {"SeqNo": number, "Target": host, "Port": port, "Node": target}
                return write(Kind.INDIRECT_PING, {**asked, "Nack": True, **self._source()})
            case Ack(number):
                return write(Kind.ACK, {"SeqNo": number, "Payload": b""})
            case Nack(number):
                return write(Kind.NACK, {"SeqNo": number})

    def _source(self) -> dict[str, object]:
        own = self.book[self.node]
        assert own is not None, "the book begins with this node"
        return {"SourceAddr": own.packed, "SourcePort": own.port, "SourceNode": self.node}

    def _told(self, update: Update) -> bytes | None:
        said: dict[str, object] = {
            "Incarnation": min(update.incarnation + FIRST_INCARNATION, MAX_NUMBER),
            "Node": update.member,
        }
        if not isinstance(update, Alive):
            kind = Kind.SUSPECT if isinstance(update, Suspect) else Kind.DEAD
            return write(kind, {**said, "From": update.accuser})
        place = self.book[update.member]
        return None if place is None else write(Kind.ALIVE, {**said, **where(place)})


def where(place: Place) -> dict[str, object]:
    """The fields in which memberlist says where a member is."""
    return {
        "Addr": place.packed,
        "Port": place.port,
        "Meta": place.meta,
        "Vsn": place.versions,
    }


def incarnation_of(fields: Fields) -> int:
    """The incarnation in a message, counted from 0.

    Raises:
        Refused: it is none.
    """
    found = fields.number("Incarnation", MAX_NUMBER)
    if found < FIRST_INCARNATION:
        raise Refused("garbled", "it has incarnation 0, and memberlist counts from 1")
    return found - FIRST_INCARNATION


def _answer(kind: Kind, number: int) -> _Probe:
    if kind is Kind.NACK:
        return lambda _: Nack(number)
    return lambda updates: Ack(number, updates)
