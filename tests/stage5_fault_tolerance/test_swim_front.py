"""The lab swim in memberlist's wire format: packets, LZW, addresses, words, lists."""

import asyncio
from contextlib import suppress
from random import Random

import pytest

pytest.importorskip("msgpack", reason="msgpack is not installed: pip install -e '.[serf]'")

from common.runtime.refusals import Refused
from stage5_fault_tolerance.swim.front import lzw, states
from stage5_fault_tolerance.swim.front.book import MAX_CALLERS, AddressBook, Place
from stage5_fault_tolerance.swim.front.packets import (
    MAX_PACKET,
    Fields,
    Kind,
    join,
    read,
    split,
    write,
)
from stage5_fault_tolerance.swim.front.states import Asked, list_of, read_stream
from stage5_fault_tolerance.swim.front.translate import NUMBER, Translator
from stage5_fault_tolerance.swim.messages import (
    MAX_INCARNATION,
    Ack,
    Alive,
    Dead,
    Nack,
    News,
    Ping,
    PingReq,
    Suspect,
    Update,
)
from tests.support.swim_packets import BOMB, alive, compress, compressed, packed, ping

HERE = "127.0.0.1"
OWN = {"n1": (HERE, 7001), "n2": (HERE, 7002)}
THERE = (HERE, 9000)
SERF = bytes.fromhex("01050202 0505")
GOOD = ping("n1", 7)


def translator(label: str = "", node: str = "n1") -> Translator:
    """That of a member of two, which knows nobody else."""
    return Translator(node, AddressBook(OWN), label)


def refused(packet: bytes, label: str = "") -> str:
    """Why a packet is refused."""
    with pytest.raises(Refused) as found:
        translator(label).arrived(packet, THERE)
    assert "\n" not in str(found.value)
    assert str(found.value).startswith("it")
    return found.value.kind


def compound(*parts: bytes) -> bytes:
    """Several messages in one packet."""
    return join(parts, label="", checksum=False)


# Packets.


@pytest.mark.parametrize("size", [0, 1, 255, 2_000, 20_000, 60_000])
def test_what_is_compressed_comes_out_as_it_was(size: int) -> None:
    random = Random(size)
    for data in (bytes(size), random.randbytes(size), bytes(random.choices(b"abc", k=size))):
        assert lzw.unpack(compressed(data), size) == data


def test_a_bomb_is_not_unpacked_beyond_its_bound() -> None:
    assert len(BOMB) < 2_000
    assert refused(BOMB) == "bomb"
    with pytest.raises(Refused, match="more than the 999 bytes"):
        lzw.unpack(compressed(bytes(1_000)), 999)


def test_compressed_nonsense_is_refused_or_short() -> None:
    random = Random(1)
    for _ in range(300):
        with suppress(Refused):
            assert len(lzw.unpack(random.randbytes(100), 100)) <= 100
    whole = compressed(b"memberlist")
    for size in range(len(whole) - 1):
        with pytest.raises(Refused, match="has no end"):
            lzw.unpack(whole[:size], 100)


