"""Part 6: subjects with wildcards, and queue groups: competing consumers without any promise.

NATS (docs.nats.io, "Subject-Based Messaging" and "Queue Groups") has no list of topics. A subject
is a name of *tokens* with dots between them, ``orders.eu.new``, and a subscription is a pattern:

* ``*`` stands for exactly one token: ``orders.*.new``.
* ``>`` stands for one token or more, and is the last one: ``orders.>``.

Each subscriber whose pattern matches gets the message. Subscribers may share a **queue group**:
then one of the group gets it, drawn by chance. These are competing consumers, and that is all there
is: nothing is kept, nothing is acknowledged. A client that is away misses the message: *at most
once*. The queue of the other parts is what one builds on top (NATS calls that JetStream).

``front`` serves unmodified NATS clients with what is here.
"""

from dataclasses import dataclass
from typing import TypeAlias

ONE, REST = "*", ">"
"""The wildcards."""

Name: TypeAlias = tuple[int, str]
"""Of a subscription: which client, and what that client calls it."""


def is_subject(subject: str) -> bool:
    """Whether this is a subject, or a pattern: no token is empty, and none has white space in it.

    >>> is_subject("orders.eu"), is_subject("orders..eu"), is_subject("orders."), is_subject("")
    (True, False, False, False)
    """
    return all(token.split() == [token] for token in subject.split("."))


def is_pattern(pattern: str) -> bool:
    """Whether this is a pattern: a subject in which ``>`` is nowhere but at the end.

    A wildcard is a whole token: in ``eu*`` the star is a letter like any other.

    >>> is_pattern("orders.>"), is_pattern("orders.>.eu"), is_pattern("orders.e>u")
    (True, False, True)
    """
    return is_subject(pattern) and REST not in pattern.split(".")[:-1]


def is_literal(subject: str) -> bool:
    """Whether this is a subject without wildcards: what can be published to.

    >>> is_literal("orders.eu"), is_literal("orders.*"), is_literal(">")
    (True, False, False)
    """
    return is_subject(subject) and not {ONE, REST} & set(subject.split("."))


def matches(pattern: str, subject: str) -> bool:
    """Whether a subject without wildcards fits a pattern, token by token.

    >>> matches("orders.*", "orders.eu"), matches("orders.*", "orders.eu.new")
    (True, False)
    >>> matches("orders.>", "orders.eu.new"), matches("orders.>", "orders")
    (True, False)
    """
    wanted, given = pattern.split("."), subject.split(".")
    if wanted[-1] == REST:
        wanted.pop()
        if len(given) <= len(wanted):
            return False
        given = given[: len(wanted)]
    if len(wanted) != len(given):
        return False
    return all(token in (ONE, here) for token, here in zip(wanted, given, strict=True))


@dataclass(frozen=True, slots=True)
class Subscription:
    """What somebody wants to hear.

    Attributes:
        pattern: of the subjects.
        group: the queue group that it is in; "" for none.
    """

    pattern: str
    group: str


class Interest:
    """Who wants to hear what.

    Attributes:
        subscriptions: by name, in the order of subscribing.
    """

    def __init__(self) -> None:
        self.subscriptions: dict[Name, Subscription] = {}

    def subscribe(self, name: Name, pattern: str, group: str = "") -> None:
        """Let ``name`` hear what fits a pattern, from now on."""
        self.subscriptions[name] = Subscription(pattern, group)

    def unsubscribe(self, name: Name) -> None:
        """It hears nothing any more, if it is there at all."""
        self.subscriptions.pop(name, None)

    def receivers(self, subject: str, drawn: int) -> list[Name]:
        """Who gets a message: each subscription that fits and is in no group, in the order of
        subscribing; then one of each group.

        A group is told by its name alone: its members may have different patterns. Of those that
        fit it is the one at place ``drawn``, counted round and round from 0.

        Args:
            subject: of the message.
            drawn: a number by chance, 0 or more.
        """
        found: list[Name] = []
        groups: dict[str, list[Name]] = {}
        for name, subscription in self.subscriptions.items():
            if matches(subscription.pattern, subject):
                members = groups.setdefault(subscription.group, []) if subscription.group else found
                members.append(name)
        return found + [members[drawn % len(members)] for members in groups.values()]
