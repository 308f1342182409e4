"""The lab ``mapreduce`` in every world: a coordinator, workers, clients with small jobs."""

from common.values.units import MS
from common.worlds import Size, Variant, Worlds
from common.worlds.troubles import kill_in_turn_then_all
from stage6_compute.mapreduce.checks import as_one_process_would, one_writer, some_job
from stage6_compute.mapreduce.client import JobClient
from stage6_compute.mapreduce.machine import Machine
from stage6_compute.mapreduce.small import A_WORKER_DIES, THE_COORDINATOR_DIES

WORLDS = Worlds(
    __package__,
    variants={
        "word-count": Variant(
            "words are counted, no matter which process is killed",
            node=Machine,
            client=JobClient,
            choose=some_job,
            checks={"as one process would": as_one_process_would, "one writer": one_writer},
        )
    },
    live=Size(members=5, clients=3),
    simulated=Size(
        members=4,
        clients=2,
        config={
            "ping_every": 80 * MS,
            "most_missed": 2,
            "locality_wait": 40 * MS,
            "backup_after": 60 * MS,
        },
        client_config={"ask_again_after": 50 * MS},
    ),
    columns=("is", "mapreduce/workers", "mapreduce/attempts", "mapreduce/running"),
    trouble=kill_in_turn_then_all,
    small={"a-worker-dies": A_WORKER_DIES, "the-coordinator-dies": THE_COORDINATOR_DIES},
)
