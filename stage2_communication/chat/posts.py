"""The posts that one member holds: of each author the first ones, without a gap.

Because there is no gap, a count for each author says all about what is held (:meth:`counts`), and
two members find out what the other lacks by comparing two vectors.
"""

from collections.abc import Iterator

from common.contract import NodeId
from stage2_communication.chat.messages import Post
from stage2_communication.clocks.vector import Counts, VectorClock

MAX_EARLY = 100
"""Posts of one author that are kept beyond a gap; what is farther ahead is asked for again."""


class HeldPosts:
    """Posts by author and number."""

    def __init__(self) -> None:
        self._by_author: dict[NodeId, list[Post]] = {}
        self._early: dict[NodeId, dict[int, Post]] = {}
        self.total = 0
        """How many posts are held, of all authors together."""

    def count(self, author: NodeId) -> int:
        """How many posts of ``author`` are held: those numbered 1 up to this."""
        return len(self._by_author.get(author, ()))

    def counts(self) -> Counts:
        """How many are held of each author, as the entries of a vector: by name in order."""
        return VectorClock((name, len(posts)) for name, posts in self._by_author.items()).counts()

    def get(self, author: NodeId, number: int) -> Post | None:
        """The post of ``author`` with this number, if it is held."""
        posts = self._by_author.get(author, ())
        return posts[number - 1] if 0 < number <= len(posts) else None

    def authors(self) -> list[NodeId]:
        """All authors with a post that is held, by name in order."""
        return sorted(self._by_author)

    def __iter__(self) -> Iterator[Post]:
        return (post for author in self.authors() for post in self._by_author[author])

    def take(self, post: Post) -> list[Post]:
        """Hold a post; returns those that are held now and were not before, in order.

        A post beyond a gap is kept aside, and is held as soon as the gap is filled. One that is
        held already changes nothing, and neither does one that is more than ``MAX_EARLY`` ahead.
        """
        author = post.author
        held = self.count(author)
        if not held < post.number <= held + MAX_EARLY:
            return []
        early = self._early.setdefault(author, {})
        early[post.number] = post
        fresh: list[Post] = []
        while (following := early.pop(held + 1 + len(fresh), None)) is not None:
            fresh.append(following)
        self._by_author.setdefault(author, []).extend(fresh)
        self.total += len(fresh)
        return fresh

    def forget_early(self, author: NodeId) -> None:
        """Drop what is kept of ``author`` beyond a gap."""
        self._early.pop(author, None)

    def beyond(self, holds: Counts, first: NodeId, limit: int) -> tuple[Post, ...]:
        """What somebody who holds ``holds`` lacks, at most ``limit`` posts.

        Those of ``first`` come first, then the other authors by name; each author's in order.
        """
        theirs = VectorClock(holds)
        authors = sorted(self._by_author, key=lambda author: (author != first, author))
        lacking: list[Post] = []
        for author in authors:
            start = theirs[author]
            lacking += self._by_author[author][start : start + limit - len(lacking)]
        return tuple(lacking)
