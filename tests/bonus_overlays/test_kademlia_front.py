"""The front of the lab kademlia: what strangers may send, and what becomes of it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonus_overlays.kademlia.buckets import Contact, key_of
from bonus_overlays.kademlia.front.bencode import Value, decode, encode
from bonus_overlays.kademlia.front.facade import make
from bonus_overlays.kademlia.front.fields import Names
from bonus_overlays.kademlia.front.krpc import Translator, Wrong, number_of, transaction_of
from bonus_overlays.kademlia.front.signatures import OwnersSigner, owner_of, signed_item
from bonus_overlays.kademlia.holding import FetchItem, FindItem, Items, Store
from bonus_overlays.kademlia.items import Immutable, Mutable, Version, version_of
from bonus_overlays.kademlia.messages import FindNode, Nodes, Ping, Pong
from bonus_overlays.kademlia.peers import Announce, FindPeers, Peer, Peers
from bonus_overlays.kademlia.worlds import WORLDS
from common.contract import Signed
from common.runtime.launch import Launched, launch
from common.runtime.refusals import Refused
from common.runtime.signatures import public_of
from common.values.errors import BadInput, ContractError
from tests.support.live import live

OWN, STRANGER = ("127.0.0.1", 7001), ("127.0.0.1", 7002)
KEY, OTHER = key_of(b"own"), key_of(b"other")
ID = bytes.fromhex(OTHER)
SEED = bytes(32)

VALUES = st.recursive(
    st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.binary(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def translators() -> tuple[Translator, Translator]:
    """Two ends of a conversation: at OWN, and at STRANGER."""
    return Translator(Names({"n1": OWN})), Translator(Names({"n2": STRANGER}))


# Bencode.


@given(VALUES)
@settings(max_examples=60, deadline=None)
def test_bencode_there_and_back(value: Value) -> None:
    assert decode(encode(value)) == value


@given(st.binary(max_size=60) | VALUES.map(encode).map(lambda data: data[:-1]))
@settings(max_examples=200, deadline=None)
def test_whatever_bytes_come_are_read_in_the_one_way_there_is_or_refused(data: bytes) -> None:
    try:
        value = decode(data)
    except Refused:
        return
    assert encode(value) == data


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"l" * 4_000, "nested"),
        (b"d1:a" * 1_000, "nested"),
        (b"i", "number"),
        (b"i-0e", "number"),
        (b"i03e", "number"),
        (b"i" + b"9" * 4_000 + b"e", "number"),
        (b"5:hell", "ends within"),
        (b"99999999999:a", "ends within"),
        (b"-1:a", "no value"),
        (b"d1:bi1e1:ai1ee", "order"),
        (b"d1:ai1e1:ai1ee", "order"),
        (b"di1ei1ee", "key"),
        (b"i1ei2e", "behind"),
        (b"", "no value"),
        (b"x", "no value"),
    ],
)
def test_what_is_not_bencoded_is_refused_in_a_sentence(data: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        decode(data)


# Translating.


def test_each_question_and_its_answer_arrive_as_they_were_said() -> None:
    ours, theirs = translators()
    contacts = (Contact(KEY, "127.0.0.1:7001"), Contact(OTHER, "n2"))
    signed = signed_item(SEED, Version(b"salt", 7, b"5:hello"))
    exchanges: list[tuple[Any, Any]] = [
        (Ping(5, KEY), Pong(5, OTHER)),
        (FindNode(6, KEY, OTHER), Nodes(6, OTHER, contacts)),
        (FindItem(7, KEY, OTHER, b"salt"), Items(7, OTHER, contacts, (signed,), "ab")),
        (FetchItem(10, KEY, OTHER, b"salt"), Items(10, OTHER, contacts, (signed,), "ab")),
        (FindItem(8, KEY, OTHER), Items(8, OTHER, (), (Immutable(b"i1e"),), "ab")),
        (FindPeers(9, KEY, OTHER), Peers(9, OTHER, contacts, (Peer("127.0.0.1", 80),), "ab")),
        (Announce(10, KEY, OTHER, 80, "abcd"), Pong(10, OTHER)),
    ]
    for question, answer in exchanges:
        heard: Any = theirs.arrived(ours.datagram("127.0.0.1:7002", question), OWN)
        both_get = isinstance(question, FetchItem), isinstance(heard, FindItem)
        assert type(heard) is type(question) or all(both_get), "KRPC has one question for both"
        assert transaction_of(heard.number) == question.number.to_bytes(4)
        answered = type(answer)(heard.number, *(getattr(answer, n) for n in answer.__slots__[1:]))
        back: Any = ours.arrived(theirs.datagram("127.0.0.1:7001", answered), STRANGER)
        seen = [Contact(KEY, "n1"), Contact(OTHER, "127.0.0.1:7002")]
        if getattr(answer, "contacts", ()):
            assert list(back.contacts) == seen, "both by the names that they have here"
        for name in ("number", "key", "items", "peers", "token"):
            assert getattr(back, name, None) == getattr(answer, name, None), name


def test_a_put_arrives_with_all_that_its_signature_is_over() -> None:
    ours, theirs = translators()
    item = signed_item(SEED, Version(b"salt", 7, b"5:hello"))
    store = Store(5, KEY, item, 0, 6, "abcd")
    heard = theirs.arrived(ours.datagram("127.0.0.1:7002", store), OWN)
    assert isinstance(heard, Store)
    assert (heard.item, heard.cas, heard.token) == (item, 6, "abcd")
    assert OwnersSigner().verify(item.signed)
    for salt, seq, data in ((b"", 7, b"5:hello"), (b"salt", 8, b"5:hello"), (b"salt", 7, b"0:")):
        forged = Signed(item.signed.signer, Version(salt, seq, data), item.signed.signature)
        assert not OwnersSigner().verify(forged)
    assert not OwnersSigner().verify(Signed("n1", version_of(item), item.signed.signature))
    for odd in ("ed25519:zz", "ed25519:" + "f" * 64):
        assert not OwnersSigner().verify(Signed(odd, version_of(item), item.signed.signature))
    with pytest.raises(ContractError, match="owner's key"):
        OwnersSigner().sign("n1", "x")


def test_the_examples_of_bep_44_are_signed_as_it_says() -> None:
    public = bytes.fromhex("77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548")
    signature = (
        "6834284b6b24c3204eb2fea824d82f88883a3d95e8b4a21b8c0ded553d17d17d"
        "df9a8a7104b1258f30bed3787e6cb896fca78c58f8e03b5f18f14951a87d9a08"
    )
    item = Mutable(
        Signed(
            owner_of(public),
            Version(b"foobar", 1, b"12:Hello World!"),
            bytes.fromhex(signature),
        )
    )
    assert OwnersSigner().verify(item.signed)


def question(method: bytes, transaction: object = b"aa", **arguments: object) -> bytes:
    """A datagram of a stranger that asks."""
    return encode({"t": transaction, "y": "q", "q": method, "a": {"id": ID, **arguments}})


@pytest.mark.parametrize(
    ("datagram", "code", "why"),
    [
        (question(b"get"), 203, "'target' of 20 bytes"),
        (question(b"find_node", target=b"short"), 203, "'target' of 20 bytes"),
        (question(b"put", token=b"t"), 203, "no value"),
        (question(b"put", token=b"t", v=b"x", k=b"short", sig=bytes(64), seq=1), 203, "'k'"),
        (question(b"put", token=b"t", v=b"x", k=bytes(32), sig=bytes(64)), 203, "'seq'"),
        (question(b"put", token=bytes(100), v=b"x"), 203, "'token'"),
        (question(b"announce_peer", info_hash=ID, token=b"t"), 203, "'port'"),
        (question(b"vote"), 204, "unknown"),
        (question(b"vote" * 100), 204, "unknown"),
        (encode({"t": b"aa", "y": "q", "a": {"id": ID}}), 203, "'q'"),
        (encode({"t": b"aa", "y": "q", "q": 1, "a": {"id": ID}}), 203, "'q'"),
        (encode({"t": b"aa", "y": "q", "q": "ping"}), 203, "dictionary"),
        (encode({"t": b"aa", "y": "q", "q": "ping", "a": {"id": b"me"}}), 203, "'id'"),
    ],
)
def test_a_question_that_cannot_be_understood_is_answered_with_an_error(
    datagram: bytes, code: int, why: str
) -> None:
    wrong = translators()[0].arrived(datagram, STRANGER)
    assert isinstance(wrong, Wrong)
    assert (wrong.transaction, wrong.code) == (b"aa", code)
    assert why in wrong.text


@pytest.mark.parametrize(
    ("datagram", "why"),
    [
        (b"hello", "no value"),
        (encode([1, 2]), "dictionary"),
        (encode({"t": b"aa"}), "'y'"),
        (question(b"ping", bytes(33)), "'t'"),
        (encode({"t": b"aaaa", "y": "r", "r": {"id": ID}}), "nobody has asked"),
        (encode({"t": b"aaaa", "y": "e", "e": [201, "x"]}), "nobody has asked"),
    ],
)
def test_what_is_no_question_and_nobody_asked_for_is_refused(datagram: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        translators()[0].arrived(datagram, STRANGER)


@pytest.mark.parametrize("transaction", [b"", b"\0", bytes(8), b"a" * 20, bytes(32)])
def test_a_transaction_id_of_any_bytes_comes_back_as_it_was(transaction: bytes) -> None:
    translator = translators()[0]
    asked = translator.arrived(question(b"ping", transaction), STRANGER)
    assert isinstance(asked, Ping)
    answer = decode(translator.datagram("10.0.0.9:1", Pong(asked.number, "22" * 20)))
    assert isinstance(answer, dict)
    assert answer[b"t"] == transaction


@pytest.mark.parametrize(("implied", "port"), [(0, 7), (1, STRANGER[1]), (2, STRANGER[1])])
def test_any_implied_port_but_0_stands_for_the_one_it_came_from(implied: int, port: int) -> None:
    said = {"info_hash": ID, "port": 7, "token": b"t", "implied_port": implied}
    announced = translators()[0].arrived(question(b"announce_peer", **said), STRANGER)
    assert isinstance(announced, Announce)
    assert announced.port == port


def test_an_answer_from_another_address_than_the_one_that_was_asked_is_refused() -> None:
    ours, _ = translators()
    ours.datagram("127.0.0.1:7002", Ping(5, KEY))
    answer = encode({"t": (5).to_bytes(4), "y": "r", "r": {"id": ID}})
    with pytest.raises(Refused, match="nobody has asked there"):
        ours.arrived(answer, ("127.0.0.1", 7003))
    assert ours.arrived(answer, STRANGER) == Pong(5, OTHER)
    with pytest.raises(Refused, match="nobody has asked"):
        ours.arrived(answer, STRANGER)


def test_who_answers_nobody_is_no_contact() -> None:
    read_only = encode({"ro": 1, "t": b"aa", "y": "q", "q": "ping", "a": {"id": ID}})
    assert translators()[0].arrived(read_only, STRANGER) == Ping(number_of(b"aa"), "")


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"host": "0.0.0.0"}, "says nobody where"),
        ({"host": "localhost"}, "says nobody where"),
        ({"host": "127.0.0.1", "seeds": ["router"]}, "no address"),
        ({"host": "127.0.0.1", "seeds": ["127.0.0.1:99999"]}, "no address"),
    ],
)
def test_a_front_that_nobody_could_reach_is_not_made(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        make(None, {"ports": {}, **settings})  # type: ignore[arg-type]


# A node among strangers.


class Stranger:
    """A socket that sends whatever it likes."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.settimeout(20.0)

    def send(self, datagram: bytes) -> None:
        """Send it."""
        self._socket.send(datagram)

    def ask(self, datagram: bytes) -> dict[bytes, Any]:
        """Send a question with the transaction "aa"; the answer to it, whatever comes before."""
        self._socket.send(datagram)
        while True:
            answer = decode(self._socket.recv(4_096))
            assert isinstance(answer, dict)
            if answer[b"y"] != b"q":
                return answer

    def close(self) -> None:
        """Close it."""
        self._socket.close()


