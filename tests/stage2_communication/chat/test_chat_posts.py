"""Graded suite of the lab ``chat``, first part: what one member holds, without a gap."""

from random import Random
from typing import Any

from common.course.suites.grading import Sweep, graded
from tests.stage2_communication.chat.lab import ChatLab

LAB = "chat"

AUTHORS = ("ann", "bob", "cat")


def said(lab: ChatLab, author: str, number: int) -> Any:
    """A post with this name; what it says does not matter here."""
    return lab.Post(author, number, 0, lab.Said(f"{author}.{number}"))


def names(posts: Any) -> list[tuple[str, int]]:
    """Posts by author and number."""
    return [(post.author, post.number) for post in posts]


@graded(points=2, title="Without a gap", requirement="a post is held once all before it are")
def test_posts_are_held_once_and_in_their_authors_order_however_they_come(
    lab: ChatLab, sweep: Sweep
) -> None:
    """Against a set of all that came: what is held are the first ones in it, without a gap."""
    for seed in sweep(5):
        random = Random(seed)
        coming = [(author, number) for author in AUTHORS for number in range(1, 9)] * 2
        random.shuffle(coming)
        held, came = lab.HeldPosts(), set[tuple[str, int]]()
        for author, number in coming:
            before = held.count(author)
            fresh = held.take(said(lab, author, number))
            came.add((author, number))
            expected = before
            while (author, expected + 1) in came:
                expected += 1
            assert names(fresh) == [(author, n) for n in range(before + 1, expected + 1)], (
                f"{author}'s post {number} came, and {before} were held before"
            )
            assert held.count(author) == expected
            assert held.get(author, expected + 1) is None, "one beyond a gap is not held"
        assert names(held) == sorted(came), "all are there, by author and number"
        assert held.total == len(came)


@graded(points=1, title="Bounded", requirement="what is too far ahead is asked for again")
def test_a_post_far_beyond_a_gap_is_not_kept(lab: ChatLab) -> None:
    for ahead, kept in ((lab.MAX_EARLY, True), (lab.MAX_EARLY + 1, False)):
        held = lab.HeldPosts()
        assert names(held.take(said(lab, "ann", 1))) == [("ann", 1)]
        assert names(held.take(said(lab, "ann", 1 + ahead))) == []
        for number in range(2, 1 + ahead):
            held.take(said(lab, "ann", number))
        assert held.count("ann") == ahead + kept, f"{ahead} ahead of what is held"


@graded(points=1, title="Forgotten", requirement="what lies beyond a gap can be dropped")
def test_what_was_forgotten_beyond_a_gap_does_not_come_back_when_the_gap_is_filled(
    lab: ChatLab,
) -> None:
    held = lab.HeldPosts()
    for author in ("ann", "bob"):
        assert held.take(said(lab, author, 2)) == []
    held.forget_early("ann")
    assert names(held.take(said(lab, "ann", 1))) == [("ann", 1)]
    assert names(held.take(said(lab, "bob", 1))) == [("bob", 1), ("bob", 2)]
    assert names(held.take(said(lab, "ann", 2))) == [("ann", 2)], "it may come again"


@graded(points=2, title="What another one lacks", requirement="two vectors tell it all")
def test_two_members_who_compare_vectors_send_each_other_just_what_is_missing(
    lab: ChatLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        random = Random(seed)
        mine, theirs = lab.HeldPosts(), lab.HeldPosts()
        for author in random.sample(AUTHORS, 3):
            for number in range(1, random.randint(1, 9)):
                mine.take(said(lab, author, number))
            for number in range(1, random.randint(1, 9)):
                theirs.take(said(lab, author, number))
        counted = tuple((author, mine.count(author)) for author in AUTHORS)
        assert mine.counts() == tuple(entry for entry in counted if entry[1]), "by name, in order"
        for first in AUTHORS:
            lacking = [post for post in names(mine) if theirs.get(*post) is None]
            lacking.sort(key=lambda post: (post[0] != first, post))
            for limit in (1, 3, 50):
                told = mine.beyond(theirs.counts(), first, limit)
                assert names(told) == lacking[:limit], f"{first}'s come first, {limit} at most"
        for post in mine.beyond(theirs.counts(), first, 50):
            assert names(theirs.take(post)) == names([post]), "in an order in which all are held"
        assert mine.beyond(theirs.counts(), first, 50) == (), "nothing is lacking any more"
