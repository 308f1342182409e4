"""Dynamo: a store that always takes a write, and sorts it out later.

Reading order:

1. ``ring``: who keeps a key, and who stands in.
2. ``versions``: values that nobody has replaced, and what a context is.
3. ``keeping``: what a node has on disk, and what nodes say to each other.
4. ``quorum``: N, R and W; what a read repairs.
5. ``handoff``: somebody else keeps it until its home is back.
6. ``entropy``: trees of digests find what two nodes have differently.
7. ``members``: nodes come and go, by gossip.

Around it: ``client`` asks and remembers contexts, ``worlds`` says how it runs, ``checks`` what must
hold, ``small`` is the instance for the explorer, ``demo`` shows it.
"""
