"""Remote procedure calls: what a call across a network can promise, and what it costs.

Reading order:

1. ``calls``: a caller, a callee, and answers that find the call they belong to. An hour.
2. ``once``: retries, and the table that lets none of them happen twice.
3. ``deadlines``: a queue at the callee, deadlines that travel, cancelling, and a retry budget.
4. ``streams``: an answer in many parts, with credit and with a place to go on from.

``served`` is the server as it runs: it serves callers from outside as well.

Around it: ``worlds`` says how it runs, ``checks`` what must hold, ``broken`` what everybody writes
first, ``small`` is the instance for the explorer, ``front`` the same service for any gRPC client,
``demo`` and ``plot`` show what a call costs.
"""
