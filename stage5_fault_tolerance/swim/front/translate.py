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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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

NUMBER = "Number"
"""A field of our own, in packets among our own nodes: the number of the message, so that traces
join both ends. Agents pass over what they do not know."""

MAX_PORT = 65_535
MAX_TRACED = 2**53
AROUND = 16
"""Bytes around the messages of a packet: compound, checksum, label."""
IN_DATAGRAMS = (
    Kind.PING, Kind.INDIRECT_PING, Kind.ACK, Kind.NACK, Kind.SUSPECT, Kind.ALIVE, Kind.DEAD,
)  # fmt: skip
MOST_PARTS = 255
"""A compound counts its parts in one byte."""

Message: TypeAlias = Ping | PingReq | Ack | Nack | News
_Probe: TypeAlias = Callable[[Updates], Message]
_Part: TypeAlias = tuple[Kind, dict[str, object]]


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a packet says, in our words.

    Attributes:
        sender: who sent it.
        messages: in their order.
        number: of the first one in traces, where the sender is one of our own; else 0.
    """

    sender: NodeId
    messages: Sequence[Message]
    number: int


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

    def arrived(self, packet: bytes, source: Address) -> Arrived:
        """What came, in our words; all updates are on the first message.

        Raises:
            Refused: something is wrong with any part of it. Then no message of it is taken.
        """
        sender, number = "", 0
        updates: list[Update] = []
        probes: list[_Probe] = []
        for kind, data in split(packet, self.label):
            if kind is Kind.USER:
                self.ignored += 1
                continue
            if kind not in IN_DATAGRAMS:
                raise Refused("garbled", f"it has a {kind.name}, which no datagram has")
            fields = read(kind, data)
            number = number or fields.number(NUMBER, MAX_TRACED, needed=False)
            if kind in (Kind.SUSPECT, Kind.ALIVE, Kind.DEAD):
                updates.append(self.update(kind, fields))
            elif kind in (Kind.ACK, Kind.NACK):
                probes.append(_answer(kind, fields.number("SeqNo")))
            else:
                sender = self.asker(fields, source)
                probes.append(self._question(kind, fields))
        if updates and (not probes or isinstance(probes[0](()), Nack)):
            probes.insert(0, News)
        messages = [probe(() if at else tuple(updates)) for at, probe in enumerate(probes)]
        sender = sender or self.book.name_at(source)
        return Arrived(sender, messages, number if self.book.is_own(sender) else 0)

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
        """Refuse a ping that is for another member. Older members do not say whose it is.

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

    def packet(self, to: NodeId, message: Message, number: int = 0) -> bytes:
        """The packet that says it, with as many of its updates as fit; b"" where nothing is left.

        Args:
            to: the member that it is for.
            message: what to say.
            number: of the message in traces.
        """
        chosen = [self._probe(to, message)] if not isinstance(message, News) else []
        for update in () if isinstance(message, Nack) else message.updates:
            part = self._told(update)
            if part is None:
                self.left_out += 1
            else:
                chosen.append(part)
        if chosen and self.book.is_own(to):
            chosen[0][1][NUMBER] = number
        parts: list[bytes] = []
        room = MAX_PACKET - len(self.label) - AROUND
        for kind, fields in chosen:
            part_bytes = write(kind, fields)
            if len(part_bytes) + 2 > room or len(parts) == MOST_PARTS:
                self.left_out += 1
                continue
            room -= len(part_bytes) + 2
            parts.append(part_bytes)
        place = self.book[to]
        checksum = place is not None and place.takes_checksums
        return join(parts, label=self.label, checksum=checksum) if parts else b""

    def _probe(self, to: NodeId, message: Ping | PingReq | Ack | Nack) -> _Part:
        match message:
            case Ping(number):
                return Kind.PING, {"SeqNo": number, "Node": to, **self._source()}
            case PingReq(number, target):
                place = self.book[target]
                host, port = (place.packed, place.port) if place is not None else (b"", 0)
                asked = {"SeqNo": number, "Target": host, "Port": port, "Node": target}
                return Kind.INDIRECT_PING, {**asked, "Nack": True, **self._source()}
            case Ack(number):
                return Kind.ACK, {"SeqNo": number, "Payload": b""}
            case Nack(number):
                return Kind.NACK, {"SeqNo": number}

    def _source(self) -> dict[str, object]:
        own = self.book[self.node]
        assert own is not None, "the book begins with this node"
        return {"SourceAddr": own.packed, "SourcePort": own.port, "SourceNode": self.node}

    def _told(self, update: Update) -> _Part | None:
        said: dict[str, object] = {
            "Incarnation": min(update.incarnation + FIRST_INCARNATION, MAX_NUMBER),
            "Node": update.member,
        }
        if not isinstance(update, Alive):
            kind = Kind.SUSPECT if isinstance(update, Suspect) else Kind.DEAD
            return kind, {**said, "From": update.accuser}
        place = self.book[update.member]
        return None if place is None else (Kind.ALIVE, {**said, **where(place)})


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