@asynccontextmanager
async def node(directory: Path) -> AsyncIterator[tuple[Launched, Stranger]]:
    """One of our nodes, and a stranger to it."""
    async with launch(WORLDS, directory, 1, variant="mainline") as launched:
        stranger = Stranger(launched.ports["n1"])
        try:
            yield launched, stranger
        finally:
            stranger.close()


@live
async def test_a_node_refuses_what_strangers_should_not_send_as_the_bep_says(
    tmp_path: Path,
) -> None:
    async with node(tmp_path) as (launched, stranger):

        async def ask(method: bytes, **arguments: object) -> dict[bytes, Any]:
            return await asyncio.to_thread(stranger.ask, question(method, **arguments))

        for garbage in (b"", b"d" * 1_000, b"l" * 4_000, b"x" * 60_000, b"9" * 1_000):
            stranger.send(garbage)
        token = (await ask(b"get", target=ID))[b"r"][b"token"]
        assert (await ask(b"announce_peer", info_hash=ID, port=1, token=b"stale"))[b"e"][0] == 203
        assert (await ask(b"announce_peer", info_hash=ID, port=0, token=token))[b"e"][0] == 203
        assert b"r" in await ask(b"announce_peer", info_hash=ID, port=9, token=token)
        values = (await ask(b"get_peers", info_hash=ID))[b"r"][b"values"]
        assert values == [b"\x7f\x00\x00\x01\x00\x09"]

        assert (await ask(b"put", token=b"stale", v=b"x"))[b"e"][0] == 203
        assert (await ask(b"put", token=token, v=b"x" * 3_000))[b"e"][0] == 205
        public = public_of(SEED)

        async def put(version: Version, **changed: object) -> int:
            signature = signed_item(SEED, version).signed.signature
            said = {"v": decode(version.data), "k": public, "seq": version.seq, "sig": signature}
            if version.salt:
                said["salt"] = version.salt
            answer = await ask(b"put", **{"token": token, **said, **changed})
            code = answer[b"e"][0] if b"e" in answer else 0
            assert isinstance(code, int)
            return code

        assert await put(Version(b"", 5, b"1:a")) == 0
        assert await put(Version(b"", 6, b"1:b"), sig=bytes(64)) == 206
        assert await put(Version(b"", 4, b"1:b")) == 302
        assert await put(Version(b"", 6, b"1:b"), cas=3) == 301
        assert await put(Version(b"s" * 65, 1, b"1:b")) == 207
        assert await put(Version(b"", 6, b"1:b"), cas=5) == 0
        assert b"r" in await ask(b"ping"), "it lives"
        status = await launched.running.members["n1"].status()
        assert status is not None
        assert status.counters["krpc_garbled"] >= 2
        assert status.counters["krpc_too_long"] == 1
