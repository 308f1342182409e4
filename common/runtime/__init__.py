"""Floor 3: the socket world. One OS process per node, real TCP, real disks, real kills.

Reading order: :mod:`~common.runtime.handshake` (who may connect), :mod:`~common.runtime.transport`
(frames between peers), :mod:`~common.runtime.links` (faults on the way out),
:mod:`~common.runtime.host` (one node and its steps), :mod:`~common.runtime.process` (a host as a
program) and :mod:`~common.runtime.cluster` (the launcher of many).
"""
