"""Datagrams between members on real sockets, and what strangers and bad peers send."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from common.runtime.datagrams import KINDS, MAX_DATAGRAM, Datagrams, Seal
from common.runtime.handshake import Identity
from common.runtime.refusals import QUIET_SECONDS, Refusals, Refused
from common.values.errors import BadInput, ContractError, RemoteProtocolError
from tests.support.live import eventually, live

HERE = "127.0.0.1"
N1 = Identity("lab-1", "n1", b"the secret of the cluster")
N2 = Identity("lab-1", "n2", N1.secret)
SENT = Seal(N1).seal("n2", b"number..and message")


def altered(position: int) -> bytes:
    """The datagram with one byte changed."""
    return SENT[:position] + bytes([SENT[position] ^ 1]) + SENT[position + 1 :]


def kind_of(datagram: bytes, identity: Identity = N2) -> str:
    """Why it is refused."""
    with pytest.raises(Refused) as refused:
        Seal(identity).unseal(datagram)
    sentence = str(refused.value)
    assert sentence.startswith("it")
    assert "\n" not in sentence
    return refused.value.kind


def test_a_datagram_tells_its_receiver_who_sent_what() -> None:
    assert Seal(N2).unseal(SENT) == ("n1", b"number..and message")
    odd = Identity("lab-1", "Knoten ü", N1.secret)
    assert Seal(N2).unseal(Seal(odd).seal("n2", b"12345678")) == ("Knoten ü", b"12345678")


def test_a_datagram_that_is_cut_anywhere_is_refused_as_cut() -> None:
    assert {kind_of(SENT[:size]) for size in range(1, len(SENT))} == {"cut"}


def test_a_datagram_that_is_longer_than_it_says_or_than_any_may_be_is_refused() -> None:
    assert kind_of(SENT + b"x") == "too_long"
    assert kind_of(Seal(N1).seal("n2", b"x" * MAX_DATAGRAM)) == "too_long"


def test_a_datagram_with_any_byte_changed_is_refused() -> None:
    kinds = [kind_of(altered(position)) for position in range(len(SENT))]
    assert kinds[:4] == ["foreign"] * 4
    assert kinds[4:12] == ["of_others"] * 8
    assert set(kinds[12:14]) <= {"cut", "too_long"}
    assert set(kinds[14:]) == {"forged"}


def test_a_datagram_of_another_cluster_is_told_from_a_forged_one() -> None:
    assert kind_of(Seal(Identity("lab-2", "n1", N1.secret)).seal("n2", b"12345678")) == "of_others"
    assert kind_of(Seal(Identity("lab-1", "n1", b"another")).seal("n2", b"12345678")) == "forged"


def test_a_datagram_that_was_meant_for_another_member_is_refused() -> None:
    assert kind_of(Seal(N1).seal("n3", b"12345678")) == "forged"


def test_what_is_no_datagram_of_ours_is_refused() -> None:
    for stranger in (b"\x00\x82", b"GET / HTTP/1.1", bytes(MAX_DATAGRAM + 1)):
        assert kind_of(stranger) == "foreign"
    assert kind_of(b"") == "cut"


def test_a_flood_of_refusals_is_counted_wholly_and_logged_rarely() -> None:
    log: list[str] = []
    clock = [0.0]
    refusals = Refusals(("cut", "forged"), log.append, lambda: clock[0])
    for number in range(1_000):
        refusals.add("cut", f"it is cut, {number}")
    refusals.add("forged", "it is forged")
    assert log == ["it is cut, 0", "it is forged"]
    clock[0] = QUIET_SECONDS
    refusals.add("cut", "it is cut again")
    assert log[2:] == ["it is cut again (999 more of this kind since the last one named here)"]
    assert refusals.counts == {"cut": 1_001, "forged": 1}


class End:
    """One socket with everything that it reports."""

    def __init__(self, identity: Identity, *members: str) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.drops: list[tuple[str, int, str]] = []
        self.log: list[str] = []
        self.datagrams = Datagrams(
            identity, members,
            lambda message: str(message).encode(),
            self.take, lambda *drop: self.drops.append(drop), self.log.append,
        )  # fmt: skip

    def take(self, sender: str, payload: bytes) -> None:
        """Keep what arrives, unless it is to be refused."""
        if payload[8:] == b"refuse this":
            raise RemoteProtocolError("not understood: no such message")
        self.got.append((sender, payload[8:]))

    def has(self, count: int) -> Callable[[], bool]:
        """Whether so many came."""
        return lambda: len(self.got) >= count

    def send(self, to: str, message: str, number: int = 1) -> None:
        """As a host sends."""
        self.datagrams.send(to, self.datagrams.pack(to, message, number), number)


def pair() -> tuple[End, End, int, int]:
    """Two members that know each other, and their ports."""
    n1, n2 = End(N1, "n2", "n3"), End(N2, "n1")
    ports = n1.datagrams.bind(HERE), n2.datagrams.bind(HERE)
    book = {"n1": (HERE, ports[0]), "n2": (HERE, ports[1])}
    n1.datagrams.know(book)
    n2.datagrams.know(book)
    return n1, n2, *ports


@live
async def test_members_send_each_other_datagrams_both_ways() -> None:
    n1, n2, *_ = pair()
    n1.datagrams.release()
    n2.datagrams.release()
    for number in range(100):
        n1.send("n2", f"message {number}")
    await eventually(n2.has(100))
    assert n2.got == [("n1", b"message %d" % number) for number in range(100)]
    n2.send("n1", "back")
    await eventually(n1.has(1))
    assert n1.got == [("n2", b"back")]
    n1.datagrams.end()
    n2.datagrams.end()


@live
async def test_what_arrives_before_the_node_begins_waits_until_it_does() -> None:
    n1, n2, *_ = pair()
    n1.send("n2", "early")
    await asyncio.sleep(0.05)
    assert not n2.got
    n2.datagrams.release()
    await eventually(n2.has(1))
    n1.datagrams.end()
    n2.datagrams.end()


@live
async def test_bad_datagrams_are_counted_and_named_and_good_ones_still_come() -> None:
    n1, n2, _, port = pair()
    n2.datagrams.release()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for bad in (
            SENT[:-1],
            SENT + b"x",
            b"x" * 60_000,
            Seal(Identity("lab-2", "n1", N1.secret)).seal("n2", b"12345678"),
            altered(len(SENT) - 1),
            Seal(N1).seal("n2", b"12345678refuse this"),
        ):
            stranger.sendto(bad, (HERE, port))
    n1.send("n2", "good")
    await eventually(n2.has(1))
    counts = n2.datagrams.refusals.counts
    assert counts == {**dict.fromkeys(KINDS, 1)}, counts
    assert len(n2.log) == len(KINDS)
    assert all(line.startswith("refused a datagram ") for line in n2.log)
    assert n2.datagrams.counters["datagrams_forged"] == 1
    n1.datagrams.end()
    n2.datagrams.end()


@live
async def test_a_message_larger_than_a_datagram_is_refused_before_it_leaves() -> None:
    n1, n2, *_ = pair()
    n2.datagrams.release()
    n1.send("n2", "x" * 1_300)
    await eventually(n2.has(1))
    with pytest.raises(ContractError, match="n1 sends n2 a str that takes 14.* bytes, more than"):
        n1.send("n2", "x" * 1_400)
    with pytest.raises(ContractError, match="a str that takes 1000.* bytes"):
        n1.send("n2", "x" * 100_000)
    n1.datagrams.end()
    n2.datagrams.end()


@live
async def test_a_member_that_is_nowhere_or_gone_costs_the_message_and_no_more() -> None:
    n1, n2, *_ = pair()
    n1.send("n3", "nobody knows where", number=7)
    assert n1.drops == [("n3", 7, "no address")]
    n2.datagrams.end()
    for _ in range(5):
        n1.send("n2", "nobody listens")
    n1.datagrams.know({"n2": ("no.such.host.invalid", 1)})
    assert "its host no.such.host.invalid is unknown" in n1.log[0]
    n1.datagrams.end()
    n1.send("n2", "closed", number=8)
    assert n1.drops[-1] == ("n2", 8, "closed")


@live
async def test_a_port_that_is_taken_and_a_name_that_is_too_long_are_refused() -> None:
    n1, n2, port, _ = pair()
    with pytest.raises(BadInput, match=f"n2 cannot receive datagrams on port {port} of 127.0.0.1"):
        n2.datagrams.bind(HERE, port)
    with pytest.raises(BadInput, match="longer than 128 bytes"):
        End(N1, "n" * 129)
    n1.datagrams.end()
    n2.datagrams.end()


def test_nobody_is_reached_but_the_other_members() -> None:
    async def reached() -> dict[str, bool]:
        datagrams = End(N1, "n1", "n2").datagrams
        return {id: datagrams.reaches(id) for id in ("n1", "n2", "c1")}

    found: dict[str, Any] = asyncio.run(reached())
    assert found == {"n1": False, "n2": True, "c1": False}
