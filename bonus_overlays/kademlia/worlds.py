"""The lab ``kademlia`` in every world: ten processes, or six members in the simulator.

There are no clients: people ask the members themselves. Nothing is saved. A member that comes back
has its key and its address, joins again, and is given again what it should hold.
"""

from collections.abc import Mapping
from typing import Any

from bonus_overlays.kademlia.checks import (
    closest_first,
    genuine,
    put_get_or_look_up,
    put_get_or_share,
    some_lookup,
)
from bonus_overlays.kademlia.disjoint import Careful
from bonus_overlays.kademlia.finding import Finder
from bonus_overlays.kademlia.peers import Mainline
from bonus_overlays.kademlia.publishing import Dht
from common.values.units import MS, SECOND
from common.worlds import Front, Size, Variant, Worlds

FINDING: Mapping[str, Any] = {"k": 4, "refresh_every": 2 * SECOND, "request_timeout": 150 * MS}
"""Short times, for short runs."""
STORING: Mapping[str, Any] = {**FINDING, "republish_every": 3 * SECOND, "expire_after": 60 * SECOND}
MAINLINE: Mapping[str, Any] = {**FINDING, "k": 8, "request_timeout": 500 * MS}
"""Its values live for a day, as those of the strangers in its table do."""

WORLDS = Worlds(
    __package__,
    variants={
        "dht": Variant(
            "a table of values",
            node=Dht,
            choose=put_get_or_look_up,
            checks={"genuine": genuine, "closest first": closest_first},
            config=STORING,
        ),
        "careful": Variant(
            "a table of values, with lookups over disjoint paths",
            node=Careful,
            choose=put_get_or_look_up,
            checks={"genuine": genuine, "closest first": closest_first},
            config=STORING,
        ),
        "mainline": Variant(
            "in the format of BitTorrent's clients, who share files by it",
            node=Mainline,
            choose=put_get_or_share,
            checks={"genuine": genuine, "closest first": closest_first},
            config=MAINLINE,
        ),
        "finding": Variant(
            "nodes that find each other, and keep nothing",
            node=Finder,
            choose=some_lookup,
            checks={"closest first": closest_first},
            config=FINDING,
        ),
    },
    live=Size(members=10),
    transport="udp",
    simulated=Size(members=6),
    columns=("contacts", "lookups", "held"),
    front=Front(
        clients=("libtorrent",),
        hint="BitTorrent's table (BEP 5, BEP 44): a node to join by is at {host}:{port}",
        port=6881,
        needs="cryptography",
        extra="torrent",
        variants=("mainline",),
    ),
)
