"""Nodes behind a pipe: what the simulator takes for a node, and a sandboxed process answers for."""

import hashlib
import weakref
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

import msgspec

from common.codec.json_codec import JsonCodec
from common.contract.effects import Broadcast, Deliver, Effect, Return, Save, Send, SetTimer
from common.contract.events import Event, Fire, Invoke, NodeId, Receive
from common.contract.kinds import DELIVERY, MESSAGE, TIMER, kind_of
from common.course.judge.channel import Channel, Silent
from common.course.judge.shadows import Shadow, chosen, disagreement
from common.course.judge.worker.hashes import LONG, Hashes, check_scattered
from common.course.judge.worker.lines import (
    PROTOCOL,
    Hello,
    Part,
    Reply,
    effect_of,
    plain_fields,
    read_reply,
    write_event,
)
from common.values.brief import brief
from common.values.errors import ContractError, LabError, RemoteProtocolError
from common.values.history import Ok

_text = msgspec.json.Encoder().encode


class NodeFailure(LabError):
    """What a node's process said or did not say; the text names the node.

    Attributes:
        verdict: what it makes of a test: to hang is another thing than to be wrong.
    """

    exit_code = 1
    verdict = "fail"


class NodeKind:
    """A node class of the student's, as the judge sees it: something that makes nodes.

    Args:
        name: of the class.
        lab: the lab's id.
        reference: the judge's own class of that name, for its schema; never made.
        codec: for the messages of that class.
        spawn: gives a fresh process: a channel, and what to call at its end.
        pack: packs the configuration.
        error: makes an exception of what a process told.
        made: told of each node that is made.
        twice: whether some lives are led in two processes, which must agree.
    """

    def __init__(
        self,
        name: str,
        lab: str,
        reference: type,
        codec: JsonCodec,
        spawn: Callable[[], tuple[Channel, Callable[[], None]]],
        pack: Callable[[object], Any],
        error: Callable[[Any], BaseException],
        made: Callable[["RemoteNode"], object],
        twice: bool = True,
    ) -> None:
        self.__name__ = name
        self.__doc__ = reference.__doc__
        self.lab = lab
        self.reference = reference
        self.codec = codec
        self.spawn = spawn
        self.pack = pack
        self.error = error
        self.made = made
        self.twice = twice

    def __call__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> "RemoteNode":
        """A node in a process of its own."""
        node = RemoteNode(self, id, tuple(peers), config)
        self.made(node)
        return node

    def __repr__(self) -> str:
        return f"<judged {self.__name__}>"


