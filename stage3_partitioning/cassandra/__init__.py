"""Cassandra: rows on several replicas, each of which keeps them in tables that never change.

Reading order:

1. ``lsm``: a store of cells: a log, a memtable, sorted tables. (``files`` is what it needs.)
2. ``indexed``: a table that can be asked without reading it: a Bloom filter, a sparse index.
3. ``compaction``: fewer tables, and when a tombstone may go.
4. ``replica``: what nodes say to each other; the store on a node's disk.
5. ``quorum``: ONE, QUORUM, ALL, and what a read repairs.
6. ``acceptor``, ``light``: compare and set by Paxos, which is called a lightweight transaction.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``small`` is the instance for the
explorer, ``broken`` lacks a rule, ``demo`` shows all of it; ``front`` speaks CQL with real clients.
"""
