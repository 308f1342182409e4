"""Sharding as in MongoDB: a table of chunks, routers that may be behind, chunks that move.

Reading order:

1. ``chunks``: the table, its versions, and hashes.
2. ``messages``: what is said.
3. ``documents``: what a shard has, by place, and in order.
4. ``shard``: a shard refuses who means another version.
5. ``router``: finds the owner, by a table that may be old; scans piece by piece.
6. ``migration``: a chunk moves while clients write to it.
7. ``config``: the config server, whose table is *the* table.
8. ``balancer``: chunks that are split, and shards that become even.
9. ``inserting``: many documents in one request.
10. ``server``: all of these in one process.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``small`` are the instances for
the explorer, ``demo`` shows it, ``front`` speaks MongoDB's own protocol.
"""
