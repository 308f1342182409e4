"""The lab ``etcd`` in every world: servers that ``etcdctl`` can talk to, and SIGKILL for each.

Clients of the course put, read and delete a few keys below ``lab/`` meanwhile, so that there is a
history to check, and something to watch: ``etcdctl watch --prefix lab/``.
"""

from common.worlds import Front, Size, Variant, Worlds
from common.worlds.troubles import kill_in_turn
from stage5_fault_tolerance.etcd.checks import linearizable, some_request
from stage5_fault_tolerance.etcd.client import EtcdClient
from stage5_fault_tolerance.etcd.server import EtcdServer

WORLDS = Worlds(
    __package__,
    variants={
        "etcd": Variant(
            "a store with revisions, leases and watches",
            node=EtcdServer,
            client=EtcdClient,
            choose=some_request,
            checks={"linearizable": linearizable},
        )
    },
    live=Size(members=3, clients=2, config={"snapshot_every": 300}, client_config={"attempts": 18}),
    simulated=Size(members=3, clients=3, config={"snapshot_every": 10, "piece_parts": 4}),
    columns=(
        *("role", "term", "leader", "raft/last", "raft/commit", "raft/applied"),
        *("revision", "keys", "leases"),
    ),
    trouble=kill_in_turn,
    front=Front(
        clients=("etcdctl 3.4 (Debian: etcd-client)", "aetcd 1.0"),
        hint=(
            "etcd clients: etcdctl watch --prefix lab/, in a terminal that knows all servers by\n"
            "export ETCDCTL_API=3 ETCDCTL_ENDPOINTS={endpoints}"
        ),
        port=2379,
        needs="aetcd",
        extra="etcd",
    ),
)
