"""Quorum arithmetic: how many of ``n`` are enough."""

from collections.abc import Collection


def majority(members: int) -> int:
    """The least number of members of which any two sets share at least one.

    Args:
        members: how many there are, at least 1.

    >>> [majority(n) for n in (1, 2, 3, 4, 5)]
    [1, 2, 2, 3, 3]
    """
    return members // 2 + 1


def is_majority(voters: Collection[str], members: Collection[str]) -> bool:
    """Whether the members among ``voters`` are a majority of ``members``.

    Strangers and repeated voters do not count.
    """
    everyone = set(members)
    return len(everyone.intersection(voters)) >= majority(len(everyone))


def most_liars(members: int) -> int:
    """How many of the members may lie: less than a third (Pease, Shostak and Lamport 1980).

    >>> [most_liars(n) for n in (1, 3, 4, 6, 7)]
    [0, 0, 1, 1, 2]
    """
    return (members - 1) // 3


def liar_proof_majority(members: int) -> int:
    """The least number of which any two sets share a member that does not lie.

    It is 2f + 1 where there are 3f + 1 members. So many answer even if all liars are silent.

    >>> [liar_proof_majority(n) for n in (1, 4, 5, 6, 7)]
    [1, 3, 4, 4, 5]
    """
    return (members + most_liars(members)) // 2 + 1


def read_write_quorums_overlap(members: int, readers: int, writers: int) -> bool:
    """Whether each read quorum meets each write quorum: R + W > N (Gifford 1979, section 2)."""
    return readers + writers > members
