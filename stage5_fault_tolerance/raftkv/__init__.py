"""A key-value store that survives crashes.

Reading order: ``commands``, ``store``, ``server`` (Raft of stage 4 carries the store), ``client``.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``demo`` shows it, and ``story``
tells it for ``make run``.
"""
