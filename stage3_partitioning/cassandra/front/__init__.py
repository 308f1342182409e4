"""CQL's binary protocol, version 4, in front of a node: what the Python driver and ``cqlsh`` speak.

Reading order: ``wire`` (frames and what is in them), ``types`` (values as bytes, as text, as keys),
``tokens``, ``syntax`` and ``cql`` (statements), ``schema`` (tables, and where a row of one is),
``system`` (the tables that clients ask first), ``exchange`` (how a statement is sent and answered),
``changes`` and ``statements`` (a statement as operations of the node), ``requests`` (one request,
and its answer), ``facade`` (the socket).
"""
