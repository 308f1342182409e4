"""Agreement among liars: Byzantine generals, and Castro and Liskov's replicas.

Reading order:

1. ``generals``: how many must be honest, and what a signature changes; it stands alone.
2. ``messages`` and ``certificates``: what is said, and what signed messages prove.
3. ``normal``: three phases give each request its number.
4. ``checkpoints``: what may be forgotten, and how who fell behind comes along.
5. ``viewchange``: another primary, and nothing is lost.
6. ``store`` and ``client``: what is replicated, and which answers its client believes.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``broken`` how liars lie,
``small``, ``small_viewchange`` and ``small_generals`` are instances for the explorer, ``demo`` and
``demo_generals`` show it.
"""