class RemoteNode:
    """One life of one node, in a process of its own.

    It has what worlds and suites ask of a node (``id``, ``peers``, ``seed``, ``step``, ``status``,
    ``full_status``), and nothing else: what a student's node holds is no evidence.
    """

    def __init__(
        self, kind: NodeKind, id: NodeId, peers: tuple[NodeId, ...], config: Mapping[str, Any]
    ) -> None:
        self.kind = kind
        self.id = id
        self.peers = peers
        self.signs = bool(getattr(kind.reference, "signs", False))
        self._config = config
        self._codec = kind.codec
        self._seed: str = id
        self._channel: Channel | None = None
        self._shadow: Shadow | None = None
        self._check = False
        self.again: list[Effect] = []
        self._steps = 0
        self._hashes = Hashes()
        self._long = False
        self._close: Callable[[], object] = lambda: None

    def seed(self, seed: str) -> None:
        """Seed the node's random numbers; before the first step."""
        self._seed = seed

    def step(self, event: Event) -> list[Effect]:
        """Let an event happen to the node; returns the effects that it asks for.

        Raises:
            ContractError: the node broke the contract.
            NodeFailure: its process ended, was silent, or wrote what is no answer.
            Exception: what came up in the node, under its registered name.
        """
        check, self._check = self._check, False
        self._steps += 1
        try:
            line = write_event(event, self._codec, check)
        except ContractError:
            self._check_taken(event)
            raise
        reply = self._ask(line)
        if reply.effects is None:
            raise self._fails("it answered an event without effects")
        effects = self._effects(reply.effects)
        if check:
            self.again = effects if reply.again is None else self._effects(reply.again)
        return effects

    def full_status(self) -> Mapping[str, object]:
        """What the node and its subnodes say of themselves; asked for when it is looked at."""
        return Status(self)

    def status(self) -> Mapping[str, object]:
        """What the node itself says; asked for when it is looked at."""
        return Status(self, own=True)

    def read_status(self) -> Mapping[str, object]:
        """Ask the node now."""
        reply = self._ask(b'{"event":"status"}\n')
        try:
            return plain_fields(reply.status or {}, self._codec)
        except RemoteProtocolError as error:
            raise self._fails(str(error)) from None

    def close(self) -> None:
        """End the process."""
        self._close()
        if self._shadow is not None:
            self._shadow.close()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Twin":
        """The copy that a check of determinism takes: made in the process, with the next step."""
        self._check = True
        return Twin(self)

    # The pipe.

    def _ask(self, line: bytes) -> Reply:
        channel = self._channel
        try:
            if channel is None:
                channel = self._open()
            channel.write(line)
            if self._shadow is not None:
                self._shadow.tell(line)
            answer = channel.read()
            self._long = len(answer) > LONG
            reply = read_reply(answer)
            if self._shadow is not None and not self._shadow.agrees(answer, reply):
                raise disagreement(self._name(), self._steps)
        except (Silent, RemoteProtocolError) as error:
            self.close()
            failure = self._fails(str(error))
            failure.verdict = getattr(error, "verdict", failure.verdict)
            raise failure from None
        except BaseException:
            self.close()  # interrupted between question and answer: it cannot go on
            raise
        if reply.error is not None:
            raise self.kind.error(reply.error)
        return reply

    def _open(self) -> Channel:
        channel, end = self.kind.spawn()
        self._channel = channel
        self._close = weakref.finalize(self, _end, channel, end)
        version, state, following = Random(self._seed).getstate()
        hello = Hello(
            PROTOCOL, self.kind.lab, self.kind.__name__, self.id, list(self.peers),
            msgspec.Raw(_text({k: self.kind.pack(v) for k, v in self._config.items()})),
            _digest(self._seed), list(self._codec.schema.kinds), [version, list(state), following],
        )  # fmt: skip
        greeting = _text(hello) + b"\n"
        channel.write(greeting)
        if self.kind.twice and chosen(self._seed):
            self._shadow = Shadow(*self.kind.spawn(), greeting)
        return channel

    def _effects(self, parts: list[Part]) -> list[Effect]:
        codec = self._codec
        try:
            effects = [effect_of(part, codec) for part in parts]
            for effect in effects:
                self._check_hashes(effect)
        except RemoteProtocolError as error:
            raise self._fails(str(error)) from None
        for effect in effects:
            if isinstance(effect, (Send, Broadcast)):
                self._must_be(MESSAGE, effect.message)
            elif isinstance(effect, SetTimer):
                self._must_be(TIMER, effect.timer)
            elif isinstance(effect, Deliver):
                self._must_be(DELIVERY, effect.value)
        return effects

    def _check_hashes(self, effect: Effect) -> None:
        """See that what the judge may put into a dict was not chosen to make that slow."""
        match effect:
            case Save(key):
                self._hashes.add(key)
            case Deliver(value) | Return(_, Ok(value)):
                self._hashes.add(value)
        if self._long:
            check_scattered(effect)

    def _must_be(self, kind: str, value: object) -> None:
        if kind_of(type(value)) != kind:
            raise ContractError(
                f"{self._name()}: {brief(value)} is no {kind}: declare its class so"
            )

    def _check_taken(self, event: Event) -> None:
        match event:
            case Receive(_, _, value) | Fire(_, _, value) | Invoke(_, _, value):
                if type(value) not in self._codec.schema:
                    what = f"{kind_of(type(value))} {brief(value)}"
                    raise ContractError(
                        f"{self._name()}: no handler takes the {what}: "
                        f"add a method marked @on({type(value).__name__})"
                    )

    def _name(self) -> str:
        return f"node {self.id} ({self.kind.__name__})"

    def _fails(self, why: str) -> NodeFailure:
        return NodeFailure(f"{self._name()}: {why}")


class Twin:
    """Stands for the copy of a node in a check of determinism."""

    def __init__(self, node: RemoteNode) -> None:
        self._node = node

    def step(self, event: Event) -> list[Effect]:
        """What the copy asked for when the node itself took its last step."""
        return self._node.again


class Status(Mapping[str, object]):
    """A node's status, asked for when it is first looked at."""

    def __init__(self, node: RemoteNode, own: bool = False) -> None:
        self._node = node
        self._own = own
        self._read: Mapping[str, object] | None = None

    def _values(self) -> Mapping[str, object]:
        if self._read is None:
            told = self._node.read_status()
            self._read = {n: v for n, v in told.items() if "/" not in n} if self._own else told
        return self._read

    def __getitem__(self, name: str) -> object:
        return self._values()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values())

    def __len__(self) -> int:
        return len(self._values())


def _end(channel: Channel, end: Callable[[], None]) -> None:
    channel.close()
    end()


def _digest(seed: str) -> str:
    """A seed for other languages: from it nobody can tell the seed of the simulation."""
    return hashlib.sha256(f"node/{seed}".encode()).hexdigest()
