"""One register, three replicas, a partition: refuse, or answer with what may be old.

Reading order:

1. ``client``: what is asked, and what may be told to a user.
2. ``consistent``: a majority for every operation, or a refusal.
3. ``available``: an answer from every replica, right or old.
4. ``broken``: the consistent register without its second phase, to see what that phase is for.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``small`` is the instance for the
explorer, ``demo`` shows it.
"""
