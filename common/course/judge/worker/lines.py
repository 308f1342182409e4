"""The step protocol, line by line: what both ends of a node's pipe write and read.

``docs/reference/step-protocol.md`` is the specification, for any language; these are the lines in
Python. A line is one JSON object. The values in it that a protocol declares (messages, timers,
operations, what is saved) are written by the course's JSON codec.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from common.codec.json_codec import JsonCodec
from common.contract.effects import (
    Broadcast,
    CancelTimer,
    Deliver,
    Effect,
    Forget,
    Note,
    Return,
    Save,
    Send,
    SetTimer,
)
from common.contract.events import Event, Fire, Invoke, Receive, Start
from common.course.judge.worker.keys import read_key, write_key
from common.values.errors import RemoteProtocolError
from common.values.history import Failed, Ok, Outcome, Unknown

PROTOCOL = 1
"""The version of the step protocol that is spoken here."""

MAX_LINE = 8 * 1024 * 1024
"""The longest line in either direction, in bytes."""

MAX_EFFECTS = 100_000
"""How many effects one step may ask for; a broadcast is one for each that it goes to."""

Number: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""Of a timer or a call. Greater ones may all have the same hash, and then a set of them is slow."""

_text = msgspec.json.Encoder().encode


class Hello(msgspec.Struct, tag_field="event", tag="hello"):
    """The first line to a node: who it is. Nothing answers it."""

    protocol: int
    lab: str
    node: str
    id: str
    peers: list[str]
    config: msgspec.Raw
    seed: str
    classes: list[str]
    random: list[Any] | None = None


class StartLine(msgspec.Struct, tag_field="event", tag="start"):
    """A life begins."""

    now: int
    saved: list[tuple[Any, msgspec.Raw]]
    check: bool = False


class ReceiveLine(msgspec.Struct, tag_field="event", tag="receive"):
    """A message arrives."""

    now: int
    sender: str
    message: msgspec.Raw
    check: bool = False


class FireLine(msgspec.Struct, tag_field="event", tag="fire"):
    """A timer fires."""

    now: int
    id: int
    timer: msgspec.Raw
    check: bool = False


class InvokeLine(msgspec.Struct, tag_field="event", tag="invoke"):
    """A client asks."""

    now: int
    call: int
    operation: msgspec.Raw
    check: bool = False


class StatusLine(msgspec.Struct, tag_field="event", tag="status"):
    """The picture wants to know how the node is."""


EventLine: TypeAlias = Hello | StartLine | ReceiveLine | FireLine | InvokeLine | StatusLine


class SendPart(msgspec.Struct, tag_field="effect", tag="send"):
    """The form of :class:`~common.contract.effects.Send`."""

    to: str
    message: msgspec.Raw


class BroadcastPart(msgspec.Struct, tag_field="effect", tag="broadcast"):
    """The form of :class:`~common.contract.effects.Broadcast`."""

    to: list[str]
    message: msgspec.Raw


class SetTimerPart(msgspec.Struct, tag_field="effect", tag="set_timer"):
    """The form of :class:`~common.contract.effects.SetTimer`."""

    id: Number
    after: int
    timer: msgspec.Raw


class CancelTimerPart(msgspec.Struct, tag_field="effect", tag="cancel_timer"):
    """The form of :class:`~common.contract.effects.CancelTimer`."""

    id: Number


class SavePart(msgspec.Struct, tag_field="effect", tag="save"):
    """The form of :class:`~common.contract.effects.Save`."""

    key: Any
    value: msgspec.Raw


class ForgetPart(msgspec.Struct, tag_field="effect", tag="forget"):
    """The form of :class:`~common.contract.effects.Forget`."""

    key: Any


class ReturnPart(msgspec.Struct, tag_field="effect", tag="return"):
    """The form of :class:`~common.contract.effects.Return`."""

    call: Number
    outcome: Literal["ok", "failed", "unknown"]
    value: msgspec.Raw = msgspec.Raw()
    reason: str = ""


class NotePart(msgspec.Struct, tag_field="effect", tag="note"):
    """The form of :class:`~common.contract.effects.Note`."""

    text: str
    fields: dict[str, msgspec.Raw]


class DeliverPart(msgspec.Struct, tag_field="effect", tag="deliver"):
    """The form of :class:`~common.contract.effects.Deliver`."""

    value: msgspec.Raw


Part: TypeAlias = (
    SendPart
    | BroadcastPart
    | SetTimerPart
    | CancelTimerPart
    | SavePart
    | ForgetPart
    | ReturnPart
    | NotePart
    | DeliverPart
)


class Problem(msgspec.Struct):
    """Why a node could not take an event: its own error.

    Attributes:
        kinds: the names of the exception's class and of its bases, the nearest first.
        text: its message.
        place: file, line and function, or "".
    """

    kinds: list[str]
    text: str
    place: str = ""


class Reply(msgspec.Struct):
    """The line that answers an event: effects in order, or a problem, or how the node is.

    Attributes:
        again: where ``check`` was asked for: the effects of a copy, where they differ.
    """

    effects: list[Part] | None = None
    error: Problem | None = None
    status: dict[str, msgspec.Raw] | None = None
    again: list[Part] | None = None


_read_event = msgspec.json.Decoder(EventLine).decode
_read_reply = msgspec.json.Decoder(Reply).decode


def read_event(line: bytes) -> EventLine:
    """A line to a node. Raises: msgspec.MsgspecError."""
    told: EventLine = _read_event(line)
    return told


