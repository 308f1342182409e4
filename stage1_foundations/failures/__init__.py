"""Crash, omission, delay, lies: what a client may believe, and what it may say.

Reading order:

1. ``apart``: slow and dead look the same.
2. ``account``: the server; ``hasty``: the client that works on every calm day.
3. ``client``: the client that says only what is certainly true.
4. ``detect``: an opinion about who is dead.
5. ``masking``: when answers come and cannot be believed.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``small`` is the instance for the
explorer, ``demo`` shows it.
"""
