"""Siblings: of concurrent writes all are kept, until somebody writes who has seen them.

DeCandia et al. 2007, "Dynamo", section 4.4, and Bayou's conflicts before it. A leader cannot know
what two people meant who did not know of each other. So it keeps both values, and shows both. A
later write of somebody who was shown both replaces both: that person, or the program, has merged.

What an author has *seen* is what the author was shown, no more. It is not all that the leader has:
between showing and writing, another write may have come in, of which the author knows nothing. So
here a leader remembers, for each key, what it has shown to its people. It forgets that in a crash.
Then the next write replaces nothing, which is never wrong: there is one sibling more.

Preguiça et al. 2010, "Dotted version vectors", is why a write has a number of its own beside the
vector of what was seen: two people at one leader who were shown the same may both write, and
neither value replaces the other.
"""

from collections.abc import Mapping
from typing import Any

from common.contract import CallId, NodeId, on
from common.values.history import Ok
from stage3_partitioning.multileader.shipping import Get, Leader
from stage3_partitioning.multileader.versions import Vector, Write, kept, merged


class Siblings(Leader):
    """A leader that shows all values that nobody has replaced."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **options: Any) -> None:
        super().__init__(id, peers, **options)
        self.siblings: dict[str, tuple[Write, ...]] = {}
        """Of each key the writes that nobody has replaced."""
        self.shown: dict[str, Vector] = {}
        """Of each key what was shown here, and what had been seen by those who wrote that."""

    def status(self) -> Mapping[str, object]:
        """How many writes are here, and how many values the fullest key has."""
        most = max((len(each) for each in self.siblings.values()), default=0)
        return {**super().status(), "most siblings": most}

    def seen_of(self, key: str) -> Vector:
        """What was shown of the key here; nothing if it never was in this life."""
        return self.shown.get(key, ())

    def apply(self, write: Write) -> None:
        """Keep it, and drop what it replaces."""
        self.siblings[write.key] = kept(self.siblings.get(write.key, ()), write)

    @on(Get)
    def get(self, get: Get, call: CallId) -> None:
        """Answer with all values, Ok(values) in order of leader and number, and remember that.

        Who writes next at this leader has seen each of these writes, and what their authors had.
        """
        found = self.siblings.get(get.key, ())
        dots: list[Vector] = [((write.leader, write.number),) for write in found]
        self.shown[get.key] = merged([*dots, *(write.seen for write in found)])
        self.finish(call, Ok(tuple(write.value for write in found)))
