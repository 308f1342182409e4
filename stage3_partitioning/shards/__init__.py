"""Sharding as in MongoDB: a table of chunks, routers that may be behind, chunks that move.

Reading order:

1. ``chunks``: the table, its versions, and hashes.
2. ``messages``: what is said.
3. ``shard``: a shard refuses who means another version.
4. ``router``: finds the owner, by a table that may be old; scans piece by piece.
5. ``migration``: a chunk moves while clients write to it.
6. ``config``: the config server, whose table is *the* table.
7. ``balancer``: chunks that are split, and shards that become even.
8. ``inserting``: many documents in one request.
9. ``server``: all of these in one process.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``small`` are the instances for
the explorer, ``demo`` shows it, ``front`` speaks MongoDB's own protocol.
"""
