"""MongoDB's wire protocol in front of a server's router, so that unmodified clients talk to it.

* ``wire``: bytes to commands, with bounds, and replies to bytes.
* ``problems``: what a client is told when something is wrong, with MongoDB's codes.
* ``keys``: the place of a document in the order of the table.
* ``store``: documents of the lab under a collection's name.
* ``documents``: what filters, updates and pipelines mean (mongomock knows).
* ``catalog``: the database ``config``, made of the table.
* ``data``: commands about documents. ``admin``: those about the cluster and the connection.
* ``facade``: the socket.

Nothing is decided here: each document is read and written by the router, one at a time.
"""
