"""Jobs on real files: the data path beside the protocol.

The protocol decides who works on which task; here the work is done. In this order:

1. ``job.py``: what a person writes, a Python file with ``map`` and ``reduce`` (``jobs/`` has five).
2. ``splits.py``: the input, cut where lines end. ``tables.py``, ``blocks.py``: pairs in memory, and
   on disk and wires. ``mapping.py``, ``reducing.py``: the work on one task.
3. ``task.py``: the process that does tasks; ``children.py``: a worker's handle on one.
   ``shuffle.py``: how the output of maps gets to reduces.
4. ``facade.py``: takes the node's orders, in the node's process.
5. ``local.py``, ``sequential.py``, ``spark.py``: the engines; ``command.py``: the command line.
"""
