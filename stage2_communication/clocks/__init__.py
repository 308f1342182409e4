"""Logical clocks, and what they put in order.

Reading order:

1. ``lamport``: one number for each process. The first evening begins here.
2. ``vector``: one number for each process, kept by each process.
3. ``ordered``: a chat in which all see the same order, by Lamport's clock.
4. ``causal``: a chat in which no answer comes before its question, by vectors.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``small`` is the instance for the
explorer, ``demo`` shows it.
"""
