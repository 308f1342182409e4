"""Who leads? Four answers, and what each of them needs.

Reading order:

1. ``bully``: the highest process that is alive leads. The first hour begins here.
2. ``ring``: the same answer, by a message that goes round.
3. ``terms``: a leader for a numbered term, by a majority, and a lease.
4. ``fencing``: the term as a token, so that an old leader's write is refused.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``small`` are the instances for
the explorer, ``demo`` and ``demo_counts`` show it.
"""
