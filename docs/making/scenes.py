"""Which moment of which real run each picture of a page shows.

On the site the run itself stands there, in the viewer; ``make pictures`` takes it for README and
for where nothing moves.
"""

SCENES = {
    "space-time": ("cap", "cap-available", 300),
    "echo": ("echo", "echo-bad", 66),
    "link": ("link", "link-sliding-window", 40),
    "failures": ("failures", "honest-answer-lost", 46),
    "rpc": ("rpc", "rpc-retry", 20),
    "election": ("election", "election-fenced", 177),
    "gossip": ("gossip", "gossip-dormant", 506),
    "queue": ("queue", "queue-redelivered", 42),
    "cap": ("cap", "cap-consistent", 345),
    "raft": ("raft", "raft-leader-killed", 870),
    "kv": ("kv", "kv-added", 310),
    "raftkv": ("raftkv", "raftkv-killed", 1640),
    "etcd": ("etcd", "etcd-lock", 794),
    "chat": ("chat", "chat-orders", 150),
    "pbft": ("pbft", "pbft-two-liars", 120),
    "crdt": ("crdt", "crdt-cut", 96),
    "mapreduce": ("mapreduce", "mapreduce-worker-dies", 150),
    "swim": ("swim", "swim-refuted", 845),
    "kademlia": ("kademlia", "kademlia-holders", 2012),
    "log": ("log", "log-high-watermark", 101),
    "replication": ("replication", "replication-async", 386),
    "multileader": ("multileader", "multileader-siblings", 60),
    "dynamo": ("dynamo", "dynamo-cart", 120),
    "shards": ("shards", "shards-migration", 300),
    "cassandra": ("cassandra", "cassandra-back", 536),
}
"""By picture: the lab, the name of the trace, and the event at which the viewer stands."""
