"""Several leaders: everybody writes at home, and the copies meet later.

Reading order:

1. ``versions``: vectors of versions, and which writes have not heard of each other.
2. ``shipping``: each leader keeps a log of all writes and ships it, along a ring, a star, or to
   everybody.
3. ``latest``: the last writer wins, and what that loses.
4. ``siblings``: both are kept, until somebody who has seen both writes.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``small`` has the instances for
the explorer, ``broken`` what people try first, ``demo`` shows it.
"""
