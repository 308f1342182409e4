"""A second process for some lives of nodes: it is told the same, and must answer the same.

A check within the process of a node is the node's own word. Of two processes neither knows which
one is believed, so one that tosses a coin, reads a clock or goes by the order of addresses is found
when the two differ.
"""

import contextlib
import hashlib
import weakref
from collections.abc import Callable

from common.course.judge.channel import Channel, Silent
from common.course.judge.worker.lines import Reply, read_reply
from common.values.errors import ContractError, RemoteProtocolError

ONE_IN = 8
"""Of so many lives one is led twice."""


def chosen(seed: str) -> bool:
    """Whether a life is led twice: as good as by lot, and for a seed always the same way."""
    lot = hashlib.sha256(f"twice/{seed}".encode()).digest()
    return int.from_bytes(lot[:8]) % ONE_IN == 0


class Shadow:
    """The second process of a life.

    Args:
        channel: the pipe to it.
        end: what to call at its end.
        greeting: its first line.
    """

    def __init__(self, channel: Channel, end: Callable[[], object], greeting: bytes) -> None:
        self._channel = channel
        channel.count_alone()
        self.close = weakref.finalize(self, _close, channel, end)
        self.tell(greeting)

    def tell(self, line: bytes) -> None:
        """Write what the node is told as well; a process that is gone is noticed by its answer."""
        with contextlib.suppress(Silent):
            self._channel.write(line)

    def agrees(self, answer: bytes, reply: Reply) -> bool:
        """Whether it answers as the node did; errors may be told in other words.

        Args:
            answer: the node's line.
            reply: the same, read.
        """
        try:
            own = self._channel.read()
            if own == answer:
                return True
            told = read_reply(own).error
        except (Silent, RemoteProtocolError):
            return False
        return bool(told and reply.error and told.kinds == reply.error.kinds)


def disagreement(name: str, step: int) -> ContractError:
    """What to say of a node whose two processes have answered an event in two ways."""
    return ContractError(
        f"{name}: two processes of it were told the same, and answered differently at its event "
        f"{step}: what a handler does must follow from the node's state and the event alone. Take "
        "chance from self.random and time from self.now, and do not go by the order of a set"
    )


def _close(channel: Channel, end: Callable[[], object]) -> None:
    channel.close()
    end()
