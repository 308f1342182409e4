"""Kademlia: a table of keys and values that nobody owns, spread over all who take part.

Reading order:

1. ``buckets``: the metric, and which nodes a node remembers. The first hour is here.
2. ``lookup``: the bookkeeping of one lookup.
3. ``messages`` and ``finding``: nodes that find each other.
4. ``items``: what may be kept, and what may replace it.
5. ``holding``: holding values for others. ``publishing``: publishing values, and getting them.

6. ``disjoint``: lookups among liars.
7. ``topologies``: other overlays, and what they cost; ``flooding``: news on any of them.
8. ``peers``: who shares a file, which is what BitTorrent made its table for.

``front`` speaks BitTorrent's format (BEP 5, BEP 44), so that its clients are in one table with the
members. Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``demo`` shows it,
``plot``, ``plot_churn`` and ``plot_topologies`` draw it.
"""
