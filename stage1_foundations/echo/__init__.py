"""The same echo twice: by hand on TCP, and as a node in ten lines.

Reading order:

1. ``frames``: messages in a stream of bytes.
2. ``server`` and ``client``: everything that a connection can do to them; ``tcp`` runs both.
3. ``node``: the same as a node. Which of the troubles above are still there?

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``demo`` shows it.
"""
