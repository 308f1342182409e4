"""Raft: Ongaro and Ousterhout 2014 (extended version), and Ongaro's thesis of the same year.

Reading order, one concern a file:

1. ``messages``: what servers send each other, what the log holds, what is on disk (Figure 2);
   ``requests``: what clients and servers say to each other.
2. The pieces of a server's state, each with its own rules, pure and without a node: ``log``,
   ``configuration`` (and quorums), ``followers``, ``rounds``, ``pieces`` (of a snapshot),
   ``under_way`` (what clients wait for).
3. ``core``: the whole state (Figure 2), and what the parts ask of each other.
4. The parts, in the order in which to build them: ``election``, ``replication``, ``persistence``,
   ``compaction``, ``membership``, ``reads``; and ``transfer``.
5. ``service``: commands of clients, and applying what is committed.
6. ``server``: all of it together, the class :class:`~stage4_consensus.raft.server.Raft`; and
   ``parallel_writes``: the same, with one flush less on a command's way.
7. ``client`` and ``registers``: who asks, and the simplest application to ask of; and
   ``batching_client``: the same for those who have thousands of operations under way.

Around it: ``worlds`` says how it runs, ``checks`` what clients must be told, ``checks_safety`` what
must hold in every step, ``checks_outside`` what is seen from outside; ``small`` is the instance for
the explorer, ``broken`` lacks the rule of Figure 8, ``demo``, ``demo_figure8`` and
``demo_slow_clock`` show it.
"""
