"""Redis' protocol in front of the sharded store: a facade, so that real Redis clients talk to it.

* Bytes to commands, and results to bytes: ``common/runtime/resp``, which other labs share.
* ``table``: which commands there are. ``plans``: what one about keys becomes. ``data``: those about
  texts, and about keys of whatever kind. ``lists``: those about lists.
* ``server``: those about the server, the cluster and the connection. ``options``: how SET and
  EXPIRE are written.
* ``client``: what a command sees of the client that sent it.
* ``connection``: one client: order, transactions, redirects, back-pressure. ``facade``: the socket.

Nothing is decided here: every key is looked at by the node, and what the node says is translated.
"""
