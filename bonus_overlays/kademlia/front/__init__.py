"""The members of the lab ``kademlia`` in BitTorrent's table: BEP 5 and BEP 44.

This front translates, message by message, and decides nothing. Reading order: ``bencode.py`` (how
values are written), ``fields.py`` (what is checked of each), ``krpc.py`` (what is in a datagram,
and our messages), ``signatures.py`` (Ed25519, over the bytes that BEP 44 says), ``facade.py`` (the
socket).
"""
