"""Redis' protocol, RESP: what the fronts of several labs share.

* ``requests``: bytes to commands, with bounds. ``inline``: a command as a person types it.
* ``replies``: results to bytes, in both versions of the protocol. ``words``: words as text, and the
  errors about them.

``requests`` needs hiredis (the extra ``redis``); only fronts import it.
"""
