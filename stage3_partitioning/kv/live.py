"""How ``lab run kv`` runs: four nodes as processes, of which one comes and others go, meanwhile.

The first client also plays the operator: every now and then it adds or removes a node, while all
clients write, and nodes are killed in the midst of the moves. What was acknowledged must be there
afterwards, and each key linearizable. Redis' clients can join in: the nodes speak RESP as well.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from common.runtime.facade import Front, Ports
from common.runtime.live import LiveLab, Variant
from common.values.faults import Crash, Fault, Restart, Schedule
from common.values.units import SECOND
from stage3_partitioning.kv.checks import linearizable, some_command
from stage3_partitioning.kv.commands import AddNode, RemoveNode

CHANGES = (AddNode("n4"), RemoveNode("n2"), AddNode("n2"), RemoveNode("n1"), AddNode("n1"))
CHANGE_EVERY = 25
"""So many operations of the first client from one change to the next."""


def work_and_change(random: Random, client: str, number: int) -> object:
    """What a client asks next; every so often the first one asks for other nodes."""
    turn, rest = divmod(number, CHANGE_EVERY)
    if client == "c1" and rest == CHANGE_EVERY - 1:
        changes = (*CHANGES, RemoveNode("n4"))
        return changes[turn % len(changes)]
    return some_command(random, client, number)


def settings(host: str, ports: Ports, config: Mapping[str, object]) -> dict[str, Any]:
    """The facades' settings."""
    return {"host": host, "ports": dict(ports), "durable": config.get("durable", True)}


def kill_in_turn(members: Sequence[str], duration: int) -> Schedule:
    """Kill members one after the other, each back before the next goes; then all at once.

    A process takes a while to come back, so a short run kills fewer of them.
    """
    faults: list[Fault] = []
    chosen = members[: max(1, duration // (2 * SECOND))]
    begin, turn = duration // 8, duration // (2 * len(chosen))
    for number, member in enumerate(chosen):
        at = begin + number * turn
        faults += [Crash(at, member), Restart(at + turn // 2, member)]
    if len(chosen) == len(members):
        for member in members:
            faults += [Crash(duration * 5 // 8, member), Restart(duration * 5 // 8 + 1, member)]
    return Schedule(faults)


FRONT = Front(
    facade="stage3_partitioning.kv.front.facade:resp",
    settings=settings,
    hint="Redis clients: redis-cli -c -h {host} -p {port}",
    needs="hiredis",
    extra="redis",
)


def _variant(title: str, **config: object) -> Variant:
    return Variant(
        title=title,
        node="stage3_partitioning.kv.server:StoreNode",
        client="stage3_partitioning.kv.client:StoreClient",
        choose=work_and_change,
        checks={"linearizable": linearizable},
        node_config={"shards": ["n1", "n2", "n3"], **config},
        client_config={"attempts": 18},
        front=FRONT,
    )


LIVE = LiveLab(
    lab="kv",
    members=4,
    clients=4,
    columns=("epoch", "slots", "keys", "moving"),
    variants={
        "slots": _variant("even shares of the slots, fewest moves"),
        "ring": _variant("slots on a ring with virtual nodes", placement="ring"),
    },
    trouble=kill_in_turn,
)
"""For ``lab run kv``."""
