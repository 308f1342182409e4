"""A chat room: who says what, in which order everybody sees it.

Reading order:

1. ``messages``: what people ask, what members send; ``posts``: what is kept.
2. ``arrival``: posts as they come, which is wrong.
3. ``total``: the same order for everybody; ``causal``: no answer before its question.
4. ``spreading``, ``room`` and ``member``: posts that get through in spite of faults, joining,
   leaving.
5. ``client``: who asks from elsewhere. ``front`` has the terminal in which people sit.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``small`` is the instance for the
explorer, ``demo`` shows it.
"""
