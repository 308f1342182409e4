"""What a chat is: what people ask of it, what a post is, and what members say to each other.

A *room* has members. Each member shows the posts of all members to the person who sits there, one
after the other: its *transcript*. The protocols of this lab differ in the order of that, and in
nothing else: ``arrival.py`` (as they come, which is wrong), ``total.py`` (the same order
for everybody) and ``causal.py`` (no answer before its question). All of them are complete in
``member.py``, except for that order.
"""

import unicodedata
from typing import TypeAlias

from common.contract import NodeId, message, operation, record
from stage2_communication.clocks.vector import Counts

MAX_TEXT = 1_000
"""Characters in one post; a longer one is refused."""

MAX_BATCH = 50
"""Posts in one message."""

REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's control characters, half characters, and separators of lines and paragraphs."""

TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what follows: with them a line can look like another."""

# What a person asks of the member where they sit.


@operation
class Say:
    """Post ``text``. Ends with Ok() once this member shows it, in its place.

    Failed says that it certainly was not posted, and why. Unknown, that nobody can tell.
    """

    text: str


@operation
class Read:
    """What is shown beyond the first ``after`` lines? Ends with Ok(tuple of :class:`Line`)."""

    after: int


@operation
class Join:
    """Enter the room. Ends with Ok() once this member shows that it has joined."""


@operation
class Leave:
    """Leave for good. Ends with Ok() once the room does not wait for this member any more."""


@operation
class Remove:
    """Take the member ``name`` out of the room, for good: it has crashed and does not come back.

    Only the member who opened the room can. Ends with Ok() once that member shows it.
    """

    name: NodeId


Operation: TypeAlias = Say | Read | Join | Leave | Remove

# What is posted.


@record
class Said:
    """Somebody said something."""

    text: str


@record
class Joined:
    """``name`` is a member from here on. Posted by the opener of the room only."""

    name: NodeId


@record
class Removed:
    """``name`` is a member no more. Posted by the opener of the room only."""

    name: NodeId


Content: TypeAlias = Said | Joined | Removed


@record
class Origin:
    """The request of a client that a post carries out: it is posted once, however often it comes.

    Attributes:
        client: who asked.
        number: of the request among those of this client; it only grows.
    """

    client: NodeId
    number: int


@record
class Post:
    """A message of the chat; it never changes.

    Attributes:
        author: the member who posted it.
        number: its place among the author's posts: 1, 2, 3 ...
        stamp: a Lamport time where all posts are in one order, a vector where only causes are.
        content: what it says.
        origin: the client's request that it carries out, if a client asked.
    """

    author: NodeId
    number: int
    stamp: int | Counts
    content: Content
    origin: Origin | None = None


@record
class Line:
    """A post in a transcript.

    Attributes:
        place: 1 for the first line.
        author: who posted it.
        number: its place among the author's posts.
        content: what it says.
    """

    place: int
    author: NodeId
    number: int
    content: Content


# What members say to each other. ``holds`` says how many posts of each author the sender holds on
# its disk, without a gap. It is always the whole of what it holds, as it was at one moment.


@message
class Posts:
    """Here are posts; hold them."""

    posts: tuple[Post, ...]
    holds: Counts


@message
class Acknowledgement:
    """I hold these."""

    holds: Counts


@message
class Ask:
    """I hold these. Send me what I lack, and tell me what you hold."""

    holds: Counts


@message
class Tell:
    """You asked: I hold these. Send me what I lack."""

    holds: Counts


@message
class Knock:
    """To the opener, from somebody outside: let me in. I hold these."""

    holds: Counts


@message
class Goodbye:
    """To the opener: take me out, once you hold all of my own posts. I hold these."""

    holds: Counts


@message
class Refusal:
    """From the opener, to somebody who knocked: no, and why."""

    reason: str


def brief(post: Post) -> str:
    """A post in a few words, for pictures."""
    match post.content:
        case Said(text):
            return f"{post.author}: {text[:20]}"
        case Joined(name):
            return f"{name} has joined"
        case Removed(name):
            return f"{name} is removed"


def problem_of(text: str) -> str | None:
    """Why ``text`` cannot be posted, in one sentence; None where it can."""
    if len(text) > MAX_TEXT:
        return f"a post has at most {MAX_TEXT} characters, and this one has {len(text)}"
    if not text.strip():
        return "there is nothing to say"
    for place, sign in enumerate(text, 1):
        if unicodedata.category(sign) in REFUSED_CATEGORIES or sign in TURNING:
            return f"character {place} is U+{ord(sign):04X}, a control character: posts have none"
    return None
