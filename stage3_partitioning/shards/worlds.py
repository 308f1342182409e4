"""Sharding in every world: four shards, three routers, chunks that move, servers that are killed.

A person moves chunks about while the balancer moves them back. What was acknowledged must be there,
each key linearizable, and a scan shows each document once.
"""

from common.values.units import MS
from common.worlds import Front, Size, Variant, Work, Worlds
from common.worlds.troubles import kill_in_turn_then_all
from stage3_partitioning.shards.checks import (
    each_document_once,
    linearizable,
    some_command,
    some_move,
)
from stage3_partitioning.shards.router import Router
from stage3_partitioning.shards.server import Server
from stage3_partitioning.shards.small import A_CRASH, A_MIGRATION


def _variant(title: str, hashed: bool) -> Variant:
    return Variant(
        title,
        node=Server,
        client=Router,
        choose=some_command,
        checks={"linearizable": linearizable, "each document once": each_document_once},
        config={"hashed": hashed, "most_documents": 2, "batch": 2},
        client_config={"hashed": hashed},
        others={"operator": Work(some_move, count=6, think=(100 * MS, 300 * MS))},
    )


LIVE = {"batch": 100, "longest_wait": 400 * MS, "attempts": 40}
"""Real clients bring thousands of documents: two in a message of a migration would be too few, and
on a busy machine a chunk may be closed for seconds. A router goes on asking for 15 s."""

WORLDS = Worlds(
    __package__,
    variants={
        "range": _variant("chunks are ranges of keys, and split as they grow", hashed=False),
        "hashed": _variant("chunks are ranges of hashes", hashed=True),
    },
    live=Size(members=4, clients=3, config=LIVE),
    simulated=Size(members=4, clients=2),
    columns=("version", "chunks", "documents", "orphans", "moving"),
    trouble=kill_in_turn_then_all,
    small={"a-migration": A_MIGRATION, "a-crash": A_CRASH},
    front=Front(
        clients=("pymongo 4.20", "mongosh 2.12"),
        hint="MongoDB clients: mongosh mongodb://{host}:{port}, or pymongo's MongoClient",
        port=27017,
        needs="mongomock",
        extra="mongo",
    ),
)
