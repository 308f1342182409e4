"""The members of the lab ``swim`` among real Serf agents: HashiCorp memberlist's wire format.

Consul, Nomad and Serf find their members with memberlist, which is SWIM with Lifeguard. This front
translates, message by message, and decides nothing. Reading order: ``packets.py`` (what is in a
datagram), ``lzw.py`` (how it is compressed), ``book.py`` (who is where), ``translate.py`` (their
messages and ours), ``states.py`` (what travels over TCP), ``facade.py`` (the sockets).
"""
