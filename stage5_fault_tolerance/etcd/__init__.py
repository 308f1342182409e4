"""A multi-version store with leases and watches, after etcd's API version 3, kept alive by Raft.

Reading order, one concern a file:

1. ``commands``, ``results``, ``texts``: what is asked, what is told, and the texts of refusals.
2. ``history``: every version of every key, by revision, until it is compacted.
3. ``ranges``, ``leases``, ``transactions``, ``checks``: pure parts of the store.
4. ``store``: the state machine that is replicated.
5. ``sessions``, ``gathering``, ``reading``, ``expiry``, ``watching``, ``moving``: what a server
   does beside Raft, one class each; ``server`` joins them.
6. ``client``: a client for the simulator and for ``lab run``.

What speaks gRPC to ``etcdctl`` and other real clients is beside this folder, in ``etcd_grpc``.
"""
