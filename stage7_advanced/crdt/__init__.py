"""Replicated data that need no agreement: CRDTs.

Reading order:

1. ``counters``: what a join is, and two counters. The first evening begins here.
2. ``dots``: how something is removed for good without a gravestone.
3. ``sets``: one that only grows, one that loses an element forever, and one in which it may
   come again.
4. ``registers``, ``maps``: the last value or all of them; and a map of such values.
5. ``gossip``, ``deltas``: a list that everybody keeps, by whole states and by what has changed.
6. ``rga``, ``fugue``: two texts that everybody edits, of which one mixes words up. ``sequence``
   keeps the row of characters for both.
7. ``operations``: the text on a network that loses, doubles and reorders.
8. ``garbage``: when a gravestone can go.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``small`` has the instances for
the explorer, ``demo`` shows it. ``front`` is the text in a terminal.
"""
