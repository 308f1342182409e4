"""What Byzantine nodes say: plans of lies, as data.

A Byzantine node may do anything; a test can only try what somebody thought of. So what a liar does
is written down as rules, and the same rules work in the simulator, the explorer and on sockets::

    EQUIVOCATES = Plan(Lie(of=(PrePrepare,), says=another_request))    # to some: Corrupt(..., to=)
    SIGNS_TWICE = Plan(Lie(of=(Prepare,), says=another_digest, truth=True))
    IS_SILENT = Plan(Lie(of=(ViewChange,), says=nothing))

The node itself follows its protocol, and knows nothing of it: its world rewrites each message that
it sends, for each receiver. A lie may use whatever the node has, its own key too. It has no other
node's key, so what it can forge is what a real liar could. For equivocation that comes out of
correct code there is :class:`common.values.faults.Twin`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Any, TypeAlias

from common.contract.events import NodeId
from common.contract.node import Node
from common.contract.signing import IDEAL_SIGNER, Signed, Signer
from common.contract.wrapped import Inner, unwrapped
from common.values.errors import BadInput
from common.values.units import MS

REPLAY_AFTER = 500 * MS
"""How much later the ready-made replay says everything again."""


@dataclass(frozen=True, slots=True)
class Liar:
    """The node that lies, as a lie sees it.

    Attributes:
        id: its name; under no other one can it send anything.
        node: the node, after the step in which it sends. A lie reads it and changes nothing.
        random: numbers decided by the seed of the run.
    """

    id: NodeId
    node: Node
    random: Random

    def sign(self, content: object) -> Signed:
        """``content`` with the liar's own signature, the only one that it can give."""
        signer: Signer = getattr(self.node, "_signer", IDEAL_SIGNER)  # a judged node is not here
        return Signed(self.id, content, signer.sign(self.id, content))


@dataclass(frozen=True, slots=True)
class Later:
    """A message that leaves ``after`` microseconds from now."""

    after: int
    message: object


Behaviour: TypeAlias = Callable[[Liar, NodeId, Any], Iterable[object]]
"""What a Byzantine node sends in place of a message: ``(liar, to, message) -> messages``, each one
bare or as :class:`Later`."""

Says: TypeAlias = Callable[[Liar, NodeId, Any], object]
"""Makes the untrue message, or says nothing by None: ``(liar, to, message) -> message``."""


def nothing(liar: Liar, to: NodeId, message: object) -> None:
    """Say nothing."""


def the_same(liar: Liar, to: NodeId, message: object) -> object:
    """Say the message as it is: untrue only because of the time."""
    del liar, to
    return message


def corrupted(*path: str) -> Says:
    """A lie that changes one field, and leaves everything else as it is, signatures too.

    Args:
        path: the field, or the fields on the way to it: ``corrupted("request", "digest")``.
    """

    def says(liar: Liar, to: NodeId, message: Any) -> object:
        del liar, to
        return _with(message, path)

    return says


def signed_anew(says: Says) -> Says:
    """A lie within a signed message, which the liar then signs itself: so everybody believes it.

    Args:
        says: makes the content in place of the true one; None for saying nothing.
    """

    def says_signed(liar: Liar, to: NodeId, message: Any) -> object:
        said = says(liar, to, message.content)
        return None if said is None else liar.sign(said)

    return says_signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """One rule: what becomes of messages of some classes.

    Attributes:
        of: the classes of the messages, or of what is signed in them; all of them unless given.
            Those of subnodes are meant too.
        says: makes what is said instead.
        truth: whether the true message is sent as well, before the lie.
        after: how much later the lie is told, in microseconds.
    """

    of: tuple[type, ...] = ()
    says: Says = nothing
    truth: bool = False
    after: int = 0


class Plan:
    """A behaviour made of rules. The first rule whose classes fit a message decides.

    A message that no rule is about is sent as it is.
    """

    def __init__(self, *lies: Lie) -> None:
        self.lies = lies

    def __call__(self, liar: Liar, to: NodeId, message: object) -> Iterable[object]:
        """What is sent to ``to`` in the place of ``message``."""
        _, bare = unwrapped(message)
        meant = bare.content if isinstance(bare, Signed) else bare
        for lie in self.lies:
            if not lie.of or isinstance(bare, lie.of) or isinstance(meant, lie.of):
                return _told(lie, message, lie.says(liar, to, bare))
        return (message,)


SILENT = Plan(Lie())
"""Says nothing to anybody, and goes on listening."""

REPLAYS = Plan(Lie(says=the_same, truth=True, after=REPLAY_AFTER))
"""Says everything once more, later."""


def known_behaviour(name: str, behaviours: Iterable[str]) -> None:
    """Check that there is a behaviour of this name.

    Raises:
        BadInput: there is none.
    """
    known = list(behaviours)
    if name not in known:
        raise BadInput(
            f"there is no Byzantine behaviour {name!r} here: there are {', '.join(known)}"
        )


def _told(lie: Lie, message: object, said: object) -> list[object]:
    told = [message] if lie.truth else []
    if said is not None:
        around = _within(message, said)
        told.append(Later(lie.after, around) if lie.after else around)
    return told


def _within(message: object, said: object) -> object:
    """What is said, for the same subnode as ``message``."""
    if isinstance(message, Inner):
        return Inner(message.to, _within(message.message, said))
    return said


def _with(value: Any, path: tuple[str, ...]) -> Any:
    if path:
        name, *rest = path
        return replace(value, **{name: _with(getattr(value, name), tuple(rest))})
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return f"not {value}"
        case bytes():
            return bytes([value[0] ^ 1, *value[1:]]) if value else b"\x00"
        case tuple():
            return value[1:]
    raise BadInput(
        f"a lie cannot corrupt {value!r}: name a field that is a number, a text, bytes or a tuple"
    )
