"""The lab ``log`` in every world: three brokers, of which one after the other is killed, then all.

Live, a broker that is silent for a second is fenced, and elections take as long as Kafka's own: on
a busy machine a flush of the disk takes 0.3 s, and a vote waits for several. With shorter ones no
candidate ever has a majority in time. Simulated, everything is faster, segments are small, and
followers fall out of sync and come back, so that all of it happens in a short run.
"""

from common.values.units import MS, SECOND
from common.worlds import Front, Size, Variant, Worlds
from common.worlds.troubles import kill_in_turn_then_all
from stage8_real_systems.log.broker import Broker
from stage8_real_systems.log.checks import (
    never_back,
    one_log,
    one_owner,
    some_consuming,
    some_request,
)
from stage8_real_systems.log.client import LogClient
from stage8_real_systems.log.group_client import GroupClient
from stage8_real_systems.log.small import A_FOLLOWER_RESTARTS, CUT_AT_THE_HIGH_WATERMARK

WORLDS = Worlds(
    __package__,
    variants={
        "log": Variant(
            "producers and readers; what is acknowledged by all stays",
            node=Broker,
            client=LogClient,
            choose=some_request,
            checks={"one log": one_log},
        ),
        "groups": Variant(
            "consumers that share the partitions of a topic",
            node=Broker,
            client=GroupClient,
            choose=some_consuming,
            checks={"one log": one_log, "one owner": one_owner, "never back": never_back},
            client_config={"session_timeout": 1 * SECOND},
        ),
    },
    live=Size(
        members=3,
        clients=3,
        config={
            "fetch_again": 250 * MS,
            "lag_time": 2 * SECOND,
            "beat_every": 200 * MS,
            "fence_after": 1 * SECOND,
            "election_timeout": (1 * SECOND, 2 * SECOND),
            "heartbeat_every": 100 * MS,
        },
        client_config={"ask_again_after": 150 * MS, "attempts": 12},
    ),
    simulated=Size(
        members=3,
        clients=3,
        config={"segment_bytes": 600, "snapshot_every": 20, "piece_parts": 4},
    ),
    columns=("controller", "leads", "end", "committed"),
    trouble=kill_in_turn_then_all,
    small={"a-follower-restarts": A_FOLLOWER_RESTARTS},
    broken={"cut-at-the-high-watermark": CUT_AT_THE_HIGH_WATERMARK},
    front=Front(
        clients=("kafka-python 3.0", "aiokafka 0.14", "confluent-kafka 2.16 (librdkafka)"),
        hint="Kafka clients: kcat -b {endpoints} -L",
        port=9092,
        needs="crc32c",
        extra="kafka",
    ),
)
