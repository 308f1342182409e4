"""What was refused: counted by kind, and said in the log, but not more often than one can read."""

import time
from collections.abc import Callable

from common.values.errors import RemoteProtocolError

QUIET_SECONDS = 10.0
"""After a sentence in the log, further refusals of its kind are only counted for so long."""


class Refused(RemoteProtocolError):
    """A datagram is not taken; the text says why, in one sentence that begins with "it".

    Attributes:
        kind: what it is counted as.
    """

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


class Refusals:
    """Counts refusals, and names some.

    Anybody can send datagrams, as many as the network carries. A line in the log for each of them
    would let a stranger fill the disk.

    Args:
        kinds: all kinds that there are.
        log: takes one sentence for people.
        now: seconds, monotonic.

    Attributes:
        counts: how many there were, by kind, since the start.
    """

    def __init__(
        self,
        kinds: tuple[str, ...],
        log: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = dict.fromkeys(kinds, 0)
        self._log = log
        self._now = now
        self._said: dict[str, tuple[float, int]] = {}

    def add(self, kind: str, sentence: str) -> None:
        """Count a refusal; the log gets the sentence if its kind has been quiet for a while."""
        self.counts[kind] += 1
        count = self.counts[kind]
        said_at, said_count = self._said.get(kind, (-QUIET_SECONDS, 0))
        now = self._now()
        if said_count and now - said_at < QUIET_SECONDS:
            return
        unsaid = count - said_count - 1
        more = f" ({unsaid} more of this kind since the last one named here)" if unsaid else ""
        self._said[kind] = (now, count)
        self._log(f"{sentence}{more}")