def test_all_that_is_around_a_message_is_taken_off() -> None:
    inner = compress(compound(GOOD, alive("real1", 9000)))
    packet = join([inner], label="blue", checksum=True)
    assert [kind for kind, _ in split(packet, "blue")] == [Kind.PING, Kind.ALIVE]


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b"", "cut"),
        (GOOD[:-1], "cut"),
        (b"\x0c\x00\x00", "cut"),
        (b"\xf4\x09blue", "cut"),
        (compound(GOOD, GOOD)[:-1], "cut"),
        (b"\x07\x05\x00", "cut"),
        (compress(b""), "cut"),
        (bytes(5_000), "too_long"),
        (b"\xf4\x04blue" + GOOD, "of_others"),
        (b"\x0c\x00\x00\x00\x00" + GOOD, "forged"),
        (b"\x00" + packed({"SeqNo": 1, "Node": "n1", "SourceNode": "n1"}), "forged"),
        (b"\x0a" + bytes(30), "encrypted"),
        (compress(b"\x0a"), "encrypted"),
        (b"\x63", "garbled"),
        (b"\x06" + packed({"Nodes": 0}), "garbled"),
        (b"\x00" + packed({"SeqNo": -1}), "garbled"),
        (b"\x00" + packed({"SeqNo": 2**32}), "garbled"),
        (b"\x00" + packed({"Node": "n1"}), "garbled"),
        (b"\x00\x93\x01\x02\x03", "garbled"),
        (b"\x00\xc1", "garbled"),
        (b"\x05" + packed({"Incarnation": 0, "Node": "n2", "From": ""}), "garbled"),
        (b"\x05" + packed({"Incarnation": 1, "Node": "", "From": ""}), "garbled"),
        (b"\x05" + packed({"Incarnation": 1, "Node": b"\xff", "From": ""}), "garbled"),
        (alive("x" * 129, 9000), "garbled"),
        (b"\x09" + packed({"Algo": 1, "Buf": b""}), "garbled"),
        (compress(compress(compress(compress(compress(GOOD))))), "garbled"),
        (ping("n2", 1), "not_for_us"),
    ],
)
def test_a_bad_packet_is_refused_with_a_sentence(packet: bytes, why: str) -> None:
    assert refused(packet) == why


def test_a_packet_without_the_label_that_we_have_is_of_another_cluster() -> None:
    assert refused(GOOD, label="blue") == "of_others"
    assert translator("blue").arrived(b"\xf4\x04blue" + GOOD, THERE).messages


def test_packets_at_random_are_refused_or_understood_and_nothing_else() -> None:
    random = Random(2)
    whole = join([GOOD, alive("real1", 9000)], label="", checksum=False)
    for _ in range(2_000):
        changed = bytearray(whole)
        for _ in range(random.randint(1, 4)):
            changed[random.randrange(len(changed))] = random.randrange(256)
        with suppress(Refused):
            translator().arrived(bytes(changed), THERE)


# Words.


def told_between_us(message: Ping | PingReq | Ack | Nack | News) -> list[object]:
    """What n2 understands when n1 tells it something in memberlist's format."""
    packet = translator().packet("n2", message, 2**52)
    arrived = translator(node="n2").arrived(packet, OWN["n1"])
    assert (arrived.sender, arrived.number) == ("n1", 2**52)
    return list(arrived.messages)


UPDATES: tuple[Update, ...] = (Alive("n1", 3), Suspect("n2", 0, "n1"), Dead("n9", 8, "n9"))


@pytest.mark.parametrize(
    "message",
    [
        Ping(7, ()),
        Ping(7, UPDATES),
        PingReq(9, "n1", UPDATES),
        Ack(2**32 - 1, UPDATES),
        Nack(3),
        News(UPDATES),
        News(UPDATES[:1]),
    ],
)
def test_what_one_of_us_says_another_one_understands(
    message: Ping | PingReq | Ack | Nack | News,
) -> None:
    assert told_between_us(message) == [message]


def test_incarnations_count_from_one_on_the_wire() -> None:
    packet = translator().packet("n2", News((Alive("n1", 0),)))
    ((kind, data),) = split(packet, "")
    assert (kind, read(kind, data).number("Incarnation")) == (Kind.ALIVE, 1)
    greatest = translator().packet("n2", News((Alive("n1", MAX_INCARNATION),)))
    assert told(greatest) == [News((Alive("n1", MAX_INCARNATION - 1),))]


def told(packet: bytes) -> list[object]:
    """What n2 understands of a packet from somewhere."""
    return list(translator(node="n2").arrived(packet, THERE).messages)


