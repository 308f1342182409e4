"""How ``lab run etcd`` runs: three servers that ``etcdctl`` can talk to, and SIGKILL for each.

Clients of the course put, read and delete a few keys below ``lab/`` meanwhile, so that there is a
history to check, and something to watch: ``etcdctl watch --prefix lab/``.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from common.contract.events import NodeId
from common.runtime.facade import Front, Ports
from common.runtime.live import LiveLab, Variant
from common.values.faults import Crash, Fault, Restart, Schedule
from stage5_fault_tolerance.etcd.checks import linearizable
from stage5_fault_tolerance.etcd.commands import Compare, DeleteRange, Put, Range, Txn

KEYS = (b"lab/x", b"lab/y", b"lab/z")


def some_request(random: Random, client: NodeId, number: int) -> object:
    """Half questions, half changes; no value is put twice."""
    key, value = random.choice(KEYS), f"{client}.{number}".encode()
    drawn = random.randrange(10)
    if drawn < 5:
        return Range(key)
    if drawn < 7:
        return Put(key, value)
    if drawn < 9:
        return Txn((Compare(key, "version", "=", 0),), (Put(key, value),))
    return DeleteRange(key)


def settings(host: str, ports: Ports, node_config: Mapping[str, object]) -> dict[str, Any]:
    """Each server names all of them to clients."""
    del node_config
    return {"endpoints": {name: f"{host}:{port}" for name, port in ports.items()}}


def kill_each(members: Sequence[NodeId], duration: int) -> Schedule:
    """Kill one member after the other; each has time to come back before the next one dies."""
    share = duration // len(members)
    faults: list[Fault] = []
    for number, member in enumerate(members):
        begin = share * number
        faults += [Crash(begin + share // 5, member), Restart(begin + share // 3, member)]
    return Schedule(faults)


LIVE = LiveLab(
    lab="etcd",
    members=3,
    clients=2,
    columns=("role", "term", "leader", "last", "commit", "applied", "revision", "keys", "leases"),
    variants={
        "etcd": Variant(
            title="a store with revisions, leases and watches",
            node="stage5_fault_tolerance.etcd.server:EtcdServer",
            client="stage5_fault_tolerance.etcd.client:EtcdClient",
            choose=some_request,
            checks={"linearizable": linearizable},
            node_config={"snapshot_every": 300},
            client_config={"attempts": 18},
            front=Front(
                facade="stage5_fault_tolerance.etcd.front.facade:make",
                settings=settings,
                hint="etcd clients: etcdctl --endpoints={host}:{port} watch --prefix lab/",
                needs="aetcd",
                extra="etcd",
            ),
        )
    },
    trouble=kill_each,
)
"""For ``lab run etcd``."""
