"""Starts ``_queue_nats.py``: ``python tests/benchmarks/queue.py [--json]``.

This is a folder, which Python runs as it runs a script. A *file* of this name would hide Python's
own module ``queue`` from all scripts beside it, and from mypy.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from _queue_nats import main

if __name__ == "__main__":
    main()
