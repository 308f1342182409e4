"""etcd's gRPC API, version 3, in front of a server of the lab ``etcd``: what ``etcdctl`` talks to.

Reading order: ``errors`` and ``translate`` (their words and ours), ``gateway`` (one request from
gRPC to the node and back), the services ``kv``, ``lease``, ``watch`` with ``watchers``,
``cluster``; ``facade`` joins them in a node's process, and ``launch`` starts a whole cluster.
"""
