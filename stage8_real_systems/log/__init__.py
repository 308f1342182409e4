"""A partitioned, replicated log, after Kafka: brokers, producers, consumer groups, a controller.

Reading order, one concern a file:

1. ``batches``: what is appended, as one. ``segments``: a file of batches with a sparse index.
2. ``storage``: a log of segments, and retention. ``compaction``: of each key, what was said last.
   ``disk``: the same on a real disk.
3. ``requests``, ``group_requests``: what clients ask, and what they are told.
4. ``messages``: what replicas say to each other. ``metadata``: what the controller decides.
   ``quorum``: the Raft that replicates it, and who is alive.
5. ``replica``: what every replica has. ``following`` and ``leading``: its two roles. ``partition``:
   both. ``epochs``: where two logs part. ``producers``: no batch twice, and none missing.
6. ``groups``: a consumer group. ``coordinator``: its positions, kept in a log.
7. ``desk``, ``purgatory``, ``serving``, ``coordinating``, ``broker``: a broker, from what all of it
   needs to what clients see.
8. ``client``, ``group_client``: who asks.

Around it: ``alone`` has replicas without brokers, ``broken`` the three rules that lose data when
they are missing, ``worlds`` says how all of it runs, ``checks`` what must hold, ``small`` is the
instance for the explorer, ``demo`` shows it. What speaks Kafka's protocol is in ``front``.
"""
