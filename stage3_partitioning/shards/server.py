"""A process of the cluster: a shard, on the first one the config server, and a router.

MongoDB runs ``mongod --shardsvr``, ``mongod --configsvr`` and ``mongos`` as processes of their own.
Here one process can be all three. The clients of this lab are routers of their own, each with its
own old table; MongoDB's clients connect to the router in a server (``front/``).
"""

from stage3_partitioning.shards.balancer import Balancer, Splitting
from stage3_partitioning.shards.config import ConfigServer
from stage3_partitioning.shards.inserting import InsertingRouter, InsertingShard
from stage3_partitioning.shards.migration import Migrating
from stage3_partitioning.shards.router import Router


class QuietServer(ConfigServer, Migrating, Router):
    """A process that splits and moves nothing by itself."""


class Server(Balancer, Splitting, InsertingShard, InsertingRouter):
    """A whole process. The arguments are those of its parts."""
