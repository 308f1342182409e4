"""Agreement among liars: Byzantine generals, and Castro and Liskov's replicas.

Reading order:

1. ``messages`` and ``certificates``: what is said, and what signed messages prove.
2. ``normal``: three phases give each request its number.
3. ``checkpoints``: what may be forgotten, and how who fell behind comes along.
4. ``viewchange``: another primary, and nothing is lost.
5. ``store`` and ``client``: what is replicated, and whom its client believes.
"""
