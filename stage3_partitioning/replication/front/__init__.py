"""Redis' protocol in front of a replica, so that real Redis servers and clients talk to it.

* ``rdb``: the file in which Redis sends a copy of everything, read and written.
* ``stream``: the leader's half of PSYNC: bytes of the log, offsets, a backlog, and who follows.
* ``following``: the follower's half: this cluster's leader follows a real Redis (REPLICAOF).
* ``commands``: the commands of clients. ``connection``: one client. ``facade``: the socket.

Redis counts its log in bytes of commands; the lab counts writes. So each front has a replication id
and a backlog of its own, made from the replica's log while the process lives. A Redis server that
follows one front, and turns to another, gets a copy of everything.
"""
