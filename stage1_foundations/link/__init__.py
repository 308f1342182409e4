"""A reliable link over an unreliable one.

Reading order:

1. ``ends``: what both ends have in common, and what their users ask of them.
2. ``fire_and_forget``: the version that keeps no promise.
3. ``retransmission_timeout``: how long to wait for an acknowledgement.
4. ``stop_and_wait``: one frame under way at a time.
5. ``sliding_window``: a window of them, which makes the link fast.
6. ``durable_receiver``: what has to be on disk before which message leaves.
7. ``theory``: how fast it can be at best, as formulas; ``plot_goodput`` measures it, ``plot`` draws
   both.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``small`` is the instance for the
explorer, ``demo`` shows it. ``alternating_bit`` is the protocol as it was first published,
``full_duplex`` both directions at once.
"""