def test_updates_beside_an_ack_are_on_it_and_those_beside_a_nack_come_before_it() -> None:
    suspect = write(Kind.SUSPECT, {"Incarnation": 1, "Node": "n1", "From": "n3"})
    ack, nack = write(Kind.ACK, {"SeqNo": 5}), write(Kind.NACK, {"SeqNo": 6})
    update = Suspect("n1", 0, "n3")
    assert told(compound(suspect, ack)) == [Ack(5, (update,))]
    assert told(compound(nack, suspect)) == [News((update,)), Nack(6)]
    assert told(compound(ack, suspect, ping("n2", 8))) == [Ack(5, (update,)), Ping(8, ())]


def test_serfs_own_messages_are_passed_over_and_counted() -> None:
    ours = translator()
    assert ours.arrived(compound(b"\x08\x02whatever", GOOD), THERE).messages == [Ping(7, ())]
    assert ours.ignored == 1


def test_an_alive_teaches_where_its_member_is_and_is_told_on_with_that() -> None:
    ours = translator()
    ours.arrived(alive("real1", 9000, incarnation=4), THERE)
    assert ours.book.name_at(THERE) == "real1"
    ((_, data),) = split(ours.packet("n2", News((Alive("real1", 3),))), "")
    fields = read(Kind.ALIVE, data)
    assert (fields.number("Port"), fields.number("Incarnation")) == (9000, 4)


def test_what_nobody_can_be_told_where_it_is_and_what_does_not_fit_is_left_out() -> None:
    ours = translator()
    assert ours.packet("n2", News((Alive("nowhere", 0),))) == b""
    assert ours.left_out == 1
    many = tuple(Dead(f"{number:0100}", 1, "n1") for number in range(40))
    packet = ours.packet("n2", Ping(1, many))
    assert MAX_PACKET - 150 < len(packet) <= MAX_PACKET
    assert ours.left_out > 20


def test_who_asks_gets_its_answer_where_it_wants_it_even_if_nobody_knows_it() -> None:
    ours = translator()
    assert ours.arrived(GOOD, THERE).sender == "127.0.0.1:9000"
    assert ours.book["127.0.0.1:9000"] is not None
    asked = write(
        Kind.PING,
        {"SeqNo": 1, "Node": "n1", "SourceNode": "new", "SourceAddr": b"\x7f\0\0\x01",
         "SourcePort": 9001},
    )  # fmt: skip
    assert ours.arrived(asked, THERE).sender == "new"
    assert ours.packet("new", Ack(1, ()))[0] == Kind.ACK, "no checksum: it may not know them"


def test_the_number_of_a_message_travels_among_our_own_only() -> None:
    ours = translator()
    ours.arrived(alive("real1", 9000), THERE)
    ((_, data),) = split(ours.packet("real1", Ack(1, ()), 77), "")
    assert read(Kind.ACK, data).number(NUMBER, needed=False) == 0
    forged = write(Kind.ACK, {"SeqNo": 1, NUMBER: 77})
    assert ours.arrived(forged, THERE).number == 0
    assert ours.arrived(forged, OWN["n2"]).number == 77


# Addresses.


def test_only_a_newer_incarnation_moves_a_member_and_nothing_moves_our_own() -> None:
    book = AddressBook(OWN)
    book.learn("real1", Place(HERE, 9000, incarnation=2))
    book.learn("real1", Place(HERE, 9001, incarnation=2))
    book.learn("n2", Place(HERE, 9002, incarnation=9))
    assert book.name_at((HERE, 9000)) == "real1"
    assert book["n2"] == Place(HERE, 7002)
    book.learn("real1", Place(HERE, 9001, incarnation=3))
    assert book.name_at((HERE, 9001)) == "real1"
    assert book.name_at((HERE, 9000)) == "127.0.0.1:9000"


def test_a_crowd_of_callers_takes_no_more_room_than_there_is() -> None:
    book = AddressBook(OWN)
    for number in range(2 * MAX_CALLERS):
        book.called(f"stranger {number}", (HERE, 10_000 + number))
    known = [number for number in range(2 * MAX_CALLERS) if book[f"stranger {number}"] is not None]
    assert known == list(range(MAX_CALLERS, 2 * MAX_CALLERS))


