"""Kafka's wire protocol in front of a broker of the lab ``log``: what Kafka clients speak.

Reading order:

* ``wire``, ``schema``: numbers and strings; messages as tables, with the codec of each version.
* ``apis_records``, ``apis_cluster``, ``apis_groups``: the tables of the fourteen APIs; ``apis`` has
  all of them by number, and reads the header of a request.
* ``codes``, ``batches``: the errors of this front; which record batches are taken from a producer.
* ``gateway``: the door to the broker; numbers and addresses of brokers.
* ``records``, ``cluster``, ``groups``: what each request becomes for the broker, and its answer.
* ``connection``: one client: bounds, order, back-pressure. ``facade``: the socket.

Nothing is decided here. A request becomes one operation of the broker or several, and their results
become its response. The versions are those that kafka-python 3, aiokafka 0.14 and librdkafka 2
choose, down to the oldest that carry record batches of format 2, and up to the newest before topics
have ids (KIP-516: Metadata 10, Fetch 13, Produce 13).

Left out, so that clients that ask for it are refused with an error of the protocol:

* Transactions (a ``transactional.id``). The log is idempotent for each producer, not atomic over
  partitions; ``read_committed`` is granted, for nothing is ever uncommitted.
* KIP-848, groups whose assignments the broker computes: no client uses it unless told to.
* Incremental fetch sessions (KIP-227). Each Fetch names all its partitions; a response with session
  0 tells the client so.
* Quotas, authentication and TLS. All that listens here listens for everybody.
"""
