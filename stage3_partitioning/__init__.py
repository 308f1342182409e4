"""Stage 3, partitioning and replication: which node has which key, and how keys move.

Labs: ``kv``; begin with ``kv_partitioners``, which is pure.
"""
