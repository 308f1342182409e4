"""Nodes of the lab kademlia in one table with unmodified BitTorrent clients (libtorrent)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("libtorrent", reason="libtorrent is missing: pip install -e '.[torrent]'")

from bonus_overlays.kademlia.buckets import key_of
from bonus_overlays.kademlia.front.bencode import encode
from bonus_overlays.kademlia.front.signatures import owner_of, signed_item
from bonus_overlays.kademlia.items import Version
from bonus_overlays.kademlia.messages import Lookup
from bonus_overlays.kademlia.peers import Share, WhoShares
from bonus_overlays.kademlia.publishing import Get, Keep, Put, Read
from bonus_overlays.kademlia.worlds import WORLDS
from common.runtime.launch import Launched, launch
from common.runtime.signatures import public_of
from common.values.history import Ok
from tests.support.live import eventually, live
from tests.support.torrent import HOST, Session, sessions

SEED = bytes(range(32))
PUBLIC = public_of(SEED)
TORRENT = key_of(b"a torrent")
PATIENCE_SECONDS = 60.0


@asynccontextmanager
async def ours(directory: Path, members: int = 4, **front: Any) -> AsyncIterator[Launched]:
    """Our nodes as processes."""
    async with launch(WORLDS, directory, members, variant="mainline", front=front) as launched:
        yield launched


async def told(launched: Launched, member: str, operation: object) -> Any:
    """What one of our nodes answers."""
    outcome = await launched.running.invoke(member, operation)
    assert isinstance(outcome, Ok), outcome
    return outcome.value


async def elsewhere(call: Callable[..., Any], *values: Any) -> Any:
    """A call that waits, in a thread, so that this loop goes on."""
    return await asyncio.to_thread(call, *values)


async def knows(session: Session, count: int) -> None:
    """Wait until a session knows so many nodes."""
    await eventually(lambda: session.nodes >= count, PATIENCE_SECONDS)


@live
async def test_libtorrent_joins_by_our_nodes_announces_and_keeps_values_there(
    tmp_path: Path,
) -> None:
    with sessions(1) as [theirs]:
        async with ours(tmp_path) as launched:
            theirs.meet(launched.ports["n1"])
            await knows(theirs, 4)

            key, keepers = await elsewhere(theirs.put, b"hello")
            assert key == key_of(b"5:hello")
            assert keepers == 4, "all our nodes keep it"
            assert await told(launched, "n3", Get(key)) == b"5:hello"
            await told(launched, "n2", Put(b"5:world"))
            assert await elsewhere(theirs.get, key_of(b"5:world")) == b"world"

            for number, text in enumerate((b"one", b"two"), 1):
                assert await elsewhere(theirs.put_signed, SEED, PUBLIC, text, b"mail") >= 4
                owned = await told(launched, "n4", Read(owner_of(PUBLIC), b"mail"))
                assert owned == encode(text), f"version {number}"
            third = signed_item(SEED, Version(b"mail", 3, encode(b"three")))
            await told(launched, "n1", Keep(third, None))
            assert await elsewhere(theirs.get_signed, PUBLIC, b"mail") == (b"three", 3)

            theirs.share(TORRENT, 7777)

            async def announced() -> bool:
                return bool(await told(launched, "n2", WhoShares(TORRENT)))

            await eventually(announced, PATIENCE_SECONDS)
            rows = await told(launched, "n3", WhoShares(TORRENT))
            assert [port for _, port in rows] == [7777]
            assert await elsewhere(theirs.who_shares, TORRENT) == [(HOST, 7777)]


@live
async def test_our_node_works_in_a_network_of_libtorrents(tmp_path: Path) -> None:
    """All others are theirs: they answer our lookups, and keep what we put and announce."""
    with sessions(6) as theirs:
        for one in theirs:
            for other in theirs:
                if other is not one:
                    one.meet(other.port)
        await knows(theirs[0], 4)
        async with ours(tmp_path, 1, seeds=[theirs[0].address]) as launched:

            async def all_found() -> bool:
                found = await told(launched, "n1", Lookup(key_of(b"anything")))
                return set(found) == {one.address for one in theirs}

            await eventually(all_found, PATIENCE_SECONDS)
            await told(launched, "n1", Put(b"5:hello"))
            assert await elsewhere(theirs[3].get, key_of(b"5:hello")) == b"hello"
            key, _ = await elsewhere(theirs[4].put, b"theirs")
            assert await told(launched, "n1", Get(key)) == b"6:theirs"

            first = signed_item(SEED, Version(b"", 1, encode(b"one")))
            await told(launched, "n1", Keep(first, None))
            assert await elsewhere(theirs[2].get_signed, PUBLIC, b"") == (b"one", 1)
            assert await elsewhere(theirs[5].put_signed, SEED, PUBLIC, b"two", b"") > 0
            assert await told(launched, "n1", Read(owner_of(PUBLIC), b"")) == b"3:two"

            await told(launched, "n1", Share(TORRENT, 8888))
            assert await elsewhere(theirs[1].who_shares, TORRENT) == [(HOST, 8888)]
            theirs[2].share(TORRENT, 9999)

            async def both() -> bool:
                rows = await told(launched, "n1", WhoShares(TORRENT))
                return {port for _, port in rows} == {8888, 9999}

            await eventually(both, PATIENCE_SECONDS)
