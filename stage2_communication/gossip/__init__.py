"""Gossip: news that spread like a disease, and what becomes of what is deleted.

Reading order:

1. ``rumors``: tell others by chance, until it is no news any more. The first hour begins here.
2. ``pull``: ask instead of telling, and both.
3. ``store``: a table whose entries have stamps; ``sites``: two sites compare their tables.
4. ``certificates``: deletions, which have to be spread like anything else, and kept long enough.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``small`` are the instances for
the explorer, ``demo`` shows it, ``plot_runs`` measures, ``plot`` and ``plot_delay`` draw.
"""
