"""NATS' text protocol in front of the queue: a facade, so that real NATS clients talk to it.

* ``parser``: bytes to commands, with bounds, and what NATS says of bad ones.
* ``exchange``: who hears what. It carries out the lab's part ``subjects``: at most once.
* ``connection``: one client. ``facade``: the socket.
* ``jetstream``: the few requests of JetStream that publish, fetch and acknowledge. They become
  operations of the node, so they have all promises of the lab.
"""
