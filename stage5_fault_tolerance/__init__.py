"""Stage 5, fault tolerance, recovery, membership: what is acknowledged outlives those who said so.

Labs: ``raftkv``, a store on Raft; ``etcd``, a store with history, leases and watches.
"""
