"""A message queue: work that is handed over, and neither lost nor forgotten in somebody's hands.

Reading order:

1. ``topics``: topics, competing consumers, acknowledgements. The first hour.
2. ``leases``: a delivery is a lease; what is not acknowledged in time is delivered again.
3. ``ordered``: the messages of a key in their order, and no more to a consumer than it can bear.
4. ``durable``: on disk before it is acknowledged.
5. ``dead``: a message that nobody can handle makes way for the others.
6. ``subjects``: wildcards and queue groups, without any promise.

``client`` is a producer and a consumer in one, and keeps the consumer's side of a lease. ``served``
is the broker as it runs: it serves programs from outside as well.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``broken`` acknowledges before it
has anything on disk, ``small`` are the instances for the explorer, ``demo`` shows it, ``front``
speaks NATS with real clients.
"""
