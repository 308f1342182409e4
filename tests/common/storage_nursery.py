"""Starts the lives of a store, each a process of its own, quickly: by fork, with all imported.

Each line on standard input is a directory. For it a child is forked, which loads the store there,
writes ``pid loaded``, and then appends steps for ever, a few to each sync, writing the number of
the last step to standard output after each sync. The test kills the child when it likes. The next
line is read when the child is dead, and ``dead`` is written.
"""

import os
import sys
from pathlib import Path
from random import Random
from typing import NoReturn

from common.runtime.storage import LogStorage
from tests.common.storage_workload import SCHEMA, step


def live(directory: Path) -> NoReturn:
    """Append steps until somebody kills this process."""
    store = LogStorage(directory, SCHEMA, compact_factor=1.5, compact_above=1500)
    last = store.load().get("last", 0)
    assert isinstance(last, int)
    random = Random(last)
    os.write(1, b"%d %d\n" % (os.getpid(), last))
    while True:
        for _ in range(random.randint(1, 4)):
            last += 1
            store.append(step(last))
        store.sync()
        os.write(1, b"%d\n" % last)


for line in sys.stdin:
    child = os.fork()
    if not child:
        live(Path(line.strip()))
    os.waitpid(child, 0)
    os.write(1, b"dead\n")