def read_reply(line: bytes) -> Reply:
    """A line from a node.

    Raises:
        RemoteProtocolError: it is none; the text says why.
    """
    try:
        reply = _read_reply(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise RemoteProtocolError(
            f"it wrote a line that is no answer to an event: {error}"
        ) from None
    parts = reply.effects or ()
    wide = sum(len(part.to) for part in parts if isinstance(part, BroadcastPart))
    if len(parts) + wide > MAX_EFFECTS:
        raise RemoteProtocolError(f"it asked for more than {MAX_EFFECTS:,} effects in one step")
    return reply


def write_event(event: Event, codec: JsonCodec, check: bool = False) -> bytes:
    """The line that tells a node of an event. Raises: ContractError, as the codec does."""
    more = b',"check":true' if check else b""
    match event:
        case Receive(now, sender, message):
            return b'{"event":"receive","now":%d,"sender":%b,"message":%b%b}\n' % (
                now, _text(sender), codec.encode(message), more,
            )  # fmt: skip
        case Fire(now, id, timer):
            return b'{"event":"fire","now":%d,"id":%d,"timer":%b%b}\n' % (
                now, id, codec.encode(timer), more,
            )  # fmt: skip
        case Invoke(now, call, operation):
            return b'{"event":"invoke","now":%d,"call":%d,"operation":%b%b}\n' % (
                now, call, codec.encode(operation), more,
            )  # fmt: skip
        case Start(now, saved):
            pairs = b",".join(
                b"[%b,%b]" % (write_key(key), codec.encode(value)) for key, value in saved.items()
            )
            return b'{"event":"start","now":%d,"saved":[%b]%b}\n' % (now, pairs, more)


def event_of(line: StartLine | ReceiveLine | FireLine | InvokeLine, codec: JsonCodec) -> Event:
    """The event that a line tells of. Raises: RemoteProtocolError, as the codec does."""
    match line:
        case ReceiveLine(now, sender, message):
            return Receive(now, sender, codec.decode(memoryview(message)))
        case FireLine(now, id, timer):
            return Fire(now, id, codec.decode(memoryview(timer)))
        case InvokeLine(now, call, operation):
            return Invoke(now, call, codec.decode(memoryview(operation)))
        case StartLine(now, saved):
            held = {read_key(key): codec.decode(memoryview(value)) for key, value in saved}
            return Start(now, held)


def write_effects(effects: list[Effect], codec: JsonCodec) -> bytes:
    """The JSON list of effects. Raises: ContractError, as the codec does."""
    return b"[%b]" % b",".join([_write_effect(effect, codec) for effect in effects])


def _write_effect(effect: Effect, codec: JsonCodec) -> bytes:
    match effect:
        case Send(to, message):
            return b'{"effect":"send","to":%b,"message":%b}' % (_text(to), codec.encode(message))
        case Broadcast(to, message):
            return b'{"effect":"broadcast","to":%b,"message":%b}' % (
                _text(to), codec.encode(message),
            )  # fmt: skip
        case SetTimer(id, after, timer):
            return b'{"effect":"set_timer","id":%d,"after":%d,"timer":%b}' % (
                id, after, codec.encode(timer),
            )  # fmt: skip
        case CancelTimer(id):
            return b'{"effect":"cancel_timer","id":%d}' % id
        case Save(key, value):
            return b'{"effect":"save","key":%b,"value":%b}' % (
                write_key(key), codec.encode(value),
            )  # fmt: skip
        case Forget(key):
            return b'{"effect":"forget","key":%b}' % write_key(key)
        case Return(call, outcome):
            return b'{"effect":"return","call":%d,%b}' % (call, _write_outcome(outcome, codec))
        case Note(text, fields):
            named = b",".join(
                b"%b:%b" % (_text(name), codec.encode(value)) for name, value in fields.items()
            )
            return b'{"effect":"note","text":%b,"fields":{%b}}' % (_text(text), named)
        case Deliver(value):
            return b'{"effect":"deliver","value":%b}' % codec.encode(value)


def _write_outcome(outcome: Outcome, codec: JsonCodec) -> bytes:
    match outcome:
        case Ok(value):
            return b'"outcome":"ok","value":%b' % codec.encode(value)
        case Failed(reason):
            return b'"outcome":"failed","reason":%b' % _text(reason)
        case Unknown(reason):
            return b'"outcome":"unknown","reason":%b' % _text(reason)


def effect_of(part: Part, codec: JsonCodec) -> Effect:
    """The effect that a part of an answer stands for. Raises: RemoteProtocolError, as the codec."""
    match part:
        case SendPart(to, message):
            return Send(to, codec.decode(memoryview(message)))
        case SetTimerPart(id, after, timer):
            if after < 0:
                raise RemoteProtocolError(f"it set a timer {after} microseconds from now")
            return SetTimer(id, after, codec.decode(memoryview(timer)))
        case CancelTimerPart(id):
            return CancelTimer(id)
        case BroadcastPart(to, message):
            return Broadcast(tuple(to), codec.decode(memoryview(message)))
        case SavePart(key, value):
            return Save(read_key(key), codec.decode(memoryview(value)))
        case ForgetPart(key):
            return Forget(read_key(key))
        case ReturnPart(call, outcome, value, reason):
            return Return(call, _outcome_of(outcome, value, reason, codec))
        case NotePart(text, fields):
            return Note(text, plain_fields(fields, codec))
        case DeliverPart(value):
            return Deliver(codec.decode(memoryview(value)))


def plain_fields(fields: Mapping[str, msgspec.Raw], codec: JsonCodec) -> dict[str, object]:
    """The values of a note or of a status, by name."""
    return {name: codec.decode(memoryview(value)) for name, value in fields.items()}


def _outcome_of(name: str, value: msgspec.Raw, reason: str, codec: JsonCodec) -> Outcome:
    if name == "ok":
        return Ok(codec.decode(memoryview(value)) if memoryview(value) else None)
    return Failed(reason) if name == "failed" else Unknown(reason)