# Lists.


def read_all(data: bytes, ours: Translator) -> Asked:
    """What a connection says that ends after these bytes."""

    async def reading() -> Asked:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await read_stream(reader, ours, "n1")

    return asyncio.run(reading())


def row(name: str, state: int, incarnation: int = 1) -> bytes:
    """A row of a list, as Serf sends it."""
    return packed(
        {"Name": name, "Addr": b"\x7f\0\0\x01", "Port": 9000, "Meta": b"\xff\x80",
         "Incarnation": incarnation, "State": state, "Vsn": SERF}
    )  # fmt: skip


def a_list(*rows: bytes, data: bytes = b"") -> bytes:
    """A list with its header, and with data of the application above."""
    header = {"Nodes": len(rows), "UserStateLen": len(data), "Join": True}
    return b"\x06" + packed(header) + b"".join(rows) + data


SERFS = a_list(row("a", 0), row("s", 1, 5), row("d", 2), row("l", 3), data=b"clocks" * 100)
SAID = (Alive("a", 0), Suspect("s", 4, "n1"), Suspect("d", 0, "n1"), Dead("l", 0, "l"))


@pytest.mark.parametrize("data", [SERFS, compress(SERFS)], ids=["plain", "compressed"])
def test_a_list_is_read_and_its_dead_are_suspects_until_they_had_their_say(data: bytes) -> None:
    ours = translator()
    assert read_all(data, ours).updates == SAID
    place = ours.book["a"]
    assert place is not None
    assert (place.meta, place.takes_checksums) == (b"\xff\x80", True)


def test_our_list_is_read_by_another_one_of_us() -> None:
    rows = (("n1", "alive", 2), ("n2", "suspect", 0), ("unknown", "alive", 0))
    sent = list_of(rows, translator("blue"), joins=True)
    asked = read_all(sent, translator("blue"))
    assert asked.updates == (Alive("n1", 2), Suspect("n2", 0, "n1"))
    assert asked.fields.name(states.TELLER) == "n1"


def test_a_ping_over_a_connection_is_understood() -> None:
    asked = read_all(GOOD, translator())
    assert (asked.kind, asked.fields.number("SeqNo")) == (Kind.PING, 7)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cut"),
        (SERFS[:-1], "cut"),
        (SERFS[:60], "cut"),
        (b"\xf4\x04blue" + SERFS, "of_others"),
        (b"\x0a" + bytes(100), "encrypted"),
        (b"\x06" + packed({"Nodes": 10**6, "UserStateLen": 0}), "garbled"),
        (b"\x06" + packed({"Nodes": 0, "UserStateLen": 10**9}), "garbled"),
        (b"\x06" + packed({"Nodes": 1, "UserStateLen": 0}) + packed({"Name": "a"}), "garbled"),
        (a_list(row("a", 7)), "garbled"),
        (b"\x02" + packed({"SeqNo": 1}), "garbled"),
        (b"GET / HTTP/1.1\r\n\r\n", "garbled"),
    ],
)
def test_a_bad_list_is_refused_with_a_sentence(data: bytes, why: str) -> None:
    with pytest.raises(Refused) as found:
        read_all(data, translator())
    assert found.value.kind == why, str(found.value)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (BOMB, "bomb"),
        (b"\x06" + packed({"Nodes": 0, "UserStateLen": 9_999}) + bytes(9_999), "too_long"),
    ],
)
def test_a_list_without_end_is_not_read_to_its_end(
    data: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "MAX_STREAM", 10_000)
    with pytest.raises(Refused) as found:
        read_all(data, translator())
    assert found.value.kind == why, str(found.value)


def test_a_field_that_is_no_map_is_named() -> None:
    with pytest.raises(Refused, match="a PING that is no map of fields"):
        Fields(Kind.PING, [1])
