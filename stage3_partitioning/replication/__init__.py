"""One leader and its followers: copies of a store, and what it takes to lose nothing.

Reading order:

1. ``log``: writes in order, positions, and how two histories are compared.
2. ``shipping``: the leader writes, and ships its log; followers take it in order.
3. ``acknowledging``: when a client is told that its write is done: at once, or when one follower
   has it, or all.
4. ``sessions``: what a client sees that reads at followers, which lag; and how it reads its own
   writes nevertheless.
5. ``failover``: another member leads, and the old leader is fenced off. ``operator`` commands it.
6. ``rejoin``: an old leader takes back what nobody else has, and lists it.

Around it: ``client`` asks, ``worlds`` says how it runs, ``checks`` what must hold, ``small`` has
the instances for the explorer, ``broken`` what people try first, ``delayed`` followers that lag,
``demo`` shows it. ``fronted`` is a replica with a front, and ``front`` speaks Redis' replication.
"""
