"""Unmodified BitTorrent clients, for tests in which our nodes are in one table with them."""

import hashlib
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from common.runtime.ports import free_ports

HOST = "127.0.0.1"
LIMIT_SECONDS = 40.0

T = TypeVar("T")


class Session:
    """A session of libtorrent with its table, on loopback.

    All nodes are at one address here, so the settings let it know more than one node of an address.

    Attributes:
        port: where it listens.
    """

    def __init__(self) -> None:
        import libtorrent

        self._lt: Any = libtorrent
        kinds = libtorrent.alert.category_t
        [self.port] = free_ports(HOST, 1)
        self._session: Any = libtorrent.session(
            {
                "listen_interfaces": f"{HOST}:{self.port}",
                "enable_dht": True,
                "enable_lsd": False,
                "enable_upnp": False,
                "enable_natpmp": False,
                "dht_bootstrap_nodes": "",
                "dht_restrict_routing_ips": False,
                "dht_restrict_search_ips": False,
                "dht_ignore_dark_internet": False,
                "dht_enforce_node_id": False,
                "dht_prefer_verified_node_ids": False,
                "allow_multiple_connections_per_ip": True,
                "dht_block_ratelimit": 1_000_000,
                "dht_upload_rate_limit": 100_000_000,
                "alert_mask": kinds.dht_notification
                | kinds.dht_operation_notification
                | kinds.error_notification
                | kinds.status_notification,
            }
        )

    @property
    def address(self) -> str:
        """Where it is."""
        return f"{HOST}:{self.port}"

    @property
    def nodes(self) -> int:
        """How many nodes it knows."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            count: int = self._session.status().dht_nodes
        return count

    def meet(self, port: int) -> None:
        """Tell it of a node."""
        self._session.add_dht_node((HOST, port))

    def put(self, value: bytes) -> tuple[str, int]:
        """Put an immutable text; its key, and how many nodes keep it."""
        target = self._session.dht_put_immutable_item(value)
        alert = self._wait("dht_put_alert", lambda alert: alert)
        return str(target), alert.num_success

    def get(self, key: str) -> bytes | None:
        """Get an immutable text."""
        self._session.dht_get_immutable_item(self._lt.sha1_hash(bytes.fromhex(key)))
        alert = self._wait("dht_immutable_item_alert", lambda alert: alert)
        item = alert.item
        return item if isinstance(item, bytes) else None

    def put_signed(self, seed: bytes, public: bytes, value: bytes, salt: bytes) -> int:
        """Put the next version of an owner's text; how many nodes keep it."""
        self._session.dht_put_mutable_item(expanded(seed), public, value, salt)
        count: int = self._wait("dht_put_alert", lambda alert: alert).num_success
        return count

    def get_signed(self, public: bytes, salt: bytes) -> tuple[bytes, int]:
        """The newest version of an owner's text, and its number."""
        self._session.dht_get_mutable_item(public, salt)
        alert = self._wait("dht_mutable_item_alert", lambda a: a if a.authoritative else None)
        return alert.item, alert.seq

    def share(self, torrent: str, port: int) -> None:
        """Announce a torrent."""
        self._session.dht_announce(self._lt.sha1_hash(bytes.fromhex(torrent)), port)

    def who_shares(self, torrent: str) -> list[tuple[str, int]]:
        """Who shares a torrent, as far as the table tells; waits for the first answer with any."""
        found: list[tuple[str, int]] = []
        end = time.monotonic() + LIMIT_SECONDS
        while not found and time.monotonic() < end:
            self._session.dht_get_peers(self._lt.sha1_hash(bytes.fromhex(torrent)))
            found = self._wait("dht_get_peers_reply_alert", lambda a: a.peers() or None, 2.0) or []
        return found

    def _wait(
        self, name: str, take: Callable[[Any], T | None], seconds: float = LIMIT_SECONDS
    ) -> Any:
        """What ``take`` makes of the first alert of this name of which it makes anything."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._session.wait_for_alert(100)
            for alert in self._session.pop_alerts():
                if type(alert).__name__ == name and (taken := take(alert)) is not None:
                    return taken
        assert seconds < LIMIT_SECONDS, f"libtorrent has raised no {name} in {seconds:g} s"
        return None

    def close(self) -> None:
        """End it."""
        self._session.pause()
        del self._session


@contextmanager
def sessions(count: int) -> Iterator[list[Session]]:
    """So many sessions that know nobody yet."""
    made = [Session() for _ in range(count)]
    try:
        yield made
    finally:
        for each in made:
            each.close()


def expanded(seed: bytes) -> bytes:
    """A private key as libtorrent wants it: what Ed25519 makes of the 32 bytes first (RFC 8032)."""
    digest = bytearray(hashlib.sha512(seed).digest())
    digest[0] &= 248
    digest[31] = digest[31] & 63 | 64
    return bytes(digest)
