"""A key-value store that survives crashes.

Reading order: ``commands``, ``store``, ``server`` (Raft of stage 4 carries the store), ``client``.
"""
