"""The lab ``cassandra`` in every world: five nodes, a person at each, nodes killed in turn.

In the simulator memtables are tiny, so that flushes and compactions happen in a short run.
"""

from common.values.units import MS, SECOND
from common.worlds import Front, Size, Variant, Worlds
from common.worlds.troubles import kill_in_turn
from stage3_partitioning.cassandra.checks import (
    claim_or_look,
    one_after_the_other,
    put_or_get,
    put_or_get_one,
    reads_see_writes,
)
from stage3_partitioning.cassandra.light import Cassandra
from stage3_partitioning.cassandra.small import HASTY, TWO_LOOKS

READS = {"reads see writes": reads_see_writes}

WORLDS = Worlds(
    __package__,
    variants={
        "quorum": Variant(
            "writes and reads by quorum, with read repair",
            node=Cassandra,
            choose=put_or_get,
            checks=READS,
        ),
        "light": Variant(
            "lightweight transactions: claim a name, give it back",
            node=Cassandra,
            choose=claim_or_look,
            checks={"one after the other": one_after_the_other},
        ),
        "one": Variant(
            "one replica is enough, so a read may miss what was written before",
            node=Cassandra,
            choose=put_or_get_one,
            checks=READS,
            breaks=tuple(READS),
        ),
    },
    live=Size(members=5, config={"memtable_cells": 50, "patience": 2 * SECOND}),
    simulated=Size(members=5, config={"memtable_cells": 4, "patience": 100 * MS}),
    columns=("memtable", "tables", "rounds"),
    trouble=kill_in_turn,
    small={"two-looks": TWO_LOOKS},
    broken={"hasty": HASTY},
    front=Front(
        clients=("cassandra-driver 3.30", "cqlsh 6.2"),
        hint="CQL clients: cqlsh {host} {port}",
        port=9042,
        extra="cassandra",
    ),
)
