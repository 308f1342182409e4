"""A multi-version store with leases and watches, after etcd's API version 3, kept alive by Raft.

Reading order, one concern a file:

1. ``commands``, ``results``, ``texts``: what is asked, what is told, and the texts of refusals.
2. ``history``: every version of every key, by revision, until it is compacted.
3. ``ranges``, ``leases``, ``transactions``, ``problems``, ``edit``: pure parts of the store.
4. ``store``: the state machine that is replicated.
5. ``requests``, ``batches`` with ``gathering``, ``probes``, ``watches``: what waits in a server,
   each piece with rules of its own, pure and without a node.
6. ``server``: what clients may ask of a server, and what it does about it, from the top down.
7. ``messages``, ``sessions``, ``deadlines``: what servers say to each other, and when leases end.
8. ``consensus``: the Raft inside a server, and what a leader does for the others and for leases.
9. ``client``: a client for the simulator and for ``lab run``.

What speaks gRPC to ``etcdctl`` and other real clients is in ``front``.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``demo`` shows it.
"""
