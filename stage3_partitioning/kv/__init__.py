"""A key-value store whose keys are spread over nodes that come and go.

Reading order:

1. ``partitioners``, ``ring``, ``slots``: who owns a key; pure functions. ``balance`` measures them.
2. ``commands`` and ``store``: what is asked of one shard. Not needed to understand the rest:
   ``front_commands``, ``fronted`` and ``lists``, what only a front asks.
3. ``messages``: what nodes send each other.
4. ``ownership``, ``shard``, ``handover``: a slot moves while clients write to it.
5. ``coordinator`` and ``member``: who decides what moves, and when.
6. ``server``: all of it together; ``client``: who asks. ``front`` speaks Redis' protocol.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``small`` is the instance for the
explorer, ``demo`` shows it.
"""
